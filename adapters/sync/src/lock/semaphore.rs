//! A semaphore with observed holders and waiters.

use super::named;
use super::operation::{Operation, future, future_debug};
use crate::executor::{EXECUTOR, attempt, calling, site};
use async_lock as real;
use insight_probe::{Acquirer, Blocking, Call, HandOff, Held, Holders, Mode, Op};
use std::fmt;
use std::mem::transmute;
use std::panic::Location;
use std::sync::Arc;

/// async-lock's `Semaphore`, observed: see [`async_lock::Semaphore`].
pub struct Semaphore {
    holders: Holders,
    inner: real::Semaphore,
}

/// A held permit. In this order: the end of the hold is recorded before the permit is given back.
struct Permit<'a> {
    hold: Held<'a>,
    inner: real::SemaphoreGuard<'a>,
}

/// A permit of a [`Semaphore`]: see [`async_lock::SemaphoreGuard`].
#[clippy::has_significant_drop]
pub struct SemaphoreGuard<'a> {
    permit: Permit<'a>,
    semaphore: &'a Semaphore,
}

/// A permit of a [`Semaphore`], with a reference that keeps it alive: see [`async_lock::SemaphoreGuardArc`].
#[clippy::has_significant_drop]
pub struct SemaphoreGuardArc {
    /// Borrows from `semaphore`, and is dropped before it.
    permit: Permit<'static>,
    semaphore: Arc<Semaphore>,
}

impl Semaphore {
    /// See [`async_lock::Semaphore::new`].
    #[track_caller]
    pub const fn new(n: usize) -> Semaphore {
        Semaphore {
            holders: Holders::semaphore(HandOff::Barging, Location::caller(), n),
            inner: real::Semaphore::new(n),
        }
    }

    #[inline]
    fn permit<'a>(
        &'a self,
        inner: real::SemaphoreGuard<'a>,
        at: &'static Location<'static>,
        by: Acquirer,
    ) -> Permit<'a> {
        Permit { hold: self.holders.acquired(Mode::Permit, 1, by, &EXECUTOR, at), inner }
    }

    #[inline]
    fn guard<'a>(
        &'a self,
        inner: real::SemaphoreGuard<'a>,
        at: &'static Location<'static>,
        by: Acquirer,
    ) -> SemaphoreGuard<'a> {
        SemaphoreGuard { permit: self.permit(inner, at, by), semaphore: self }
    }

    /// `inner` is of this semaphore.
    #[inline]
    fn guard_arc(
        self: &Arc<Self>,
        inner: real::SemaphoreGuard<'_>,
        at: &'static Location<'static>,
    ) -> SemaphoreGuardArc {
        let permit = self.permit(inner, at, Acquirer::NONE);
        // SAFETY: the permit borrows from the allocation that the guard's `semaphore` keeps alive, at an address that
        // does not change. The guard drops the permit before `semaphore`.
        let permit = unsafe { transmute::<Permit<'_>, Permit<'static>>(permit) };
        SemaphoreGuardArc { permit, semaphore: self.clone() }
    }

    /// See [`async_lock::Semaphore::try_acquire`].
    #[track_caller]
    pub fn try_acquire(&self) -> Option<SemaphoreGuard<'_>> {
        let at = Location::caller();
        let inner = attempt(&self.holders, Call::Acquire, at, || self.inner.try_acquire())?;
        Some(self.guard(inner, at, Acquirer::NONE))
    }

    /// See [`async_lock::Semaphore::acquire`].
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        let at = Location::caller();
        Acquire { operation: self.operation(at), rest: (self, at) }
    }

    fn operation(&self, at: &'static Location<'static>) -> Acquiring<'_> {
        Operation::new(&self.holders, site(Op::Acquire, 1, at), self.inner.acquire())
    }

    /// See [`async_lock::Semaphore::acquire_blocking`].
    #[track_caller]
    pub fn acquire_blocking(&self) -> SemaphoreGuard<'_> {
        let at = Location::caller();
        let inner = self.block(at);
        self.guard(inner, at, Acquirer::NONE)
    }

    fn block(&self, at: &'static Location<'static>) -> real::SemaphoreGuard<'_> {
        let _blocking = Blocking::new(&self.holders, &site(Op::Acquire, 1, at));
        self.inner.acquire_blocking()
    }

    /// See [`async_lock::Semaphore::try_acquire_arc`].
    #[track_caller]
    pub fn try_acquire_arc(self: &Arc<Self>) -> Option<SemaphoreGuardArc> {
        let at = Location::caller();
        let inner = attempt(&self.holders, Call::Acquire, at, || self.inner.try_acquire())?;
        Some(self.guard_arc(inner, at))
    }

    /// See [`async_lock::Semaphore::acquire_arc`].
    #[track_caller]
    pub fn acquire_arc(self: &Arc<Self>) -> AcquireArc {
        let at = Location::caller();
        let operation = self.operation(at);
        // SAFETY: the operation borrows from the allocation that the future's `semaphore` keeps alive, at an address
        // that does not change. The future drops the operation before `semaphore`.
        let operation = unsafe { transmute::<Acquiring<'_>, Acquiring<'static>>(operation) };
        AcquireArc { operation, rest: (self.clone(), at) }
    }

    /// See [`async_lock::Semaphore::acquire_arc_blocking`].
    #[track_caller]
    pub fn acquire_arc_blocking(self: &Arc<Self>) -> SemaphoreGuardArc {
        let at = Location::caller();
        let inner = self.block(at);
        self.guard_arc(inner, at)
    }

    /// See [`async_lock::Semaphore::add_permits`].
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        let call = calling(&self.holders, Call::AddPermits, n, Location::caller());
        // We record new permits first, so that there are never more holds than recorded permits.
        self.holders.added(n);
        self.inner.add_permits(n);
        call.succeeded();
    }

    /// See [`async_lock::Semaphore::available_permits`].
    #[cfg(not(insight_before = "3.5.0"))]
    pub fn available_permits(&self) -> usize {
        self.inner.available_permits()
    }
}

