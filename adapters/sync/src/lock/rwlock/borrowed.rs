//! Guards that borrow the lock.

use super::futures::Upgrade;
use super::{ReadHeld, RwLock, UpgradableHeld, WriteHeld};
use crate::lock::guard_traits;
use insight_probe::Holders;
use std::panic::Location;

/// A [`RwLock`], held to read: see [`async_lock::RwLockReadGuard`].
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    _held: ReadHeld<'a>,
    /// A pointer to a constant, so that the guard is covariant in `T`.
    value: *const T,
}

/// A [`RwLock`], held to read, which can become a hold to write: see [`async_lock::RwLockUpgradableReadGuard`].
#[clippy::has_significant_drop]
pub struct RwLockUpgradableReadGuard<'a, T: ?Sized> {
    held: UpgradableHeld<'a>,
    holders: &'a Holders,
    value: *mut T,
}

/// A [`RwLock`], held to write: see [`async_lock::RwLockWriteGuard`].
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    held: WriteHeld<'a>,
    holders: &'a Holders,
    value: *mut T,
}

// SAFETY: as in async-lock, with the same bounds: a guard, shared or not, lends `&T`.
unsafe impl<T: ?Sized + Sync> Send for RwLockReadGuard<'_, T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as for `RwLockReadGuard`; its upgrade also lends `&mut T`.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockUpgradableReadGuard<'_, T> {}
// SAFETY: as for `RwLockReadGuard`.
unsafe impl<T: ?Sized + Sync> Sync for RwLockUpgradableReadGuard<'_, T> {}
// SAFETY: as in async-lock, with the same bounds: an exclusive guard lends `&mut T`.
unsafe impl<T: ?Sized + Send> Send for RwLockWriteGuard<'_, T> {}
// SAFETY: as in async-lock, with the same bounds: a shared guard lends `&T`.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// `held` is of `lock`.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T>, held: ReadHeld<'a>) -> Self {
        RwLockReadGuard::of(held, lock.value.get())
    }

    /// `held` is of the lock with this value.
    #[inline]
    pub(super) fn of(held: ReadHeld<'a>, value: *const T) -> Self {
        RwLockReadGuard { _held: held, value }
    }
}

impl<'a, T: ?Sized> RwLockUpgradableReadGuard<'a, T> {
    /// `held` is of `lock`.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T>, held: UpgradableHeld<'a>) -> Self {
        RwLockUpgradableReadGuard { held, holders: &lock.holders, value: lock.value.get() }
    }

    /// See [`async_lock::RwLockUpgradableReadGuard::downgrade`].
    #[inline]
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard { _held: guard.held.downgrade(), value: guard.value }
    }

    /// See [`async_lock::RwLockUpgradableReadGuard::try_upgrade`].
    #[track_caller]
    #[inline]
    pub fn try_upgrade(guard: Self) -> Result<RwLockWriteGuard<'a, T>, Self> {
        let RwLockUpgradableReadGuard { held, holders, value } = guard;
        match held.try_upgrade(holders, Location::caller()) {
            Ok(held) => Ok(RwLockWriteGuard { held, holders, value }),
            Err(held) => Err(RwLockUpgradableReadGuard { held, holders, value }),
        }
    }

    /// See [`async_lock::RwLockUpgradableReadGuard::upgrade`].
    #[track_caller]
    #[inline]
    pub fn upgrade(guard: Self) -> Upgrade<'a, T> {
        let at = Location::caller();
        Upgrade::new(guard.held.upgrade(guard.holders, at), guard.holders, guard.value, at)
    }

    /// See [`async_lock::RwLockUpgradableReadGuard::upgrade_blocking`].
    #[track_caller]
    #[inline]
    pub fn upgrade_blocking(guard: Self) -> RwLockWriteGuard<'a, T> {
        let RwLockUpgradableReadGuard { held, holders, value } = guard;
        RwLockWriteGuard { held: held.upgrade_blocking(holders, Location::caller()), holders, value }
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// `held` is of `lock`.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T>, held: WriteHeld<'a>) -> Self {
        RwLockWriteGuard::of(held, &lock.holders, lock.value.get())
    }

    /// `held` is of the lock with these holders and this value.
    #[inline]
    pub(super) fn of(held: WriteHeld<'a>, holders: &'a Holders, value: *mut T) -> Self {
        RwLockWriteGuard { held, holders, value }
    }

    /// See [`async_lock::RwLockWriteGuard::downgrade`].
    #[inline]
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard { _held: guard.held.downgrade(), value: guard.value }
    }

    /// See [`async_lock::RwLockWriteGuard::downgrade_to_upgradable`].
    #[inline]
    pub fn downgrade_to_upgradable(guard: Self) -> RwLockUpgradableReadGuard<'a, T> {
        let RwLockWriteGuard { held, holders, value } = guard;
        RwLockUpgradableReadGuard { held: held.downgrade_to_upgradable(), holders, value }
    }
}

guard_traits!([T: ?Sized] RwLockReadGuard<'_, T>, self => self.value);
guard_traits!([T: ?Sized] RwLockUpgradableReadGuard<'_, T>, self => self.value);
guard_traits!([T: ?Sized] mut RwLockWriteGuard<'_, T>, self => self.value);
