//! Executors with a static lifetime.

use crate::Task;
use crate::executor::{Executor, LocalExecutor, handle};
use crate::observe::{announce, observed};
use insight_probe::{Kind, polling_others, running_others};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;

/// See [`async_executor::StaticExecutor`](real::StaticExecutor).
#[repr(transparent)]
pub struct StaticExecutor {
    inner: real::StaticExecutor,
}

/// See [`async_executor::StaticLocalExecutor`](real::StaticLocalExecutor).
#[repr(transparent)]
pub struct StaticLocalExecutor {
    inner: real::StaticLocalExecutor,
}

/// The methods of both executors.
macro_rules! static_executor {
    ($Executor:ident, $name:literal, $of:ident, $of_name:literal, $kind:expr, $scoped:expr, $($send:tt)*) => {
        impl $of<'static> {
            #[doc = concat!("See [`async_executor::", $of_name, "::leak`](real::", $of_name, "::leak).")]
            pub fn leak(self) -> &'static $Executor {
                let real: &'static real::$Executor = self.inner.leak();
                // SAFETY: the facade is `repr(transparent)` over the real one.
                unsafe { &*std::ptr::from_ref(real).cast::<$Executor>() }
            }
        }

        impl $Executor {
            #[doc = concat!("See [`async_executor::", $name, "::new`](real::", $name, "::new).")]
            pub const fn new() -> $Executor {
                $Executor { inner: real::$Executor::new() }
            }

            /// The async-executor inside, for a crate that takes it. It also runs the tasks spawned there, and these
            /// are unobserved.
            pub const fn real(&self) -> &real::$Executor {
                &self.inner
            }

            #[doc = concat!("See [`async_executor::", $name, "::spawn`](real::", $name, "::spawn).")]
            #[track_caller]
            pub fn spawn<T: $($send)* 'static>(
                &'static self,
                future: impl Future<Output = T> + $($send)* 'static,
            ) -> Task<T> {
                let (future, task) = observed(future, $kind, Location::caller());
                handle(self.inner.spawn(future), task)
            }

            #[doc = concat!("See [`async_executor::", $name, "::spawn_scoped`](real::", $name, "::spawn_scoped).")]
            ///
            /// # Safety
            ///
            /// The task must end or be cancelled before `'a` does.
            #[track_caller]
            pub unsafe fn spawn_scoped<'a, T: $($send)* 'a>(
                &'static self,
                future: impl Future<Output = T> + $($send)* 'a,
            ) -> Task<T> {
                let (future, task) = observed(future, $scoped, Location::caller());
                // SAFETY: the caller guarantees it.
                handle(unsafe { self.inner.spawn_scoped(future) }, task)
            }

            #[doc = concat!("See [`async_executor::", $name, "::try_tick`](real::", $name, "::try_tick).")]
            pub fn try_tick(&self) -> bool {
                polling_others(|| self.inner.try_tick())
            }

            #[doc = concat!("See [`async_executor::", $name, "::tick`](real::", $name, "::tick).")]
            pub async fn tick(&self) {
                let mut tick = pin!(self.inner.tick());
                poll_fn(|cx| polling_others(|| tick.as_mut().poll(cx))).await;
            }

            #[doc = concat!("See [`async_executor::", $name, "::run`](real::", $name, "::run).")]
            pub async fn run<T>(&self, future: impl Future<Output = T>) -> T {
                announce();
                running_others(future, |future| self.inner.run(future)).await
            }
        }

        impl Default for $Executor {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Debug for $Executor {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

static_executor!(StaticExecutor, "StaticExecutor", Executor, "Executor", Kind::Task, Kind::Scoped, Send+);
static_executor!(
    StaticLocalExecutor,
    "StaticLocalExecutor",
    LocalExecutor,
    "LocalExecutor",
    Kind::Local,
    Kind::ScopedLocal,
);
