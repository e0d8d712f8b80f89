use super::{ReadHeld, RwLock, guard_traits};
use std::marker::PhantomData;

/// See [`tokio::sync::RwLockReadGuard`](real::sync::RwLockReadGuard).
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    held: ReadHeld<'a>,
    data: *const T,
    marker: PhantomData<&'a T>,
}

// SAFETY: as in tokio, with the same bounds: a guard only lends `&T`.
unsafe impl<T: ?Sized + Sync> Send for RwLockReadGuard<'_, T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockReadGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    pub(super) fn new(lock: &'a RwLock<T>, held: ReadHeld<'a>) -> Self {
        RwLockReadGuard::of(held, lock.value.get())
    }

    /// `data` is the value of the lock that is held, or a part of it.
    pub(super) fn of(held: ReadHeld<'a>, data: *const T) -> Self {
        RwLockReadGuard { held, data, marker: PhantomData }
    }

    /// See [`tokio::sync::RwLockReadGuard::map`](real::sync::RwLockReadGuard::map).
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let data = f(&*this) as *const U;
        RwLockReadGuard::of(this.held, data)
    }

    /// See [`tokio::sync::RwLockReadGuard::try_map`](real::sync::RwLockReadGuard::try_map).
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match f(&*this).map(|data| data as *const U) {
            Some(data) => Ok(RwLockReadGuard::of(this.held, data)),
            None => Err(this),
        }
    }
}

guard_traits!([T: ?Sized] RwLockReadGuard<'_, T>, T);
