//! A tracker of tasks. The tasks and the waits for them are observed.

use super::{Signalled, signal};
use crate::named::named;
use crate::runtime::Handle;
use crate::sync::calling::calling;
use crate::task::{JoinHandle, LocalSet, observed, observed_closure};
use insight_probe::{Call, Kind, LazyResource};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use tokio_util::task::task_tracker as own;

/// See [`tokio_util::task::TaskTracker`].
#[derive(Clone)]
pub struct TaskTracker {
    resource: Arc<LazyResource>,
    inner: own::TaskTracker,
}

/// See [`tokio_util::task::task_tracker::TaskTrackerWaitFuture`].
pub type TaskTrackerWaitFuture<'a> = Signalled<&'a LazyResource, own::TaskTrackerWaitFuture<'a>>;

impl TaskTracker {
    /// See [`tokio_util::task::TaskTracker::new`].
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        TaskTracker { resource: signal(Location::caller()), inner: own::TaskTracker::new() }
    }

    /// See [`tokio_util::task::TaskTracker::wait`].
    #[track_caller]
    pub fn wait(&self) -> TaskTrackerWaitFuture<'_> {
        Signalled::new(&self.resource, self.inner.wait(), Location::caller())
    }

    /// See [`tokio_util::task::TaskTracker::close`].
    #[track_caller]
    pub fn close(&self) -> bool {
        let call = calling(&self.resource, Call::Close, 1, Location::caller());
        let closes = self.inner.close();
        call.succeeded();
        closes
    }

    /// See [`tokio_util::task::TaskTracker::reopen`].
    pub fn reopen(&self) -> bool {
        self.inner.reopen()
    }

    /// See [`tokio_util::task::TaskTracker::is_closed`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio_util::task::TaskTracker::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`tokio_util::task::TaskTracker::is_empty`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`tokio_util::task::TaskTracker::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, task) = observed(task, Kind::Task, Location::caller());
        JoinHandle::new(self.inner.spawn(future), task)
    }

    /// See [`tokio_util::task::TaskTracker::spawn_on`].
    #[track_caller]
    pub fn spawn_on<F>(&self, task: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, task) = observed(task, Kind::Task, Location::caller());
        JoinHandle::new(self.inner.spawn_on(future, handle), task)
    }

    /// See [`tokio_util::task::TaskTracker::spawn_local`].
    #[track_caller]
    pub fn spawn_local<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (future, task) = observed(task, Kind::Local, Location::caller());
        JoinHandle::new(self.inner.spawn_local(future), task)
    }

    /// See [`tokio_util::task::TaskTracker::spawn_local_on`].
    #[track_caller]
    pub fn spawn_local_on<F>(&self, task: F, local_set: &LocalSet) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (future, task) = observed(task, Kind::Local, Location::caller());
        JoinHandle::new(self.inner.spawn_local_on(future, local_set), task)
    }

    /// See [`tokio_util::task::TaskTracker::spawn_blocking`].
    #[cfg(not(target_family = "wasm"))]
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, task: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (closure, task) = observed_closure(task, Location::caller());
        JoinHandle::new(self.inner.spawn_blocking(closure), task)
    }

    /// See [`tokio_util::task::TaskTracker::spawn_blocking_on`].
    #[cfg(not(target_family = "wasm"))]
    #[track_caller]
    pub fn spawn_blocking_on<F, T>(&self, task: F, handle: &Handle) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (closure, task) = observed_closure(task, Location::caller());
        JoinHandle::new(self.inner.spawn_blocking_on(closure, handle), task)
    }

    /// See [`tokio_util::task::TaskTracker::track_future`].
    pub fn track_future<F: Future>(&self, future: F) -> own::TrackedFuture<F> {
        self.inner.track_future(future)
    }

    /// See [`tokio_util::task::TaskTracker::token`].
    pub fn token(&self) -> TaskTrackerToken {
        TaskTrackerToken { _inner: self.inner.token(), tracker: self.clone() }
    }

    /// See [`tokio_util::task::TaskTracker::ptr_eq`].
    #[must_use]
    pub fn ptr_eq(left: &TaskTracker, right: &TaskTracker) -> bool {
        own::TaskTracker::ptr_eq(&left.inner, &right.inner)
    }
}

impl Default for TaskTracker {
    #[track_caller]
    fn default() -> Self {
        TaskTracker::new()
    }
}

impl fmt::Debug for TaskTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

named!([] TaskTracker, self => &self.resource);

/// See [`tokio_util::task::task_tracker::TaskTrackerToken`].
#[derive(Clone, Debug)]
pub struct TaskTrackerToken {
    _inner: own::TaskTrackerToken,
    tracker: TaskTracker,
}

impl TaskTrackerToken {
    /// See [`tokio_util::task::task_tracker::TaskTrackerToken::task_tracker`].
    #[must_use]
    pub fn task_tracker(&self) -> &TaskTracker {
        &self.tracker
    }
}
