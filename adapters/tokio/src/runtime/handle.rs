#[cfg(not(insight_before = "1.49.0"))]
use super::Id;
#[cfg(any(tokio_unstable, not(insight_before = "1.38.0")))]
use super::RuntimeMetrics;
use super::{EnterGuard, RuntimeFlavor, TryCurrentError};
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::task::{JoinHandle, observed, observed_closure};
use insight_probe::{Kind, Observed};
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;

/// See [`tokio::runtime::Handle`](real::runtime::Handle).
#[derive(Clone, Debug)]
pub struct Handle {
    inner: real::runtime::Handle,
}

impl Handle {
    /// See [`tokio::runtime::Handle::current`](real::runtime::Handle::current).
    #[track_caller]
    pub fn current() -> Handle {
        Handle { inner: real::runtime::Handle::current() }
    }

    /// See [`tokio::runtime::Handle::try_current`](real::runtime::Handle::try_current).
    pub fn try_current() -> Result<Handle, TryCurrentError> {
        real::runtime::Handle::try_current().map(Handle::from)
    }

    /// See [`tokio::runtime::Handle::spawn`](real::runtime::Handle::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, task) = observed(future, Kind::Task, Location::caller());
        JoinHandle::new(self.inner.spawn(future), task)
    }

    /// See [`tokio::runtime::Handle::spawn_blocking`](real::runtime::Handle::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let (func, task) = observed_closure(func, Location::caller());
        JoinHandle::new(self.inner.spawn_blocking(func), task)
    }

    /// See [`tokio::runtime::Handle::block_on`](real::runtime::Handle::block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner.block_on(Observed::root(future, &EXECUTOR, Location::caller()))
    }

    /// See [`tokio::runtime::Handle::enter`](real::runtime::Handle::enter).
    pub fn enter(&self) -> EnterGuard<'_> {
        self.inner.enter()
    }

    /// See [`tokio::runtime::Handle::runtime_flavor`](real::runtime::Handle::runtime_flavor).
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        self.inner.runtime_flavor()
    }

    /// See [`tokio::runtime::Handle::id`](real::runtime::Handle::id).
    #[cfg(not(insight_before = "1.49.0"))]
    pub fn id(&self) -> Id {
        self.inner.id()
    }

    /// See [`tokio::runtime::Handle::name`](real::runtime::Handle::name).
    #[cfg(not(insight_before = "1.51.0"))]
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }

    /// See [`tokio::runtime::Handle::metrics`](real::runtime::Handle::metrics).
    #[cfg(any(tokio_unstable, not(insight_before = "1.38.0")))]
    pub fn metrics(&self) -> RuntimeMetrics {
        self.inner.metrics()
    }
}

impl Deref for Handle {
    type Target = real::runtime::Handle;

    fn deref(&self) -> &real::runtime::Handle {
        &self.inner
    }
}

border!(out [] Handle => real::runtime::Handle, self => self.inner);
border!(in [] real::runtime::Handle => Handle, inner => Handle { inner });
