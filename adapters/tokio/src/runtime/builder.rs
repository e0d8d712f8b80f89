use super::Runtime;
#[cfg(not(insight_before = "1.51.0"))]
use super::{LocalOptions, LocalRuntime};
use crate::border::border;
use crate::home;
use insight_probe::Home;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// See [`tokio::runtime::Builder`](real::runtime::Builder).
pub struct Builder {
    inner: real::runtime::Builder,
    workers: Workers,
    /// Something but the owner of the runtime can end it.
    may_end: bool,
}

/// The threads that poll tasks.
enum Workers {
    /// The threads that call `block_on`.
    None,
    /// Threads of the runtime, with the program's hook for their start. `replaced`: tokio's builder has our hook.
    #[cfg_attr(not(feature = "rt-multi-thread"), expect(dead_code))]
    Some { hook: Option<Hook>, replaced: bool },
    /// The builder is tokio's own, and may have a hook that we cannot read.
    Unknown,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

impl Builder {
    /// See [`tokio::runtime::Builder::new_current_thread`](real::runtime::Builder::new_current_thread).
    pub fn new_current_thread() -> Builder {
        Builder { inner: real::runtime::Builder::new_current_thread(), workers: Workers::None, may_end: false }
    }

    /// See [`tokio::runtime::Builder::new_multi_thread`](real::runtime::Builder::new_multi_thread).
    #[cfg(feature = "rt-multi-thread")]
    pub fn new_multi_thread() -> Builder {
        let workers = Workers::Some { hook: None, replaced: false };
        Builder { inner: real::runtime::Builder::new_multi_thread(), workers, may_end: false }
    }

    /// See [`tokio::runtime::Builder::build`](real::runtime::Builder::build).
    pub fn build(&mut self) -> io::Result<Runtime> {
        let home = self.home();
        let workers = match &mut self.workers {
            Workers::Some { hook, replaced } if home != Home::UNKNOWN => {
                let workers = home::Workers::new(home);
                let (of_thread, hook) = (workers.clone(), hook.clone());
                self.inner.on_thread_start(move || {
                    of_thread.begin_thread();
                    if let Some(hook) = &hook {
                        hook();
                    }
                });
                *replaced = true;
                Some(workers)
            }
            Workers::None | Workers::Some { .. } | Workers::Unknown => None,
        };
        let runtime = self.inner.build()?;
        if let Some(workers) = workers {
            workers.are_of(runtime.handle());
        }
        Ok(Runtime::wrap(runtime, home))
    }

    fn home(&self) -> Home {
        if self.may_end { Home::UNKNOWN } else { Home::another() }
    }

    /// See [`tokio::runtime::Builder::on_thread_start`](real::runtime::Builder::on_thread_start).
    pub fn on_thread_start<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        let f: Hook = Arc::new(f);
        if let Workers::Some { hook, .. } = &mut self.workers {
            *hook = Some(f.clone());
        }
        self.inner.on_thread_start(move || f());
        self
    }

    /// See [`tokio::runtime::Builder::unhandled_panic`](real::runtime::Builder::unhandled_panic).
    #[cfg(tokio_unstable)]
    pub fn unhandled_panic(&mut self, behavior: super::UnhandledPanic) -> &mut Self {
        self.may_end = true;
        self.inner.unhandled_panic(behavior);
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

#[cfg(not(insight_before = "1.51.0"))]
impl Builder {
    /// See [`tokio::runtime::Builder::build_local`](real::runtime::Builder::build_local).
    pub fn build_local(&mut self, options: LocalOptions) -> io::Result<LocalRuntime> {
        let home = self.home();
        Ok(LocalRuntime::wrap(self.inner.build_local(options)?, home))
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

hooks!(on_thread_stop on_thread_park on_thread_unpark);

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

border!(out [] Builder => real::runtime::Builder, self => {
    let Builder { mut inner, workers, .. } = self;
    if let Workers::Some { hook, replaced: true } = workers {
        // Our hook is that of another runtime.
        inner.on_thread_start(move || {
            if let Some(hook) = &hook {
                hook();
            }
        });
    }
    inner
});
// Its runtime may end if a task panics, since tokio's builder does not tell.
border!(in [] real::runtime::Builder => Builder, inner => {
    Builder { inner, workers: Workers::Unknown, may_end: cfg!(tokio_unstable) }
});

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