named!([] Semaphore, self => &self.holders);

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Permit<'_> {
    /// Never gives the permit back to its `semaphore`.
    fn forget(self, semaphore: &Semaphore, at: &'static Location<'static>) {
        let call = calling(&semaphore.holders, Call::ForgetPermits, 1, at);
        drop(self.hold);
        self.inner.forget();
        semaphore.holders.taken_away(1);
        call.succeeded();
    }
}

impl SemaphoreGuard<'_> {
    /// See [`async_lock::SemaphoreGuard::forget`].
    #[track_caller]
    pub fn forget(self) {
        self.permit.forget(self.semaphore, Location::caller());
    }
}

impl SemaphoreGuardArc {
    /// See [`async_lock::SemaphoreGuardArc::forget`].
    #[track_caller]
    pub fn forget(self) {
        self.permit.forget(&self.semaphore, Location::caller());
    }
}

impl fmt::Debug for SemaphoreGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.permit.inner.fmt(f)
    }
}

impl fmt::Debug for SemaphoreGuardArc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SemaphoreGuardArc").field(&Some(&self.semaphore)).finish()
    }
}

type Acquiring<'a> = Operation<'a, Holders, real::futures::Acquire<'a>>;

insight_probe::pin_project! {
    /// Made by [`Semaphore::acquire`]: see [`async_lock::futures::Acquire`].
    pub struct Acquire<'a> {
        #[pin]
        operation: Acquiring<'a>,
        rest: (&'a Semaphore, &'static Location<'static>),
    }
}

future!(['a] Acquire<'a> => SemaphoreGuard<'a>, (rest), |inner, by| rest.0.guard(inner, rest.1, by));
future_debug!([] Acquire<'_>, "Acquire { .. }");

insight_probe::pin_project! {
    /// Made by [`Semaphore::acquire_arc`]: see [`async_lock::futures::AcquireArc`].
    pub struct AcquireArc {
        // Borrows from the semaphore in `rest`, and is dropped before it.
        #[pin]
        operation: Acquiring<'static>,
        rest: (Arc<Semaphore>, &'static Location<'static>),
    }
}

future!([] AcquireArc => SemaphoreGuardArc, (rest), |inner, _| rest.0.guard_arc(inner, rest.1));
future_debug!([] AcquireArc, "AcquireArc { .. }");
