//! A condition variable with observed waiters.
//!
//! The tasks that could notify are not recorded. Any task with a reference can, not only one that did before.

use super::MutexGuard;
use crate::executor::EXECUTOR;
use crate::lock::lock_called_at;
use crate::within::{elapsed, within};
use insight_probe::{AsResource, Call, Calling, LazyResource, Op, ResourceCell, Site, Type, Waiting};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Whether a wait ended because its time had passed.
#[derive(Debug, PartialEq, Eq, Copy, Clone)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time had passed.
    pub fn timed_out(self) -> bool {
        self.0
    }
}

/// async-std's `Condvar`, observed: see [`async_std::sync::Condvar`](real::sync::Condvar).
pub struct Condvar {
    resource: LazyResource,
    inner: real::sync::Condvar,
}

impl Condvar {
    /// See [`async_std::sync::Condvar::new`](real::sync::Condvar::new).
    #[track_caller]
    pub fn new() -> Condvar {
        let resource = LazyResource::new(Type::Notify, Location::caller(), None);
        Condvar { resource, inner: real::sync::Condvar::new() }
    }

    /// See [`async_std::sync::Condvar::wait`](real::sync::Condvar::wait).
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> impl Future<Output = MutexGuard<'a, T>> + use<'a, '_, T> {
        self.wait_called_at(guard, Location::caller())
    }

    async fn wait_called_at<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        at: &'static Location<'static>,
    ) -> MutexGuard<'a, T> {
        let mutex = MutexGuard::source(&guard);
        self.notified(guard, at).await;
        lock_called_at(mutex, at).await
    }

    /// Releases the lock, and waits to be notified.
    async fn notified<T>(&self, guard: MutexGuard<'_, T>, at: &'static Location<'static>) {
        // async-std's own `Condvar` needs a guard of its own mutex. We give it one of a mutex that no other task has,
        // so locking it again never waits.
        let own = real::sync::Mutex::new(());
        let mut inner = pin!(self.inner.wait(own.try_lock().expect("no other task has it")));
        let site = Site { executor: &EXECUTOR, op: Op::Notified, need: 1, location: Some(at) };
        let mut waiting = Waiting::new();
        let mut guard = Some(guard);
        poll_fn(|cx| {
            let polled = waiting.poll(&self.resource, &site, cx, |cx| inner.as_mut().poll(cx).map(drop));
            // We release the lock only now: a task that locks it from here on notifies this wait.
            guard = None;
            polled
        })
        .await;
    }

    /// See [`async_std::sync::Condvar::wait_until`](real::sync::Condvar::wait_until).
    #[track_caller]
    pub fn wait_until<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: F,
    ) -> impl Future<Output = MutexGuard<'a, T>> + use<'a, '_, T, F>
    where
        F: FnMut(&mut T) -> bool,
    {
        self.wait_until_called_at(guard, condition, Location::caller())
    }

    async fn wait_until_called_at<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
        at: &'static Location<'static>,
    ) -> MutexGuard<'a, T>
    where
        F: FnMut(&mut T) -> bool,
    {
        while !condition(&mut *guard) {
            guard = self.wait_called_at(guard, at).await;
        }
        guard
    }

    /// See [`async_std::sync::Condvar::wait_timeout`](real::sync::Condvar::wait_timeout).
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)> + use<'a, '_, T> {
        let at = Location::caller();
        async move {
            let mutex = MutexGuard::source(&guard);
            match within(dur, self.wait_called_at(guard, at), elapsed, at).await {
                Ok(guard) => (guard, WaitTimeoutResult(false)),
                Err(_) => (lock_called_at(mutex, at).await, WaitTimeoutResult(true)),
            }
        }
    }

    /// See [`async_std::sync::Condvar::wait_timeout_until`](real::sync::Condvar::wait_timeout_until).
    #[track_caller]
    pub fn wait_timeout_until<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
        condition: F,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)> + use<'a, '_, T, F>
    where
        F: FnMut(&mut T) -> bool,
    {
        let at = Location::caller();
        async move {
            let mutex = MutexGuard::source(&guard);
            match within(dur, self.wait_until_called_at(guard, condition, at), elapsed, at).await {
                Ok(guard) => (guard, WaitTimeoutResult(false)),
                Err(_) => (lock_called_at(mutex, at).await, WaitTimeoutResult(true)),
            }
        }
    }

    /// See [`async_std::sync::Condvar::notify_one`](real::sync::Condvar::notify_one).
    #[track_caller]
    pub fn notify_one(&self) {
        let call = Calling::new(&self.resource, Call::NotifyOne, 1, &EXECUTOR, Location::caller());
        self.inner.notify_one();
        call.succeeded();
    }

    /// See [`async_std::sync::Condvar::notify_all`](real::sync::Condvar::notify_all).
    #[track_caller]
    pub fn notify_all(&self) {
        let call = Calling::new(&self.resource, Call::NotifyWaiters, 1, &EXECUTOR, Location::caller());
        self.inner.notify_all();
        call.succeeded();
    }
}

impl AsResource for Condvar {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.resource.cell()
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
