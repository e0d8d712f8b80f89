use super::{ReadHeld, RwLock, guard_traits};
use std::marker::PhantomData;
use std::mem::transmute;
use std::sync::Arc;

/// See [`tokio::sync::OwnedRwLockReadGuard`](real::sync::OwnedRwLockReadGuard).
#[clippy::has_significant_drop]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    /// Borrows from `lock`, and is dropped before it.
    held: ReadHeld<'static>,
    lock: Arc<RwLock<T>>,
    data: *const U,
    marker: PhantomData<T>,
}

// SAFETY: as in tokio, with the same bounds: a guard lends `&U`, and may drop the value with the lock.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedRwLockReadGuard<T, U> {}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// `held` is of `lock`.
    pub(super) fn new(lock: &Arc<RwLock<T>>, held: ReadHeld<'_>) -> Self {
        // SAFETY: `held` borrows from the allocation that `lock` keeps alive, at an address that does not change. The
        // guard drops `held` before `lock`.
        let held = unsafe { transmute::<ReadHeld<'_>, ReadHeld<'static>>(held) };
        OwnedRwLockReadGuard::of(held, lock.clone(), lock.value.get())
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// `held` is of `lock`, and `data` is its value or a part of it.
    pub(super) fn of(held: ReadHeld<'static>, lock: Arc<RwLock<T>>, data: *const U) -> Self {
        OwnedRwLockReadGuard { held, lock, data, marker: PhantomData }
    }

    /// See [`tokio::sync::OwnedRwLockReadGuard::map`](real::sync::OwnedRwLockReadGuard::map).
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        let data = f(&*this) as *const V;
        OwnedRwLockReadGuard::of(this.held, this.lock, data)
    }

    /// See [`tokio::sync::OwnedRwLockReadGuard::try_map`](real::sync::OwnedRwLockReadGuard::try_map).
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        match f(&*this).map(|data| data as *const V) {
            Some(data) => Ok(OwnedRwLockReadGuard::of(this.held, this.lock, data)),
            None => Err(this),
        }
    }

    /// See [`tokio::sync::OwnedRwLockReadGuard::rwlock`](real::sync::OwnedRwLockReadGuard::rwlock).
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

guard_traits!([T: ?Sized, U: ?Sized] OwnedRwLockReadGuard<T, U>, U, used);
