//! tokio's `runtime`, with its tasks observed.

pub use real::runtime::*;

mod builder;
mod handle;
#[cfg(not(insight_before = "1.51.0"))]
mod local;

pub use builder::Builder;
pub use handle::Handle;
#[cfg(not(insight_before = "1.51.0"))]
pub use local::LocalRuntime;

use crate::border::border;
use crate::executor::{EXECUTOR, announce};
use crate::task::JoinHandle;
use insight_probe::{Home, Observed};
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

/// See [`tokio::runtime::Runtime`](real::runtime::Runtime).
#[derive(Debug)]
pub struct Runtime {
    _counted: Counted,
    home: Home,
    handle: Handle,
    inner: real::runtime::Runtime,
}

impl Runtime {
    /// `home` is the home of its tasks.
    pub(super) fn wrap(inner: real::runtime::Runtime, home: Home) -> Runtime {
        announce();
        Runtime { _counted: counted(&inner), home, handle: Handle::from(inner.handle().clone()), inner }
    }

    /// See [`tokio::runtime::Runtime::new`](real::runtime::Runtime::new).
    #[cfg(feature = "rt-multi-thread")]
    pub fn new() -> std::io::Result<Runtime> {
        Builder::new_multi_thread().enable_all().build()
    }

    /// See [`tokio::runtime::Runtime::handle`](real::runtime::Runtime::handle).
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// See [`tokio::runtime::Runtime::spawn`](real::runtime::Runtime::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// See [`tokio::runtime::Runtime::spawn_blocking`](real::runtime::Runtime::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(func)
    }

    /// See [`tokio::runtime::Runtime::block_on`](real::runtime::Runtime::block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let root = Observed::root(future, &EXECUTOR, Location::caller());
        let _rooted = root.rooted(&EXECUTOR, self.home, None);
        self.inner.block_on(root)
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// See [`tokio::runtime::Runtime::enter`](real::runtime::Runtime::enter).
    pub fn enter(&self) -> EnterGuard<'_> {
        self.inner.enter()
    }

    /// See [`tokio::runtime::Runtime::metrics`](real::runtime::Runtime::metrics).
    #[cfg(any(tokio_unstable, not(insight_before = "1.38.0")))]
    pub fn metrics(&self) -> RuntimeMetrics {
        self.inner.metrics()
    }

    /// See [`tokio::runtime::Runtime::shutdown_timeout`](real::runtime::Runtime::shutdown_timeout).
    pub fn shutdown_timeout(self, duration: Duration) {
        self.inner.shutdown_timeout(duration);
    }

    /// See [`tokio::runtime::Runtime::shutdown_background`](real::runtime::Runtime::shutdown_background).
    pub fn shutdown_background(self) {
        self.inner.shutdown_background();
    }
}

#[cfg(not(insight_before = "1.39.0"))]
type Counted = insight_probe::CountedTasks;

/// tokio does not count closures of its blocking pool, tasks of a `LocalSet`, or the future of a `block_on`.
#[cfg(not(insight_before = "1.39.0"))]
fn counted(inner: &real::runtime::Runtime) -> Counted {
    let metrics = inner.metrics();
    EXECUTOR.count_tasks(&[insight_probe::Kind::Task], move || metrics.num_alive_tasks())
}

#[cfg(insight_before = "1.39.0")]
type Counted = ();

/// tokio before 1.39 counts no live tasks, so the number of unobserved tasks stays unknown.
#[cfg(insight_before = "1.39.0")]
fn counted(_: &real::runtime::Runtime) {}

border!(out [] Runtime => real::runtime::Runtime, self => self.inner);
// Its threads, if it has any, do not know their home. It may end if a task panics, since tokio's runtime does not tell.
border!(in [] real::runtime::Runtime => Runtime, inner => Runtime::wrap(inner, home_of_own()));

/// The home of the tasks of a runtime that tokio's own builder has made.
fn home_of_own() -> Home {
    if cfg!(tokio_unstable) { Home::UNKNOWN } else { Home::another() }
}

impl Deref for Runtime {
    type Target = real::runtime::Runtime;

    fn deref(&self) -> &real::runtime::Runtime {
        &self.inner
    }
}
