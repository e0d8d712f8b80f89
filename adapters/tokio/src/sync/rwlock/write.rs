use super::{RwLock, RwLockReadGuard, WriteHeld, guard_traits};
use std::marker::PhantomData;

/// See [`tokio::sync::RwLockWriteGuard`](real::sync::RwLockWriteGuard).
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    held: WriteHeld<'a>,
    data: *mut T,
    marker: PhantomData<&'a mut T>,
}

/// See [`tokio::sync::RwLockMappedWriteGuard`](real::sync::RwLockMappedWriteGuard).
#[clippy::has_significant_drop]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    held: WriteHeld<'a>,
    data: *mut T,
    marker: PhantomData<&'a mut T>,
}

// SAFETY: as in tokio, with the same bounds: a shared guard lends `&T`, and an exclusive one lends `&mut T`.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockWriteGuard<'_, T> {}
// SAFETY: as for the `Send` of `RwLockWriteGuard`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockWriteGuard<'_, T> {}
// SAFETY: as for the `Send` of `RwLockWriteGuard`.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockMappedWriteGuard<'_, T> {}
// SAFETY: as for the `Send` of `RwLockWriteGuard`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockMappedWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    pub(super) fn new(lock: &'a RwLock<T>, held: WriteHeld<'a>) -> Self {
        RwLockWriteGuard { held, data: lock.value.get(), marker: PhantomData }
    }

    /// See [`tokio::sync::RwLockWriteGuard::map`](real::sync::RwLockWriteGuard::map).
    pub fn map<F, U: ?Sized>(mut this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let data = f(&mut *this) as *mut U;
        RwLockMappedWriteGuard { held: this.held, data, marker: PhantomData }
    }

    /// See [`tokio::sync::RwLockWriteGuard::try_map`](real::sync::RwLockWriteGuard::try_map).
    pub fn try_map<F, U: ?Sized>(mut this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut *this).map(|data| data as *mut U) {
            Some(data) => Ok(RwLockMappedWriteGuard { held: this.held, data, marker: PhantomData }),
            None => Err(this),
        }
    }

    /// See [`tokio::sync::RwLockWriteGuard::downgrade_map`](real::sync::RwLockWriteGuard::downgrade_map).
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let data = f(&*this) as *const U;
        RwLockReadGuard::of(this.held.downgrade(), data)
    }

    /// See [`tokio::sync::RwLockWriteGuard::try_downgrade_map`](real::sync::RwLockWriteGuard::try_downgrade_map).
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match f(&*this).map(|data| data as *const U) {
            Some(data) => Ok(RwLockReadGuard::of(this.held.downgrade(), data)),
            None => Err(this),
        }
    }

    /// See [`tokio::sync::RwLockWriteGuard::into_mapped`](real::sync::RwLockWriteGuard::into_mapped).
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockMappedWriteGuard { held: this.held, data: this.data, marker: PhantomData }
    }

    /// See [`tokio::sync::RwLockWriteGuard::downgrade`](real::sync::RwLockWriteGuard::downgrade).
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard::of(self.held.downgrade(), self.data)
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// See [`tokio::sync::RwLockMappedWriteGuard::map`](real::sync::RwLockMappedWriteGuard::map).
    pub fn map<F, U: ?Sized>(mut this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let data = f(&mut *this) as *mut U;
        RwLockMappedWriteGuard { held: this.held, data, marker: PhantomData }
    }

    /// See [`tokio::sync::RwLockMappedWriteGuard::try_map`](real::sync::RwLockMappedWriteGuard::try_map).
    pub fn try_map<F, U: ?Sized>(mut this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match f(&mut *this).map(|data| data as *mut U) {
            Some(data) => Ok(RwLockMappedWriteGuard { held: this.held, data, marker: PhantomData }),
            None => Err(this),
        }
    }
}

guard_traits!([T: ?Sized] mut RwLockWriteGuard<'_, T>, T);
guard_traits!([T: ?Sized] mut RwLockMappedWriteGuard<'_, T>, T);
