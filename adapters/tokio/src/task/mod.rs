//! tokio's `task`, with spawns and joins observed.

pub use real::task::*;

mod join_handle;
#[cfg(not(tokio_unstable))]
mod join_set;
#[cfg(tokio_unstable)]
pub mod join_set;
mod local;

pub use join_handle::JoinHandle;
pub use join_set::JoinSet;
pub use local::{LocalSet, spawn_local};

use crate::executor::EXECUTOR;
use insight_probe::{Kind, Observed, ObservedClosure, Spawned};
use std::future::Future;
use std::panic::Location;

/// See [`tokio::task::spawn`](real::task::spawn).
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let spawned = Spawned::new(&EXECUTOR, Kind::Task, Location::caller());
    let task = spawned.task_ref();
    JoinHandle::new(real::task::spawn(spawned.observe(future)), task)
}

/// See [`tokio::task::spawn_blocking`](real::task::spawn_blocking).
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let (f, task) = observed_closure(f, Location::caller());
    JoinHandle::new(real::task::spawn_blocking(f), task)
}

/// See [`tokio::task::block_in_place`](real::task::block_in_place).
#[cfg(feature = "rt-multi-thread")]
#[track_caller]
pub fn block_in_place<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    // Another thread takes over the tasks, and this one may run closures of `spawn_blocking` later.
    insight_probe::check_thread();
    real::task::block_in_place(f)
}

/// See [`tokio::task::yield_now`](real::task::yield_now).
#[inline]
pub fn yield_now() -> impl Future<Output = ()> {
    insight_probe::yielding(real::task::yield_now())
}

/// The observed future, and the task's reference for its join handle.
#[inline(always)]
pub(crate) fn observed<F>(
    future: F,
    kind: Kind,
    location: &'static Location<'static>,
) -> (Observed<F>, insight_probe::TaskRef) {
    let observed = Observed::new(future, &EXECUTOR, kind, location);
    let task = observed.task_ref();
    (observed, task)
}

/// The observed closure, and the task's reference for its join handle.
pub(crate) fn observed_closure<F, R>(
    f: F,
    location: &'static Location<'static>,
) -> (impl FnOnce() -> R, insight_probe::TaskRef)
where
    F: FnOnce() -> R,
{
    let closure = ObservedClosure::new(f, &EXECUTOR, location);
    let task = closure.task_ref();
    (move || closure.call(), task)
}
