//! tokio-util's `sync` and `task`, observed: for `use tokio_util::...` write `use tokio::util::...`.
//!
//! Who could cancel a `CancellationToken` is not known, and said to be unknown, and so of the tasks of a `TaskTracker`. What
//! is polled and not awaited (`PollSender`, `PollSemaphore`) waits until it is polled again, aborted or dropped.
//!
//! All else is tokio-util's own: the tasks of its `JoinMap`, `JoinQueue` and `LocalPoolHandle` are not seen.

pub use tokio_util::*;

/// tokio-util's `sync`, observed.
pub mod sync {
    pub use super::cancellation::{
        CancellationToken, DropGuard, DropGuardRef, WaitForCancellationFuture, WaitForCancellationFutureOwned,
    };
    pub use super::poll_semaphore::PollSemaphore;
    pub use super::poll_sender::{PollSendError, PollSender};
    pub use tokio_util::sync::*;
}

/// tokio-util's `task`, observed.
pub mod task {
    pub use super::abort_on_drop::AbortOnDropHandle;
    pub use super::tracker::TaskTracker;
    pub use tokio_util::task::*;

    /// tokio-util's `task::task_tracker`, observed.
    pub mod task_tracker {
        pub use crate::util::tracker::{TaskTracker, TaskTrackerToken, TaskTrackerWaitFuture};
        pub use tokio_util::task::task_tracker::*;
    }
}

pub use sync::{CancellationToken, PollSemaphore, PollSender, ReusableBoxFuture};
pub use task::{AbortOnDropHandle, TaskTracker};

mod abort_on_drop;
mod cancellation;
mod poll_semaphore;
mod poll_sender;
mod tracker;

use crate::sync::site;
use insight_probe::{AsResource, LazyResource, Op, Type, Waiting};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A wait for a signal, of a reference to what is waited on, or of a share of it.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Signalled<R, F> {
    // First, so that the wait is over before the place in the queue is given up.
    waiting: Waiting,
    inner: F,
    resource: R,
    at: &'static Location<'static>,
}

impl<R: AsResource, F: Future> Signalled<R, F> {
    fn new(resource: R, inner: F, at: &'static Location<'static>) -> Self {
        Signalled { waiting: Waiting::new(), inner, resource, at }
    }
}

impl<R: AsResource, F: Future> Future for Signalled<R, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` is pinned structurally: it is never moved, and dropped in place; nothing else is pinned.
        let (inner, waiting, resource, at) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.inner), &mut this.waiting, &this.resource, this.at)
        };
        waiting.poll(resource, &site(Op::Notified, 1, at), cx, |cx| inner.poll(cx))
    }
}

/// What is waited on for a signal.
fn signal(at: &'static Location<'static>) -> Arc<LazyResource> {
    Arc::new(LazyResource::new(Type::Notify, at, None))
}
