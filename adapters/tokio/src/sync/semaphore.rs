//! A semaphore with observed holders and waiters.

use crate::border::border;
use crate::executor::EXECUTOR;
use crate::map::map;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit, counted};
use crate::sync::site;
use insight_probe::{Acquirer, Blocking, Call, Calling, HandOff, Held, Holders, Mode, Op, waiting};
use real::sync::{AcquireError, TryAcquireError};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

/// tokio's `Semaphore`, observed: see [`tokio::sync::Semaphore`](real::sync::Semaphore).
pub struct Semaphore {
    holders: Holders,
    inner: real::sync::Semaphore,
}

impl Semaphore {
    /// See [`tokio::sync::Semaphore::MAX_PERMITS`](real::sync::Semaphore::MAX_PERMITS).
    pub const MAX_PERMITS: usize = real::sync::Semaphore::MAX_PERMITS;

    /// See [`tokio::sync::Semaphore::new`](real::sync::Semaphore::new).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        let holders = Holders::semaphore(HandOff::Fifo, Location::caller(), permits);
        Semaphore { holders, inner: real::sync::Semaphore::new(permits) }
    }

    /// See [`tokio::sync::Semaphore::const_new`](real::sync::Semaphore::const_new).
    #[track_caller]
    pub const fn const_new(permits: usize) -> Self {
        let holders = Holders::semaphore(HandOff::Fifo, Location::caller(), permits);
        Semaphore { holders, inner: real::sync::Semaphore::const_new(permits) }
    }

    /// See [`tokio::sync::Semaphore::available_permits`](real::sync::Semaphore::available_permits).
    pub fn available_permits(&self) -> usize {
        self.inner.available_permits()
    }

    /// See [`tokio::sync::Semaphore::add_permits`](real::sync::Semaphore::add_permits).
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        let call = calling(&self.holders, Call::AddPermits, n, Location::caller());
        self.inner.add_permits(n);
        self.holders.added(n);
        call.succeeded();
    }

    /// See [`tokio::sync::Semaphore::forget_permits`](real::sync::Semaphore::forget_permits).
    #[cfg(not(insight_before = "1.37.0"))]
    #[track_caller]
    pub fn forget_permits(&self, n: usize) -> usize {
        let call = calling(&self.holders, Call::ForgetPermits, n, Location::caller());
        let forgotten = self.inner.forget_permits(n);
        self.holders.taken_away(forgotten);
        call.succeeded();
        forgotten
    }

    /// The program is about to forget a permit with this number of permits.
    pub(super) fn forgetting(&self, permits: usize, at: &'static Location<'static>) -> Calling {
        calling(&self.holders, Call::ForgetPermits, permits, at)
    }

    /// Records that the program forgot a permit with this number of permits.
    pub(super) fn forgotten(&self, permits: usize) {
        self.holders.taken_away(permits);
    }

    #[inline]
    fn held(&self, permits: usize, at: &'static Location<'static>, by: Acquirer) -> Held<'_> {
        self.holders.acquired(Mode::Permit, permits, by, &EXECUTOR, at)
    }

    #[inline]
    fn permit<'a>(
        &'a self,
        inner: real::sync::SemaphorePermit<'a>,
        permits: usize,
        at: &'static Location<'static>,
        by: Acquirer,
    ) -> SemaphorePermit<'a> {
        SemaphorePermit::new(self, self.held(permits, at, by), counted(inner, permits))
    }

    #[inline]
    fn owned_permit(
        self: &Arc<Self>,
        inner: real::sync::SemaphorePermit<'_>,
        permits: usize,
        at: &'static Location<'static>,
    ) -> OwnedSemaphorePermit {
        OwnedSemaphorePermit::new(self, self.held(permits, at, Acquirer::NONE), counted(inner, permits))
    }

    /// See [`tokio::sync::Semaphore::acquire`](real::sync::Semaphore::acquire).
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        let at = Location::caller();
        let operation = waiting(&self.holders, site(Op::Acquire, 1, at), self.inner.acquire());
        map(operation, move |permit, by| Ok(self.permit(permit?, 1, at, by)))
    }

    /// See [`tokio::sync::Semaphore::acquire_many`](real::sync::Semaphore::acquire_many).
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        let at = Location::caller();
        let operation = waiting(&self.holders, site(Op::Acquire, n as usize, at), self.inner.acquire_many(n));
        map(operation, move |permit, by| Ok(self.permit(permit?, n as usize, at, by)))
    }

    #[inline]
    fn attempt(
        &self,
        n: u32,
        at: &'static Location<'static>,
    ) -> Result<real::sync::SemaphorePermit<'_>, TryAcquireError> {
        let call = calling(&self.holders, Call::Acquire, n as usize, at);
        let permit = self.inner.try_acquire_many(n);
        call.ends(|| outcome(&permit));
        permit
    }

    /// See [`tokio::sync::Semaphore::try_acquire`](real::sync::Semaphore::try_acquire).
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let at = Location::caller();
        Ok(self.permit(self.attempt(1, at)?, 1, at, Acquirer::NONE))
    }

    /// See [`tokio::sync::Semaphore::try_acquire_many`](real::sync::Semaphore::try_acquire_many).
    #[track_caller]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let at = Location::caller();
        Ok(self.permit(self.attempt(n, at)?, n as usize, at, Acquirer::NONE))
    }

    /// See [`tokio::sync::Semaphore::acquire_owned`](real::sync::Semaphore::acquire_owned).
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let at = Location::caller();
        async move {
            let permit = waiting(&self.holders, site(Op::Acquire, 1, at), self.inner.acquire()).await?;
            Ok(self.owned_permit(permit, 1, at))
        }
    }

    /// See [`tokio::sync::Semaphore::acquire_many_owned`](real::sync::Semaphore::acquire_many_owned).
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let at = Location::caller();
        async move {
            let site = site(Op::Acquire, n as usize, at);
            let permit = waiting(&self.holders, site, self.inner.acquire_many(n)).await?;
            Ok(self.owned_permit(permit, n as usize, at))
        }
    }

    /// See [`tokio::sync::Semaphore::try_acquire_owned`](real::sync::Semaphore::try_acquire_owned).
    #[track_caller]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let at = Location::caller();
        Ok(self.owned_permit(self.attempt(1, at)?, 1, at))
    }

    /// See [`tokio::sync::Semaphore::try_acquire_many_owned`](real::sync::Semaphore::try_acquire_many_owned).
    #[track_caller]
    pub fn try_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let at = Location::caller();
        Ok(self.owned_permit(self.attempt(n, at)?, n as usize, at))
    }

    /// See [`tokio::sync::Semaphore::close`](real::sync::Semaphore::close).
    #[track_caller]
    pub fn close(&self) {
        let call = calling(&self.holders, Call::Close, 1, Location::caller());
        self.inner.close();
        call.succeeded();
    }

    /// See [`tokio::sync::Semaphore::is_closed`](real::sync::Semaphore::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

