//! tokio's `runtime`, with what it runs observed.

pub use real::runtime::*;

use crate::executor::EXECUTOR;
use crate::task::{JoinHandle, observed, observed_closure};
use insight_probe::{Kind, Observed};
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

/// See [`tokio::runtime::Runtime`](real::runtime::Runtime).
#[derive(Debug)]
pub struct Runtime {
    handle: Handle,
    inner: real::runtime::Runtime,
}

impl Runtime {
    fn wrap(inner: real::runtime::Runtime) -> Runtime {
        EXECUTOR.announce();
        Runtime { handle: Handle { inner: inner.handle().clone() }, inner }
    }

    /// See [`tokio::runtime::Runtime::new`](real::runtime::Runtime::new).
    #[cfg(feature = "rt-multi-thread")]
    pub fn new() -> io::Result<Runtime> {
        real::runtime::Runtime::new().map(Runtime::wrap)
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
        self.inner.block_on(Observed::root(future, &EXECUTOR, Location::caller()))
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

impl Deref for Runtime {
    type Target = real::runtime::Runtime;

    fn deref(&self) -> &real::runtime::Runtime {
        &self.inner
    }
}

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
}

impl Deref for Handle {
    type Target = real::runtime::Handle;

    fn deref(&self) -> &real::runtime::Handle {
        &self.inner
    }
}

impl From<real::runtime::Handle> for Handle {
    fn from(inner: real::runtime::Handle) -> Handle {
        Handle { inner }
    }
}

impl From<Handle> for real::runtime::Handle {
    fn from(handle: Handle) -> real::runtime::Handle {
        handle.inner
    }
}

/// See [`tokio::runtime::Builder`](real::runtime::Builder).
pub struct Builder {
    inner: real::runtime::Builder,
}

impl Builder {
    /// See [`tokio::runtime::Builder::new_current_thread`](real::runtime::Builder::new_current_thread).
    pub fn new_current_thread() -> Builder {
        Builder { inner: real::runtime::Builder::new_current_thread() }
    }

    /// See [`tokio::runtime::Builder::new_multi_thread`](real::runtime::Builder::new_multi_thread).
    #[cfg(feature = "rt-multi-thread")]
    pub fn new_multi_thread() -> Builder {
        Builder { inner: real::runtime::Builder::new_multi_thread() }
    }

    /// See [`tokio::runtime::Builder::build`](real::runtime::Builder::build).
    pub fn build(&mut self) -> io::Result<Runtime> {
        self.inner.build().map(Runtime::wrap)
    }

    /// See [`tokio::runtime::Builder::build_local`](real::runtime::Builder::build_local).
    ///
    /// What tokio's own `LocalRuntime` runs is seen only where it uses an observed resource.
    pub fn build_local(&mut self, options: LocalOptions) -> io::Result<LocalRuntime> {
        self.inner.build_local(options)
    }

    /// See [`tokio::runtime::Builder::name`](real::runtime::Builder::name).
    pub fn name(&mut self, val: impl Into<String>) -> &mut Self {
        self.inner.name(val);
        self
    }

    /// See [`tokio::runtime::Builder::thread_name`](real::runtime::Builder::thread_name).
    pub fn thread_name(&mut self, val: impl Into<String>) -> &mut Self {
        self.inner.thread_name(val);
        self
    }

    /// See [`tokio::runtime::Builder::thread_name_fn`](real::runtime::Builder::thread_name_fn).
    pub fn thread_name_fn<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.inner.thread_name_fn(f);
        self
    }
}

macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident($($argument:ident: $type:ty)?);)+) => {
        impl Builder {
            $(
                $(#[$attribute])*
                #[doc = concat!("See [`tokio::runtime::Builder::", stringify!($name), "`](real::runtime::Builder::", stringify!($name), ").")]
                pub fn $name(&mut self $(, $argument: $type)?) -> &mut Self {
                    self.inner.$name($($argument)?);
                    self
                }
            )+
        }
    };
}

settings! {
    enable_all();
    #[cfg(any(feature = "net", all(unix, feature = "process"), all(unix, feature = "signal")))]
    enable_io();
    #[cfg(any(feature = "net", all(unix, feature = "process"), all(unix, feature = "signal")))]
    max_io_events_per_tick(capacity: usize);
    #[cfg(feature = "time")]
    enable_time();
    #[cfg(feature = "test-util")]
    start_paused(start_paused: bool);
    #[track_caller]
    worker_threads(val: usize);
    #[track_caller]
    max_blocking_threads(val: usize);
    thread_stack_size(val: usize);
    thread_keep_alive(duration: Duration);
    #[track_caller]
    global_queue_interval(val: u32);
    event_interval(val: u32);
}

macro_rules! hooks {
    ($($name:ident)+) => {
        impl Builder {
            $(
                #[doc = concat!("See [`tokio::runtime::Builder::", stringify!($name), "`](real::runtime::Builder::", stringify!($name), ").")]
                pub fn $name<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
                    self.inner.$name(f);
                    self
                }
            )+
        }
    };
}

hooks!(on_thread_start on_thread_stop on_thread_park on_thread_unpark);

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
