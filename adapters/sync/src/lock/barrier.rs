//! A barrier whose waiters are seen, and how many have come.

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
    /// How many must come; at least 1.
    n: usize,
    /// How many have come since it was made, counted while recording is off, too: async-lock does not tell.
    ///
    /// Like async-lock's own count, it is not less for a task that came and then gave up.
    came: AtomicUsize,
    inner: real::Barrier,
}

impl Barrier {
    /// See [`async_lock::Barrier::new`].
    #[track_caller]
    pub const fn new(n: usize) -> Barrier {
        let inner = real::Barrier::new(n);
        // Nobody waits for others with 0 or with 1.
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

    /// Notes that one more has come.
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

/// Made by [`Barrier::wait`]: see [`async_lock::futures::BarrierWait`].
pub struct BarrierWait<'a> {
    operation: Operation<'a, LazyResource, real::futures::BarrierWait<'a>>,
    /// Until it has come there, with its first poll.
    barrier: Option<&'a Barrier>,
}

impl Future for BarrierWait<'_> {
    type Output = BarrierWaitResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        // SAFETY: `operation` is pinned structurally: it is never moved, and dropped in place; nothing else is.
        let (operation, barrier) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.operation), &mut this.barrier)
        };
        if let Some(barrier) = barrier.take() {
            barrier.comes();
        }
        operation.poll(cx)
    }
}

future_debug!([] BarrierWait<'_>, "BarrierWait { .. }");
