use crate::border::border;
use crate::executor::EXECUTOR;
use insight_probe::{Joining, TaskRef};
#[cfg(not(insight_before = "1.41.0"))]
use real::task::Id;
use real::task::{AbortHandle, JoinError};
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

/// See [`tokio::task::JoinHandle`](real::task::JoinHandle).
pub struct JoinHandle<T> {
    inner: real::task::JoinHandle<T>,
    joining: Joining,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(inner: real::task::JoinHandle<T>, task: TaskRef) -> JoinHandle<T> {
        JoinHandle { inner, joining: Joining::new(task) }
    }

    /// See [`tokio::task::JoinHandle::abort`](real::task::JoinHandle::abort).
    pub fn abort(&self) {
        self.inner.abort();
    }

    /// See [`tokio::task::JoinHandle::is_finished`](real::task::JoinHandle::is_finished).
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// See [`tokio::task::JoinHandle::abort_handle`](real::task::JoinHandle::abort_handle).
    #[must_use = "abort handles do nothing unless `.abort` is called"]
    pub fn abort_handle(&self) -> AbortHandle {
        self.joining.hands_out();
        self.inner.abort_handle()
    }

    /// See [`tokio::task::JoinHandle::id`](real::task::JoinHandle::id).
    #[cfg(not(insight_before = "1.41.0"))]
    pub fn id(&self) -> Id {
        self.inner.id()
    }
}

border!(out [T] JoinHandle<T> => real::task::JoinHandle<T>, self => {
    self.joining.hands_out();
    self.inner
});
// An unobserved task: a wait for it counts as a wait for something foreign.
border!(in [T] real::task::JoinHandle<T> => JoinHandle<T>, inner => JoinHandle::new(inner, TaskRef::unseen()));

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.joining.poll(&EXECUTOR, cx, |cx| Pin::new(&mut this.inner).poll(cx))
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}
impl<T> Unpin for JoinHandle<T> {}

impl<T: fmt::Debug> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
