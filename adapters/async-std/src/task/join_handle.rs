use crate::executor::EXECUTOR;
use insight_probe::{Joining, TaskRef};
use real::task::Task;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// See [`async_std::task::JoinHandle`](real::task::JoinHandle).
pub struct JoinHandle<T> {
    // The first field, so that the wait ends before the handle does.
    joining: Joining,
    inner: real::task::JoinHandle<T>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(inner: real::task::JoinHandle<T>, task: TaskRef) -> JoinHandle<T> {
        JoinHandle { joining: Joining::new(task), inner }
    }

    /// See [`async_std::task::JoinHandle::task`](real::task::JoinHandle::task).
    pub fn task(&self) -> &Task {
        self.inner.task()
    }

    /// See [`async_std::task::JoinHandle::cancel`](real::task::JoinHandle::cancel).
    pub async fn cancel(self) -> Option<T> {
        let JoinHandle { mut joining, inner } = self;
        let mut cancel = pin!(inner.cancel());
        poll_fn(|cx| joining.poll(&EXECUTOR, cx, |cx| cancel.as_mut().poll(cx))).await
    }

    /// The async-std handle inside, for code that asks for one. We do not observe waits for it from then on.
    pub fn into_inner(self) -> real::task::JoinHandle<T> {
        self.joining.hands_out();
        self.inner
    }
}

impl<T> From<JoinHandle<T>> for real::task::JoinHandle<T> {
    fn from(handle: JoinHandle<T>) -> real::task::JoinHandle<T> {
        handle.into_inner()
    }
}

impl<T> From<real::task::JoinHandle<T>> for JoinHandle<T> {
    /// The handle of an unobserved task: a wait for it counts as a wait for something foreign.
    fn from(inner: real::task::JoinHandle<T>) -> JoinHandle<T> {
        JoinHandle::new(inner, TaskRef::unseen())
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let JoinHandle { joining, inner } = &mut *self;
        joining.poll(&EXECUTOR, cx, |cx| Pin::new(inner).poll(cx))
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
