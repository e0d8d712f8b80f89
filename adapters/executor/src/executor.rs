use crate::Task;
use crate::border::border;
use crate::observe::{announce, observed};
use insight_probe::{Kind, Observed, TaskRef, polling_others, running_others};
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;

/// See [`async_executor::Executor`](real::Executor).
pub struct Executor<'a> {
    inner: real::Executor<'a>,
}

/// See [`async_executor::LocalExecutor`](real::LocalExecutor).
pub struct LocalExecutor<'a> {
    inner: real::LocalExecutor<'a>,
}

/// What both have, in the words of each.
macro_rules! executor {
    ($Executor:ident, $name:literal, $kind:expr, $($send:tt)*) => {
        impl<'a> $Executor<'a> {
            #[doc = concat!("See [`async_executor::", $name, "::new`](real::", $name, "::new).")]
            pub const fn new() -> $Executor<'a> {
                $Executor { inner: real::$Executor::new() }
            }

            /// async-executor's own, for what asks for one: what is spawned on it is run with the others, and not seen.
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
                // The current task waits until there is a task to run, so the executor keeps its waker as it is.
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
        // What it has already is not seen, what is spawned on it from then on is.
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

/// Their `spawn_many`, which an executor has from 1.10 on.
#[cfg(not(insight_before = "1.10.0"))]
macro_rules! spawn_many {
    ($Executor:ident, $name:literal, $kind:expr, $($send:tt)*) => {
        impl<'a> $Executor<'a> {
            #[doc = concat!("See [`async_executor::", $name, "::spawn_many`](real::", $name, "::spawn_many).")]
            #[track_caller]
            pub fn spawn_many<T: $($send)* 'a, F: Future<Output = T> + $($send)* 'a>(
                &self,
                futures: impl IntoIterator<Item = F>,
                handles: &mut impl Extend<Task<F::Output>>,
            ) {
                let spawned = Cell::new(None);
                let futures = Spawning { futures, kind: $kind, location: Location::caller(), spawned: &spawned };
                self.inner.spawn_many(futures, &mut Handles { handles, spawned: &spawned });
            }
        }
    };
}

executor!(Executor, "Executor", Kind::Task, Send+);
executor!(LocalExecutor, "LocalExecutor", Kind::Local,);

#[cfg(not(insight_before = "1.10.0"))]
spawn_many!(Executor, "Executor", Kind::Task, Send+);
#[cfg(not(insight_before = "1.13.0"))]
spawn_many!(LocalExecutor, "LocalExecutor", Kind::Local,);
// It asks for more than it needs.
#[cfg(all(insight_before = "1.13.0", not(insight_before = "1.10.0")))]
spawn_many!(LocalExecutor, "LocalExecutor", Kind::Local, Send+);

/// The futures of `spawn_many`, observed one by one as they are spawned. The real one spawns each and hands on its task
/// before it asks for the next: `spawned` is that next task's.
struct Spawning<'c, I> {
    futures: I,
    kind: Kind,
    location: &'static Location<'static>,
    spawned: &'c Cell<Option<TaskRef>>,
}

impl<'c, I: IntoIterator> IntoIterator for Spawning<'c, I> {
    type Item = Observed<I::Item>;
    type IntoIter = SpawningIter<'c, I::IntoIter>;

    fn into_iter(self) -> Self::IntoIter {
        let Spawning { futures, kind, location, spawned } = self;
        SpawningIter { futures: futures.into_iter(), kind, location, spawned }
    }
}

struct SpawningIter<'c, I> {
    futures: I,
    kind: Kind,
    location: &'static Location<'static>,
    spawned: &'c Cell<Option<TaskRef>>,
}

impl<I: Iterator> Iterator for SpawningIter<'_, I> {
    type Item = Observed<I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let (future, task) = observed(self.futures.next()?, self.kind, self.location);
        self.spawned.set(Some(task));
        Some(future)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.futures.size_hint()
    }
}

/// Where `spawn_many` puts its tasks.
struct Handles<'c, E> {
    handles: &'c mut E,
    spawned: &'c Cell<Option<TaskRef>>,
}

impl<T, E: Extend<Task<T>>> Extend<real::Task<T>> for Handles<'_, E> {
    fn extend<I: IntoIterator<Item = real::Task<T>>>(&mut self, tasks: I) {
        let spawned = self.spawned;
        let task = |inner| handle(inner, spawned.take().unwrap_or(TaskRef::unseen()));
        self.handles.extend(tasks.into_iter().map(task));
    }
}

/// The handle of an observed task. In a whole graph the real crate hands out the facade's already.
fn handle<T>(inner: impl Into<Task<T>>, task: TaskRef) -> Task<T> {
    inner.into().observed_as(task)
}
