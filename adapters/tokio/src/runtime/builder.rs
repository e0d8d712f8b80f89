use super::Runtime;
#[cfg(not(insight_before = "1.51.0"))]
use super::{LocalOptions, LocalRuntime};
use crate::border::border;
use std::fmt;
use std::io;
use std::time::Duration;

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

#[cfg(not(insight_before = "1.51.0"))]
impl Builder {
    /// See [`tokio::runtime::Builder::build_local`](real::runtime::Builder::build_local).
    pub fn build_local(&mut self, options: LocalOptions) -> io::Result<LocalRuntime> {
        self.inner.build_local(options).map(LocalRuntime::wrap)
    }

    /// See [`tokio::runtime::Builder::name`](real::runtime::Builder::name).
    #[track_caller]
    pub fn name(&mut self, val: impl Into<String>) -> &mut Self {
        self.inner.name(val);
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
    #[cfg(not(insight_before = "1.54.0"))]
    #[cfg(any(feature = "net", all(unix, feature = "process"), all(unix, feature = "signal")))]
    max_io_events_per_busy_tick(capacity: usize);
    #[cfg(feature = "time")]
    enable_time();
    #[cfg(feature = "test-util")]
    start_paused(start_paused: bool);
    #[cfg(all(tokio_unstable, feature = "time", feature = "rt-multi-thread", not(insight_before = "1.49.0")))]
    enable_alt_timer();
    #[cfg(all(tokio_unstable, feature = "rt-multi-thread", not(insight_before = "1.52.0")))]
    enable_eager_driver_handoff();
    #[cfg(all(tokio_unstable, not(insight_before = "1.54.0")))]
    enable_sharded_blocking_queue();
    #[cfg(tokio_unstable)]
    unhandled_panic(behavior: super::UnhandledPanic);
    #[cfg(tokio_unstable)]
    disable_lifo_slot();
    #[cfg(tokio_unstable)]
    rng_seed(seed: super::RngSeed);
    #[cfg(all(tokio_unstable, not(insight_before = "1.41.0")))]
    enable_metrics_poll_time_histogram();
    #[cfg(all(tokio_unstable, not(insight_before = "1.41.0")))]
    metrics_poll_time_histogram_configuration(configuration: super::HistogramConfiguration);
    #[track_caller]
    worker_threads(val: usize);
    #[track_caller]
    max_blocking_threads(val: usize);
    thread_stack_size(val: usize);
    thread_keep_alive(duration: Duration);
    #[track_caller]
    global_queue_interval(val: u32);
    #[track_caller]
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

#[cfg(tokio_unstable)]
macro_rules! task_hooks {
    ($($name:ident)+) => {
        impl Builder {
            $(
                #[doc = concat!("See [`tokio::runtime::Builder::", stringify!($name), "`](real::runtime::Builder::", stringify!($name), ").")]
                pub fn $name<F: Fn(&super::TaskMeta<'_>) + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
                    self.inner.$name(f);
                    self
                }
            )+
        }
    };
}

#[cfg(all(tokio_unstable, not(insight_before = "1.40.0")))]
task_hooks!(on_task_spawn on_task_terminate);
#[cfg(all(tokio_unstable, not(insight_before = "1.44.0")))]
task_hooks!(on_before_task_poll on_after_task_poll);

border!(out [] Builder => real::runtime::Builder, self => self.inner);
border!(in [] real::runtime::Builder => Builder, inner => Builder { inner });

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
