//! Executors that are known by the traits of `futures` only.

use crate::{Executor, Kind, SpawnMeta, observe};
use futures_task::{FutureObj, LocalFutureObj, LocalSpawn, Spawn, SpawnError};
use std::future::Future;
use std::panic::Location;

/// A spawner of `futures`, such as those of its `LocalPool` and its `ThreadPool`, whose tasks are observed.
///
/// [`spawn`](Observing::spawn) and [`spawn_local`](Observing::spawn_local) are methods of its own, in the place of
/// those of `SpawnExt` and `LocalSpawnExt`: they record a task's name, from its future's type, and the location of their
/// caller. A task spawned through the traits has neither: `SpawnExt::spawn` has no `#[track_caller]`, and the future's type
/// is erased before. Such a task (also one of `spawn_with_handle`) has the location of the call of
/// [`new`](Observing::new), and only a name that [`task_name`](crate::task_name) gives it.
///
/// The handle of `spawn_with_handle` is a channel to its task, so a wait on the handle counts as a wait for something
/// foreign.
///
/// ```
/// use futures::executor::LocalPool;
/// use insight_probe::{Executor, Observing};
///
/// static EXECUTOR: Executor = Executor::new("futures", "0.3", || None);
///
/// let mut pool = LocalPool::new();
/// let spawner = Observing::new(pool.spawner(), &EXECUTOR);
/// spawner.spawn(async {}).unwrap();
/// pool.run();
/// ```
#[derive(Clone, Debug)]
pub struct Observing<S> {
    inner: S,
    executor: &'static Executor,
    location: &'static Location<'static>,
}

impl<S> Observing<S> {
    /// Observes the tasks that `inner` spawns, as tasks of `executor`.
    #[track_caller]
    pub const fn new(inner: S, executor: &'static Executor) -> Observing<S> {
        Observing { inner, executor, location: Location::caller() }
    }

    /// The spawner itself, whose tasks are not observed.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Spawn> Observing<S> {
    /// Spawns a task that may move between threads, as `SpawnExt::spawn` does.
    #[track_caller]
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Result<(), SpawnError> {
        let future = observe(future, SpawnMeta::new(self.executor));
        self.inner.spawn_obj(FutureObj::new(Box::new(future)))
    }
}

impl<S: LocalSpawn> Observing<S> {
    /// Spawns a task that stays on its thread, as `LocalSpawnExt::spawn_local` does.
    #[track_caller]
    pub fn spawn_local<F: Future<Output = ()> + 'static>(&self, future: F) -> Result<(), SpawnError> {
        let future = observe(future, SpawnMeta::new(self.executor).kind(Kind::Local));
        self.inner.spawn_local_obj(LocalFutureObj::new(Box::new(future)))
    }
}

impl<S: Spawn> Spawn for Observing<S> {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        let future = observe(future, SpawnMeta::new(self.executor).location(self.location));
        self.inner.spawn_obj(FutureObj::new(Box::new(future)))
    }

    fn status(&self) -> Result<(), SpawnError> {
        self.inner.status()
    }
}

impl<S: LocalSpawn> LocalSpawn for Observing<S> {
    fn spawn_local_obj(&self, future: LocalFutureObj<'static, ()>) -> Result<(), SpawnError> {
        let meta = SpawnMeta::new(self.executor).kind(Kind::Local).location(self.location);
        self.inner.spawn_local_obj(LocalFutureObj::new(Box::new(observe(future, meta))))
    }

    fn status_local(&self) -> Result<(), SpawnError> {
        self.inner.status_local()
    }
}