#[cfg(not(insight_before = "1.54.0"))]
impl Semaphore {
    /// See [`tokio::sync::Semaphore::blocking_acquire`](real::sync::Semaphore::blocking_acquire).
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let at = Location::caller();
        Ok(self.permit(self.block(1, at)?, 1, at, Acquirer::NONE))
    }

    /// See [`tokio::sync::Semaphore::blocking_acquire_many`](real::sync::Semaphore::blocking_acquire_many).
    #[track_caller]
    pub fn blocking_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let at = Location::caller();
        Ok(self.permit(self.block(n, at)?, n as usize, at, Acquirer::NONE))
    }

    #[track_caller]
    fn block(&self, n: u32, at: &'static Location<'static>) -> Result<real::sync::SemaphorePermit<'_>, AcquireError> {
        let _blocking = Blocking::new(&self.holders, &site(Op::Acquire, n as usize, at));
        self.inner.blocking_acquire_many(n)
    }

    /// See [`tokio::sync::Semaphore::blocking_acquire_owned`](real::sync::Semaphore::blocking_acquire_owned).
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        let at = Location::caller();
        Ok(self.owned_permit(self.block(1, at)?, 1, at))
    }

    /// See [`tokio::sync::Semaphore::blocking_acquire_many_owned`](real::sync::Semaphore::blocking_acquire_many_owned).
    #[track_caller]
    pub fn blocking_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        let at = Location::caller();
        Ok(self.owned_permit(self.block(n, at)?, n as usize, at))
    }
}

border!(out [] Semaphore => real::sync::Semaphore, self => self.inner);
// A semaphore that can be moved is not borrowed by a permit, so only forgotten permits can be missing.
border!(in [] real::sync::Semaphore => Semaphore, inner => {
    Semaphore { holders: Holders::semaphore(HandOff::Fifo, Location::caller(), inner.available_permits()), inner }
});

named!([] Semaphore, self => &self.holders);

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
