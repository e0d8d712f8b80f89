use crate::Task;
use crate::border::border;
use crate::observe::{announce, observed};
use insight_probe::{Kind, TaskRef, polling_others, running_others};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;

/// See [`async_executor::Executor`](real::Executor).
pub struct Executor<'a> {
    pub(crate) inner: real::Executor<'a>,
}

/// See [`async_executor::LocalExecutor`](real::LocalExecutor).
pub struct LocalExecutor<'a> {
    pub(crate) inner: real::LocalExecutor<'a>,
}

/// The methods of both executors.
macro_rules! executor {
    ($Executor:ident, $name:literal, $kind:expr, $($send:tt)*) => {
        impl<'a> $Executor<'a> {
            #[doc = concat!("See [`async_executor::", $name, "::new`](real::", $name, "::new).")]
            pub const fn new() -> $Executor<'a> {
                $Executor { inner: real::$Executor::new() }
            }

            /// The async-executor inside, for a crate that takes it. It also runs the tasks spawned there, and these
            /// are unobserved.
            pub const fn real(&self) -> &real::$Executor<'a> {
                &self.inner
            }

            #[doc = concat!("See [`async_executor::", $name, "::is_empty`](real::", $name, "::is_empty).")]
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            #[doc = concat!("See [`async_executor::", $name, "::spawn`](real::", $name, "::spawn).")]
            #[track_caller]
            pub fn spawn<T: $($send)* 'a>(&self, future: impl Future<Output = T> + $($send)* 'a) -> Task<T> {
                let (future, task) = observed(future, $kind, Location::caller());
                handle(self.inner.spawn(future), task)
            }

            #[doc = concat!("See [`async_executor::", $name, "::try_tick`](real::", $name, "::try_tick).")]
            pub fn try_tick(&self) -> bool {
                polling_others(|| self.inner.try_tick())
            }

            #[doc = concat!("See [`async_executor::", $name, "::tick`](real::", $name, "::tick).")]
            pub async fn tick(&self) {
                // The current task waits until there is a task to run, so the executor gets the waker of that task
                // unchanged.
                let mut tick = pin!(self.inner.tick());
                poll_fn(|cx| polling_others(|| tick.as_mut().poll(cx))).await;
            }

            #[doc = concat!("See [`async_executor::", $name, "::run`](real::", $name, "::run).")]
            pub async fn run<T>(&self, future: impl Future<Output = T>) -> T {
                announce();
                running_others(future, |future| self.inner.run(future)).await
            }
        }

        border!(out ['a] $Executor<'a> => real::$Executor<'a>, self => self.inner);
        // Its present tasks are unobserved, and later ones are observed.
        border!(in ['a] real::$Executor<'a> => $Executor<'a>, inner => $Executor { inner });

        impl Default for $Executor<'_> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Debug for $Executor<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

executor!(Executor, "Executor", Kind::Scoped, Send+);
executor!(LocalExecutor, "LocalExecutor", Kind::ScopedLocal,);

/// The handle of an observed task. In a whole graph the real crate already returns the facade's handle.
pub(crate) fn handle<T>(inner: impl Into<Task<T>>, task: TaskRef) -> Task<T> {
    inner.into().observed_as(task)
}
