//! async-std's `task`, with spawns, joins and sleeps observed.

pub use real::task::*;

mod builder;
mod join_handle;

pub use builder::Builder;
pub use join_handle::JoinHandle;

use crate::executor::{EXECUTOR, announce};
use insight_probe::{Kind, Observed, ObservedClosure, Sleeping, recorded};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::time::Duration;

/// See [`async_std::task::spawn`](real::task::spawn()).
#[track_caller]
pub fn spawn<F, T>(future: F) -> JoinHandle<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    announce();
    let future = Observed::new(future, &EXECUTOR, Kind::Task, Location::caller());
    let task = future.task_ref();
    JoinHandle::new(recorded(|| real::task::spawn(future)), task)
}

/// See [`async_std::task::spawn_local`](real::task::spawn_local()).
#[cfg(feature = "unstable")]
#[track_caller]
pub fn spawn_local<F, T>(future: F) -> JoinHandle<T>
where
    F: Future<Output = T> + 'static,
    T: 'static,
{
    announce();
    let future = Observed::new(future, &EXECUTOR, Kind::Local, Location::caller());
    let task = future.task_ref();
    JoinHandle::new(recorded(|| real::task::spawn_local(future)), task)
}

/// See [`async_std::task::spawn_blocking`](real::task::spawn_blocking()).
///
/// The task that async-std spawns only to wait for the closure is unobserved.
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    announce();
    let closure = ObservedClosure::new(f, &EXECUTOR, Location::caller());
    let task = closure.task_ref();
    JoinHandle::new(recorded(|| real::task::spawn_blocking(move || closure.call())), task)
}

/// See [`async_std::task::block_on`](real::task::block_on()).
#[track_caller]
pub fn block_on<F, T>(future: F) -> T
where
    F: Future<Output = T>,
{
    announce();
    real::task::block_on(Observed::root(future, &EXECUTOR, Location::caller()))
}

/// See [`async_std::task::sleep`](real::task::sleep()).
#[track_caller]
pub fn sleep(dur: Duration) -> impl Future<Output = ()> {
    let at = Location::caller();
    async move {
        let mut inner = pin!(real::task::sleep(dur));
        let mut sleeping = Sleeping::with_own_waker(at);
        poll_fn(|cx| sleeping.poll(&EXECUTOR, cx, |cx| inner.as_mut().poll(cx))).await
    }
}
