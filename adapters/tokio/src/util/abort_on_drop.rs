//! A join handle that aborts its task.

use crate::task::{AbortHandle, JoinError, JoinHandle};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_util::task::AbortOnDrop;

/// See [`tokio_util::task::AbortOnDropHandle`].
#[must_use = "Dropping the handle aborts the task immediately"]
pub struct AbortOnDropHandle<T> {
    guard: AbortOnDrop,
    handle: JoinHandle<T>,
}

impl<T> AbortOnDropHandle<T> {
    /// See [`tokio_util::task::AbortOnDropHandle::new`].
    pub fn new(handle: JoinHandle<T>) -> Self {
        AbortOnDropHandle { guard: AbortOnDrop::new(handle.abort_handle()), handle }
    }

    /// See [`tokio_util::task::AbortOnDropHandle::abort`].
    pub fn abort(&self) {
        self.handle.abort();
    }

    /// See [`tokio_util::task::AbortOnDropHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// See [`tokio_util::task::AbortOnDropHandle::abort_handle`].
    pub fn abort_handle(&self) -> AbortHandle {
        self.handle.abort_handle()
    }

    /// See [`tokio_util::task::AbortOnDropHandle::detach`].
    pub fn detach(self) -> JoinHandle<T> {
        self.guard.detach();
        self.handle
    }
}

impl<T> Future for AbortOnDropHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.get_mut().handle).poll(cx)
    }
}

impl<T> AsRef<JoinHandle<T>> for AbortOnDropHandle<T> {
    fn as_ref(&self) -> &JoinHandle<T> {
        &self.handle
    }
}

impl<T> fmt::Debug for AbortOnDropHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortOnDropHandle").field("id", &self.handle.id()).finish()
    }
}
