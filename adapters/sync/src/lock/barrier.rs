//! A barrier with observed waiters, and the number of tasks that have come.

use super::named;
use super::operation::{Operation, future_debug};
use crate::executor::site;
use async_lock as real;
use async_lock::BarrierWaitResult;
use insight_probe::{Blocking, LazyResource, Op, Type, on};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// async-lock's `Barrier`, observed: see [`async_lock::Barrier`].
pub struct Barrier {
    resource: LazyResource,
    /// Number of tasks that must come; at least 1.
    n: usize,
    /// Number of tasks that have come since the barrier was made. async-lock does not reveal it, so we also count while
    /// recording is off.
    ///
    /// Like async-lock's own count, it still includes a task that came and then gave up.
    came: AtomicUsize,
    inner: real::Barrier,
}

impl Barrier {
    /// See [`async_lock::Barrier::new`].
    #[track_caller]
    pub const fn new(n: usize) -> Barrier {
        let inner = real::Barrier::new(n);
        // With 0 or 1, no task waits for another.
        let n = if n == 0 { 1 } else { n };
        let resource = LazyResource::new(Type::Barrier, Location::caller(), Some(n));
        Barrier { resource, n, came: AtomicUsize::new(0), inner }
    }

    /// See [`async_lock::Barrier::wait`].
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        let site = site(Op::Barrier, 1, Location::caller());
        BarrierWait { operation: Operation::new(&self.resource, site, self.inner.wait()), barrier: Some(self) }
    }

    /// See [`async_lock::Barrier::wait_blocking`].
    #[track_caller]
    pub fn wait_blocking(&self) -> BarrierWaitResult {
        self.comes();
        let _blocking = Blocking::new(&self.resource, &site(Op::Barrier, 1, Location::caller()));
        self.inner.wait_blocking()
    }

    /// Records another task that has come.
    fn comes(&self) {
        self.came.fetch_add(1, Ordering::Relaxed);
        if on() {
            self.resource.measure(|| self.came.load(Ordering::Relaxed) % self.n);
        }
    }
}

named!([] Barrier, self => &self.resource);

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

insight_probe::pin_project! {
    /// Made by [`Barrier::wait`]: see [`async_lock::futures::BarrierWait`].
    pub struct BarrierWait<'a> {
        #[pin]
        operation: Operation<'a, LazyResource, real::futures::BarrierWait<'a>>,
        // `None` after the first poll, which counts this waiter.
        barrier: Option<&'a Barrier>,
    }
}

impl Future for BarrierWait<'_> {
    type Output = BarrierWaitResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        let this = self.project();
        if let Some(barrier) = this.barrier.take() {
            barrier.comes();
        }
        this.operation.poll(cx)
    }
}

future_debug!([] BarrierWait<'_>, "BarrierWait { .. }");
