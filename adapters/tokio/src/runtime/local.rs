use super::{Builder, EnterGuard, Handle, LocalOptions, RuntimeMetrics, home_of_own};
use crate::border::border;
use crate::executor::{EXECUTOR, announce};
use crate::task::{JoinHandle, observed};
use insight_probe::{CountedTasks, Home, Kind, Observed};
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

/// See [`tokio::runtime::LocalRuntime`](real::runtime::LocalRuntime).
#[derive(Debug)]
pub struct LocalRuntime {
    _counted: CountedTasks,
    home: Home,
    handle: Handle,
    inner: real::runtime::LocalRuntime,
}

impl LocalRuntime {
    pub(super) fn wrap(inner: real::runtime::LocalRuntime, home: Home) -> LocalRuntime {
        announce();
        let metrics = inner.metrics();
        // tokio counts local tasks here too, but not those of a `LocalSet`. With one, the number of unobserved tasks is
        // too small.
        let counted = EXECUTOR.count_tasks(&[Kind::Task, Kind::Local], move || metrics.num_alive_tasks());
        LocalRuntime { _counted: counted, home, handle: Handle::from(inner.handle().clone()), inner }
    }

    /// See [`tokio::runtime::LocalRuntime::new`](real::runtime::LocalRuntime::new).
    pub fn new() -> io::Result<LocalRuntime> {
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
    }

    /// See [`tokio::runtime::LocalRuntime::handle`](real::runtime::LocalRuntime::handle).
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// See [`tokio::runtime::LocalRuntime::spawn_local`](real::runtime::LocalRuntime::spawn_local).
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (future, task) = observed(future, Kind::Local, Location::caller());
        JoinHandle::new(self.inner.spawn_local(future), task)
    }

    /// See [`tokio::runtime::LocalRuntime::spawn_blocking`](real::runtime::LocalRuntime::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(func)
    }

    /// See [`tokio::runtime::LocalRuntime::block_on`](real::runtime::LocalRuntime::block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let root = Observed::root(future, &EXECUTOR, Location::caller());
        let _rooted = root.rooted(&EXECUTOR, self.home, Some(self.home));
        self.inner.block_on(root)
    }

    /// See [`tokio::runtime::LocalRuntime::enter`](real::runtime::LocalRuntime::enter).
    pub fn enter(&self) -> EnterGuard<'_> {
        self.inner.enter()
    }

    /// See [`tokio::runtime::LocalRuntime::metrics`](real::runtime::LocalRuntime::metrics).
    pub fn metrics(&self) -> RuntimeMetrics {
        self.inner.metrics()
    }

    /// See [`tokio::runtime::LocalRuntime::shutdown_timeout`](real::runtime::LocalRuntime::shutdown_timeout).
    pub fn shutdown_timeout(self, duration: Duration) {
        self.inner.shutdown_timeout(duration);
    }

    /// See [`tokio::runtime::LocalRuntime::shutdown_background`](real::runtime::LocalRuntime::shutdown_background).
    pub fn shutdown_background(self) {
        self.inner.shutdown_background();
    }
}

border!(out [] LocalRuntime => real::runtime::LocalRuntime, self => self.inner);
border!(in [] real::runtime::LocalRuntime => LocalRuntime, inner => LocalRuntime::wrap(inner, home_of_own()));

impl Deref for LocalRuntime {
    type Target = real::runtime::LocalRuntime;

    fn deref(&self) -> &real::runtime::LocalRuntime {
        &self.inner
    }
}
