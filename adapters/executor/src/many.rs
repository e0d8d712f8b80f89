//! `spawn_many`, which spawns futures one by one.

use crate::Task;
use crate::executor::{Executor, LocalExecutor, handle};
use crate::observe::observed;
use insight_probe::{Kind, Observed, TaskRef};
use std::cell::Cell;
use std::future::Future;
use std::panic::Location;

/// The method of both executors.
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

spawn_many!(Executor, "Executor", Kind::Scoped, Send+);
#[cfg(not(insight_before = "1.13.0"))]
spawn_many!(LocalExecutor, "LocalExecutor", Kind::ScopedLocal,);
// Before that version the real method needs `Send` here, too.
#[cfg(insight_before = "1.13.0")]
spawn_many!(LocalExecutor, "LocalExecutor", Kind::ScopedLocal, Send+);

/// The futures of `spawn_many`, each observed when it is spawned. The real method spawns a future and passes on its
/// task before it asks for the next one. `spawned` belongs to that next task.
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

/// The destination of the tasks of `spawn_many`.
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
