//! tokio-util's `sync` and `task`, observed: replace `use tokio_util::...` by `use tokio::util::...`.
//!
//! The tasks that could cancel a `CancellationToken` are marked as unknown, and so are the tasks that a `TaskTracker`
//! waits for. A polled operation that nobody awaits (`PollSender`, `PollSemaphore`) waits until it is polled again,
//! aborted or dropped.
//!
//! The rest is tokio-util's own. insight does not observe the tasks of its `JoinMap`, `JoinQueue` and
//! `LocalPoolHandle`.

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

insight_probe::pin_project! {
    /// A future that waits for a signal. It has a reference to the signal's resource, or a share of it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Signalled<R, F> {
        // The first field, so that the wait ends before `inner` gives up its place in the queue.
        waiting: Waiting,
        #[pin]
        inner: F,
        resource: R,
        at: &'static Location<'static>,
    }
}

impl<R: AsResource, F: Future> Signalled<R, F> {
    fn new(resource: R, inner: F, at: &'static Location<'static>) -> Self {
        Signalled { waiting: Waiting::new(), inner, resource, at }
    }
}

impl<R: AsResource, F: Future> Future for Signalled<R, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.waiting.poll(this.resource, &site(Op::Notified, 1, this.at), cx, |cx| this.inner.poll(cx))
    }
}

/// A resource for a signal.
fn signal(at: &'static Location<'static>) -> Arc<LazyResource> {
    Arc::new(LazyResource::new(Type::Notify, at, None))
}
