//! Functions that make tasks, with handles of this crate.

use crate::Task;
use real::{Runnable, Schedule};
use std::future::Future;

/// See [`async_task::Builder`](real::Builder).
#[derive(Debug, Default)]
pub struct Builder<M> {
    inner: real::Builder<M>,
}

impl Builder<()> {
    /// See [`async_task::Builder::new`](real::Builder::new).
    pub fn new() -> Builder<()> {
        Builder { inner: real::Builder::new() }
    }

    /// See [`async_task::Builder::metadata`](real::Builder::metadata).
    pub fn metadata<M>(self, metadata: M) -> Builder<M> {
        Builder { inner: self.inner.metadata(metadata) }
    }
}

impl<M> Builder<M> {
    /// See [`async_task::Builder::propagate_panic`](real::Builder::propagate_panic).
    #[cfg(feature = "std")]
    pub fn propagate_panic(self, propagate_panic: bool) -> Builder<M> {
        Builder { inner: self.inner.propagate_panic(propagate_panic) }
    }

    /// See [`async_task::Builder::spawn`](real::Builder::spawn).
    pub fn spawn<F, Fut, S>(self, future: F, schedule: S) -> (Runnable<M>, Task<Fut::Output, M>)
    where
        F: FnOnce(&M) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
        S: Schedule<M> + Send + Sync + 'static,
    {
        with_handle(self.inner.spawn(future, schedule))
    }

    /// See [`async_task::Builder::spawn_local`](real::Builder::spawn_local).
    #[cfg(feature = "std")]
    pub fn spawn_local<F, Fut, S>(self, future: F, schedule: S) -> (Runnable<M>, Task<Fut::Output, M>)
    where
        F: FnOnce(&M) -> Fut,
        Fut: Future + 'static,
        Fut::Output: 'static,
        S: Schedule<M> + Send + Sync + 'static,
    {
        with_handle(self.inner.spawn_local(future, schedule))
    }

    /// See [`async_task::Builder::spawn_unchecked`](real::Builder::spawn_unchecked).
    ///
    /// # Safety
    ///
    /// The conditions of the real function.
    pub unsafe fn spawn_unchecked<'a, F, Fut, S>(self, future: F, schedule: S) -> (Runnable<M>, Task<Fut::Output, M>)
    where
        F: FnOnce(&'a M) -> Fut,
        Fut: Future + 'a,
        S: Schedule<M>,
        M: 'a,
    {
        // SAFETY: the caller meets the conditions, which are the same.
        with_handle(unsafe { self.inner.spawn_unchecked(future, schedule) })
    }
}

/// See [`async_task::spawn`](real::spawn).
pub fn spawn<F, S>(future: F, schedule: S) -> (Runnable, Task<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    S: Schedule + Send + Sync + 'static,
{
    with_handle(real::spawn(future, schedule))
}

/// See [`async_task::spawn_local`](real::spawn_local).
#[cfg(feature = "std")]
pub fn spawn_local<F, S>(future: F, schedule: S) -> (Runnable, Task<F::Output>)
where
    F: Future + 'static,
    F::Output: 'static,
    S: Schedule + Send + Sync + 'static,
{
    with_handle(real::spawn_local(future, schedule))
}

/// See [`async_task::spawn_unchecked`](real::spawn_unchecked).
///
/// # Safety
///
/// The conditions of the real function.
pub unsafe fn spawn_unchecked<F, S>(future: F, schedule: S) -> (Runnable, Task<F::Output>)
where
    F: Future,
    S: Schedule,
{
    // SAFETY: the caller meets the conditions, which are the same.
    with_handle(unsafe { real::spawn_unchecked(future, schedule) })
}

fn with_handle<T, M>((runnable, task): (Runnable<M>, real::Task<T, M>)) -> (Runnable<M>, Task<T, M>) {
    (runnable, Task::from(task))
}
