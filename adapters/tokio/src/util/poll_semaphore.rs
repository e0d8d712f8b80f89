//! A semaphore that is polled for its permits.

use crate::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_stream::Stream;
use tokio_util::sync::ReusableBoxFuture;

/// See [`tokio_util::sync::PollSemaphore`].
pub struct PollSemaphore {
    /// A number of permits, and the future that acquires them. It has a place in the queue.
    acquiring: Option<(u32, ReusableBoxFuture<'static, Result<OwnedSemaphorePermit, AcquireError>>)>,
    semaphore: Arc<Semaphore>,
}

impl PollSemaphore {
    /// See [`tokio_util::sync::PollSemaphore::new`].
    pub fn new(semaphore: Arc<Semaphore>) -> Self {
        PollSemaphore { acquiring: None, semaphore }
    }

    /// See [`tokio_util::sync::PollSemaphore::close`].
    pub fn close(&self) {
        self.semaphore.close();
    }

    /// See [`tokio_util::sync::PollSemaphore::clone_inner`].
    pub fn clone_inner(&self) -> Arc<Semaphore> {
        self.semaphore.clone()
    }

    /// See [`tokio_util::sync::PollSemaphore::into_inner`].
    pub fn into_inner(self) -> Arc<Semaphore> {
        self.semaphore
    }

    /// See [`tokio_util::sync::PollSemaphore::poll_acquire`].
    #[track_caller]
    pub fn poll_acquire(&mut self, cx: &mut Context<'_>) -> Poll<Option<OwnedSemaphorePermit>> {
        self.poll_acquire_many(cx, 1)
    }

    /// See [`tokio_util::sync::PollSemaphore::poll_acquire_many`].
    #[track_caller]
    pub fn poll_acquire_many(&mut self, cx: &mut Context<'_>, permits: u32) -> Poll<Option<OwnedSemaphorePermit>> {
        if self.acquiring.as_ref().is_none_or(|(asked, _)| *asked != permits) {
            // Another number of permits needs another place in the queue.
            self.acquiring = None;
            match self.semaphore.clone().try_acquire_many_owned(permits) {
                Ok(permit) => return Poll::Ready(Some(permit)),
                Err(TryAcquireError::Closed) => return Poll::Ready(None),
                Err(TryAcquireError::NoPermits) => {}
            }
            let acquire = self.semaphore.clone().acquire_many_owned(permits);
            self.acquiring = Some((permits, ReusableBoxFuture::new(acquire)));
        }
        let Some((_, acquire)) = &mut self.acquiring else { return Poll::Pending };
        let polled = acquire.poll(cx);
        if polled.is_ready() {
            self.acquiring = None;
        }
        polled.map(Result::ok)
    }

    /// See [`tokio_util::sync::PollSemaphore::available_permits`].
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// See [`tokio_util::sync::PollSemaphore::add_permits`].
    pub fn add_permits(&self, n: usize) {
        self.semaphore.add_permits(n);
    }
}

impl Stream for PollSemaphore {
    type Item = OwnedSemaphorePermit;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OwnedSemaphorePermit>> {
        self.get_mut().poll_acquire(cx)
    }
}

impl Clone for PollSemaphore {
    fn clone(&self) -> PollSemaphore {
        PollSemaphore::new(self.clone_inner())
    }
}

impl fmt::Debug for PollSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollSemaphore").field("semaphore", &self.semaphore).finish()
    }
}

impl AsRef<Semaphore> for PollSemaphore {
    fn as_ref(&self) -> &Semaphore {
        &self.semaphore
    }
}
