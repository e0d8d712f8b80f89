use crate::executor::EXECUTOR;
use crate::sync::semaphore::Semaphore;
use insight_probe::Held;
use std::fmt;
use std::mem::transmute;
use std::panic::Location;
use std::sync::Arc;

/// tokio's permit, which has a method for its number of permits.
#[cfg(not(insight_before = "1.38.0"))]
pub(super) use real::sync::SemaphorePermit as Inner;

/// A permit of tokio and its number. From 1.38 on, tokio's permit has a method for it.
#[cfg(insight_before = "1.38.0")]
pub(super) struct Inner<'a> {
    permit: real::sync::SemaphorePermit<'a>,
    permits: usize,
}

/// The permit with its number.
#[cfg(not(insight_before = "1.38.0"))]
#[inline]
pub(super) fn counted(permit: Inner<'_>, _permits: usize) -> Inner<'_> {
    permit
}

#[cfg(insight_before = "1.38.0")]
#[inline]
pub(super) fn counted(permit: real::sync::SemaphorePermit<'_>, permits: usize) -> Inner<'_> {
    Inner { permit, permits }
}

#[cfg(insight_before = "1.38.0")]
impl Inner<'_> {
    fn num_permits(&self) -> usize {
        self.permits
    }

    fn forget(self) {
        self.permit.forget();
    }

    #[track_caller]
    fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
        self.permits += other.permits;
    }
}

#[cfg(insight_before = "1.38.0")]
impl fmt::Debug for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.permit.fmt(f)
    }
}

/// See [`tokio::sync::SemaphorePermit`](real::sync::SemaphorePermit).
#[must_use]
#[clippy::has_significant_drop]
pub struct SemaphorePermit<'a> {
    // The first field, so that its end is recorded before the permits are free.
    held: Held<'a>,
    inner: Inner<'a>,
    semaphore: &'a Semaphore,
}

/// See [`tokio::sync::OwnedSemaphorePermit`](real::sync::OwnedSemaphorePermit).
#[must_use]
#[clippy::has_significant_drop]
pub struct OwnedSemaphorePermit {
    /// Borrows from `semaphore`, and is dropped before it.
    permit: Permit<'static>,
    semaphore: Arc<Semaphore>,
}

/// The hold and tokio's permit, for an owned permit.
struct Permit<'a> {
    // In this order: the end of the hold is recorded before the permits are free.
    held: Held<'a>,
    inner: Inner<'a>,
}

/// Adds the permits of `other`. `same`: it is of the same semaphore. Panics as tokio does if it is not.
#[track_caller]
fn merge<'a>(same: bool, (held, inner): (&mut Held<'a>, &mut Inner<'a>), (other_held, other): (Held<'a>, Inner<'a>)) {
    if same {
        held.merge(other_held);
    } else {
        drop(other_held);
    }
    inner.merge(other);
}

impl<'a> SemaphorePermit<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, held: Held<'a>, inner: Inner<'a>) -> Self {
        SemaphorePermit { held, inner, semaphore }
    }

    /// See [`tokio::sync::SemaphorePermit::forget`](real::sync::SemaphorePermit::forget).
    #[track_caller]
    pub fn forget(self) {
        let permits = self.num_permits();
        let call = self.semaphore.forgetting(permits, Location::caller());
        drop(self.held);
        self.inner.forget();
        self.semaphore.forgotten(permits);
        call.succeeded();
    }

    /// See [`tokio::sync::SemaphorePermit::merge`](real::sync::SemaphorePermit::merge).
    #[track_caller]
    pub fn merge(&mut self, other: Self) {
        let same = std::ptr::eq(self.semaphore, other.semaphore);
        merge(same, (&mut self.held, &mut self.inner), (other.held, other.inner));
    }

    /// See [`tokio::sync::SemaphorePermit::split`](real::sync::SemaphorePermit::split).
    #[cfg(not(insight_before = "1.38.0"))]
    pub fn split(&mut self, n: usize) -> Option<Self> {
        let inner = self.inner.split(n)?;
        Some(SemaphorePermit { held: self.held.split(n), inner, semaphore: self.semaphore })
    }

    /// See [`tokio::sync::SemaphorePermit::semaphore`](real::sync::SemaphorePermit::semaphore).
    #[cfg(not(insight_before = "1.54.0"))]
    pub fn semaphore(&self) -> &Semaphore {
        self.semaphore
    }

    /// See [`tokio::sync::SemaphorePermit::num_permits`](real::sync::SemaphorePermit::num_permits).
    pub fn num_permits(&self) -> usize {
        self.inner.num_permits()
    }
}

impl OwnedSemaphorePermit {
    /// `held` and `inner` are of `semaphore`.
    #[inline]
    pub(super) fn new(semaphore: &Arc<Semaphore>, held: Held<'_>, inner: Inner<'_>) -> Self {
        // SAFETY: the permit borrows from the allocation that `semaphore` keeps alive, at an address that does not
        // change. The owned permit drops the permit before `semaphore`.
        let permit = unsafe { transmute::<Permit<'_>, Permit<'static>>(Permit { held, inner }) };
        OwnedSemaphorePermit { permit, semaphore: semaphore.clone() }
    }

    /// See [`tokio::sync::OwnedSemaphorePermit::forget`](real::sync::OwnedSemaphorePermit::forget).
    #[track_caller]
    pub fn forget(self) {
        let permits = self.num_permits();
        let call = self.semaphore.forgetting(permits, Location::caller());
        drop(self.permit.held);
        self.permit.inner.forget();
        self.semaphore.forgotten(permits);
        call.succeeded();
    }

    /// See [`tokio::sync::OwnedSemaphorePermit::merge`](real::sync::OwnedSemaphorePermit::merge).
    #[track_caller]
    pub fn merge(&mut self, other: Self) {
        self.permit.held.used(&EXECUTOR);
        let OwnedSemaphorePermit { permit: other, semaphore } = other;
        let same = Arc::ptr_eq(&self.semaphore, &semaphore);
        merge(same, (&mut self.permit.held, &mut self.permit.inner), (other.held, other.inner));
    }

    /// See [`tokio::sync::OwnedSemaphorePermit::split`](real::sync::OwnedSemaphorePermit::split).
    #[cfg(not(insight_before = "1.38.0"))]
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permit.held.used(&EXECUTOR);
        let inner = self.permit.inner.split(n)?;
        let permit = Permit { held: self.permit.held.split(n), inner };
        Some(OwnedSemaphorePermit { permit, semaphore: self.semaphore.clone() })
    }

    /// See [`tokio::sync::OwnedSemaphorePermit::semaphore`](real::sync::OwnedSemaphorePermit::semaphore).
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        self.permit.held.used(&EXECUTOR);
        &self.semaphore
    }

    /// See [`tokio::sync::OwnedSemaphorePermit::num_permits`](real::sync::OwnedSemaphorePermit::num_permits).
    pub fn num_permits(&self) -> usize {
        self.permit.held.used(&EXECUTOR);
        self.permit.inner.num_permits()
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit")
            .field("sem", &self.semaphore)
            .field("permits", &self.num_permits())
            .finish()
    }
}
