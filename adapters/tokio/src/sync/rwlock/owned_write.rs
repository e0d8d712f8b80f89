use super::{OwnedRwLockReadGuard, RwLock, WriteHeld, guard_traits};
use std::marker::PhantomData;
use std::mem::transmute;
use std::sync::Arc;

/// See [`tokio::sync::OwnedRwLockWriteGuard`](real::sync::OwnedRwLockWriteGuard).
#[clippy::has_significant_drop]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    /// Borrows from `lock`, and is dropped before it.
    held: WriteHeld<'static>,
    lock: Arc<RwLock<T>>,
    data: *mut T,
    marker: PhantomData<T>,
}

/// See [`tokio::sync::OwnedRwLockMappedWriteGuard`](real::sync::OwnedRwLockMappedWriteGuard).
#[clippy::has_significant_drop]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    /// Borrows from `lock`, and is dropped before it.
    held: WriteHeld<'static>,
    lock: Arc<RwLock<T>>,
    data: *mut U,
    marker: PhantomData<T>,
}

// SAFETY: as in tokio, with the same bounds: a shared guard lends `&T`, and an exclusive one lends `&mut T`.
unsafe impl<T: ?Sized + Send + Sync> Send for OwnedRwLockWriteGuard<T> {}
// SAFETY: as for the `Send` of `OwnedRwLockWriteGuard`.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedRwLockWriteGuard<T> {}
// SAFETY: as for the `Send` of `OwnedRwLockWriteGuard`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Send for OwnedRwLockMappedWriteGuard<T, U> {}
// SAFETY: as for the `Send` of `OwnedRwLockWriteGuard`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedRwLockMappedWriteGuard<T, U> {}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// `held` is of `lock`.
    pub(super) fn new(lock: &Arc<RwLock<T>>, held: WriteHeld<'_>) -> Self {
        // SAFETY: `held` borrows from the allocation that `lock` keeps alive, at an address that does not change. The
        // guard drops `held` before `lock`.
        let held = unsafe { transmute::<WriteHeld<'_>, WriteHeld<'static>>(held) };
        OwnedRwLockWriteGuard { held, lock: lock.clone(), data: lock.value.get(), marker: PhantomData }
    }

    fn mapped<U: ?Sized>(self, data: *mut U) -> OwnedRwLockMappedWriteGuard<T, U> {
        OwnedRwLockMappedWriteGuard { held: self.held, lock: self.lock, data, marker: PhantomData }
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::map`](real::sync::OwnedRwLockWriteGuard::map).
    pub fn map<F, U: ?Sized>(mut this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let data = f(&mut *this) as *mut U;
        this.mapped(data)
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::try_map`](real::sync::OwnedRwLockWriteGuard::try_map).
    pub fn try_map<F, U: ?Sized>(mut this: Self, f: F) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut *this).map(|data| data as *mut U) {
            Some(data) => Ok(this.mapped(data)),
            None => Err(this),
        }
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::downgrade_map`](real::sync::OwnedRwLockWriteGuard::downgrade_map).
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let data = f(&*this) as *const U;
        OwnedRwLockReadGuard::of(this.held.downgrade(), this.lock, data)
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::try_downgrade_map`](real::sync::OwnedRwLockWriteGuard::try_downgrade_map).
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match f(&*this).map(|data| data as *const U) {
            Some(data) => Ok(OwnedRwLockReadGuard::of(this.held.downgrade(), this.lock, data)),
            None => Err(this),
        }
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::into_mapped`](real::sync::OwnedRwLockWriteGuard::into_mapped).
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        let data = this.data;
        this.mapped(data)
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::downgrade`](real::sync::OwnedRwLockWriteGuard::downgrade).
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard::of(self.held.downgrade(), self.lock, self.data)
    }

    /// See [`tokio::sync::OwnedRwLockWriteGuard::rwlock`](real::sync::OwnedRwLockWriteGuard::rwlock).
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    fn mapped<V: ?Sized>(self, data: *mut V) -> OwnedRwLockMappedWriteGuard<T, V> {
        OwnedRwLockMappedWriteGuard { held: self.held, lock: self.lock, data, marker: PhantomData }
    }

    /// See [`tokio::sync::OwnedRwLockMappedWriteGuard::map`](real::sync::OwnedRwLockMappedWriteGuard::map).
    pub fn map<F, V: ?Sized>(mut this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        let data = f(&mut *this) as *mut V;
        this.mapped(data)
    }

    /// See [`tokio::sync::OwnedRwLockMappedWriteGuard::try_map`](real::sync::OwnedRwLockMappedWriteGuard::try_map).
    pub fn try_map<F, V: ?Sized>(mut this: Self, f: F) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match f(&mut *this).map(|data| data as *mut V) {
            Some(data) => Ok(this.mapped(data)),
            None => Err(this),
        }
    }

    /// See [`tokio::sync::OwnedRwLockMappedWriteGuard::rwlock`](real::sync::OwnedRwLockMappedWriteGuard::rwlock).
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

guard_traits!([T: ?Sized] mut OwnedRwLockWriteGuard<T>, T, used);
guard_traits!([T: ?Sized, U: ?Sized] mut OwnedRwLockMappedWriteGuard<T, U>, U, used);
