//! A barrier with observed waiters, and the number of tasks that have come.

use crate::border::border;
use crate::named::named;
use crate::sync::site;
use insight_probe::{LazyResource, Op, Type, on, waiting};
use real::sync::BarrierWaitResult;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};

/// tokio's `Barrier`, observed: see [`tokio::sync::Barrier`](real::sync::Barrier).
pub struct Barrier {
    resource: LazyResource,
    /// Number of tasks that must come; at least 1.
    n: usize,
    /// Number of tasks that have come since the barrier was made. tokio does not reveal it, so we also count while
    /// recording is off.
    ///
    /// Like tokio's own count, it still includes a task that came and then gave up.
    came: AtomicUsize,
    inner: real::sync::Barrier,
}

impl Barrier {
    /// See [`tokio::sync::Barrier::new`](real::sync::Barrier::new).
    #[track_caller]
    pub fn new(n: usize) -> Barrier {
        // tokio takes 0 for 1.
        let inner = real::sync::Barrier::new(n);
        let n = n.max(1);
        let resource = LazyResource::new(Type::Barrier, Location::caller(), Some(n));
        Barrier { resource, n, came: AtomicUsize::new(0), inner }
    }

    /// See [`tokio::sync::Barrier::wait`](real::sync::Barrier::wait).
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = BarrierWaitResult> + use<'_> {
        let at = Location::caller();
        async move {
            self.came.fetch_add(1, Ordering::Relaxed);
            if on() {
                self.resource.measure(|| self.came.load(Ordering::Relaxed) % self.n);
            }
            waiting(&self.resource, site(Op::Barrier, 1, at), self.inner.wait()).await
        }
    }
}

// There is no `in`: tokio's own barrier does not reveal how many tasks must come.
border!(out [] Barrier => real::sync::Barrier, self => self.inner);

named!([] Barrier, self => &self.resource);

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
