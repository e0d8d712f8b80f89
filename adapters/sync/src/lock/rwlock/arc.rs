//! Guards with a reference that keeps the lock alive.

use super::futures::UpgradeArc;
use super::{ReadHeld, RwLock, UpgradableHeld, WriteHeld};
use crate::executor::EXECUTOR;
use crate::lock::guard_traits;
use std::mem::{ManuallyDrop, transmute};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// A [`RwLock`], held to read, with a reference that keeps it alive: see [`async_lock::RwLockReadGuardArc`].
#[clippy::has_significant_drop]
pub struct RwLockReadGuardArc<T> {
    /// Borrows from the lock behind `lock`, and is dropped before it.
    held: ManuallyDrop<ReadHeld<'static>>,
    /// A `RwLock<T>` in fact, as `Arc::into_raw` returned it. With this type the guard is covariant in `T`, which it
    /// only lends to be read.
    lock: NonNull<T>,
}

/// A [`RwLock`], held to read, which can become a hold to write, with a reference that keeps it alive: see
/// [`async_lock::RwLockUpgradableReadGuardArc`].
#[clippy::has_significant_drop]
pub struct RwLockUpgradableReadGuardArc<T: ?Sized> {
    /// Borrows from `lock`, and is dropped before it.
    held: UpgradableHeld<'static>,
    lock: Arc<RwLock<T>>,
}

/// A [`RwLock`], held to write, with a reference that keeps it alive: see [`async_lock::RwLockWriteGuardArc`].
#[clippy::has_significant_drop]
pub struct RwLockWriteGuardArc<T: ?Sized> {
    /// Borrows from `lock`, and is dropped before it.
    held: WriteHeld<'static>,
    lock: Arc<RwLock<T>>,
}

// SAFETY: as in async-lock, with the same bounds: a guard lends `&T`, and may drop the value with the lock.
unsafe impl<T: Send + Sync> Send for RwLockReadGuardArc<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send + Sync> Sync for RwLockReadGuardArc<T> {}
// SAFETY: as for `RwLockReadGuardArc`; its upgrade also lends `&mut T`.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockUpgradableReadGuardArc<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockUpgradableReadGuardArc<T> {}
// SAFETY: as for `RwLockUpgradableReadGuardArc`.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockWriteGuardArc<T> {}
// SAFETY: as for `RwLockUpgradableReadGuardArc`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockWriteGuardArc<T> {}

// As in async-lock, whose guard is only a pointer to `T`.
impl<T: RefUnwindSafe> UnwindSafe for RwLockReadGuardArc<T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for RwLockReadGuardArc<T> {}

impl<T> RwLockReadGuardArc<T> {
    /// `held` is of `lock`.
    #[inline]
    pub(super) fn new(lock: &Arc<RwLock<T>>, held: ReadHeld<'_>) -> Self {
        RwLockReadGuardArc::of(lock.clone(), held)
    }

    /// `held` is of `lock`.
    #[inline]
    fn of(lock: Arc<RwLock<T>>, held: ReadHeld<'_>) -> Self {
        // SAFETY: `held` borrows from the allocation that `lock` keeps alive, at an address that does not change. The
        // guard drops `held` before `lock`.
        let held = unsafe { transmute::<ReadHeld<'_>, ReadHeld<'static>>(held) };
        let lock = NonNull::new(Arc::into_raw(lock).cast_mut()).expect("the address of a value");
        RwLockReadGuardArc { held: ManuallyDrop::new(held), lock: lock.cast() }
    }

    #[inline]
    fn lock(&self) -> &RwLock<T> {
        // SAFETY: the pointer is that of an `Arc`, and the guard owns one count of it, so the lock lives as long as the
        // guard. The lock may have been made with a longer-lived `T`; that does not matter, since the value is only
        // read through a guard.
        unsafe { self.lock.cast::<RwLock<T>>().as_ref() }
    }
}

impl<T> Drop for RwLockReadGuardArc<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: dropped once, here, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.held) };
        // SAFETY: `into_raw` returned the pointer, and the guard owns one count of the `Arc`. The guard no longer
        // borrows from it.
        drop(unsafe { Arc::from_raw(self.lock.cast::<RwLock<T>>().as_ptr()) });
    }
}

impl<T: ?Sized> RwLockUpgradableReadGuardArc<T> {
    /// `held` is of `lock`.
    #[inline]
    pub(super) fn new(lock: &Arc<RwLock<T>>, held: UpgradableHeld<'_>) -> Self {
        // SAFETY: `held` borrows from the allocation that `lock` keeps alive, at an address that does not change. The
        // guard drops `held` before `lock`.
        let held = unsafe { transmute::<UpgradableHeld<'_>, UpgradableHeld<'static>>(held) };
        RwLockUpgradableReadGuardArc { held, lock: lock.clone() }
    }

    /// See [`async_lock::RwLockUpgradableReadGuardArc::try_upgrade`].
    #[track_caller]
    #[inline]
    pub fn try_upgrade(guard: Self) -> Result<RwLockWriteGuardArc<T>, Self> {
        let RwLockUpgradableReadGuardArc { held, lock } = guard;
        held.hold.used(&EXECUTOR);
        match held.try_upgrade(&lock.holders, Location::caller()) {
            Ok(held) => Ok(RwLockWriteGuardArc { held, lock }),
            Err(held) => Err(RwLockUpgradableReadGuardArc { held, lock }),
        }
    }

    /// See [`async_lock::RwLockUpgradableReadGuardArc::upgrade`].
    #[track_caller]
    #[inline]
    pub fn upgrade(guard: Self) -> UpgradeArc<T> {
        let at = Location::caller();
        let RwLockUpgradableReadGuardArc { held, lock } = guard;
        held.hold.used(&EXECUTOR);
        // SAFETY: the holders lie in the allocation that the future's `lock` keeps alive, at an address that does not
        // change. The future drops the borrows before `lock`, or gives both to the guard.
        let holders = unsafe { &*ptr::from_ref(&lock.holders) };
        UpgradeArc::new(held.upgrade(holders, at), lock, at)
    }

    /// See [`async_lock::RwLockUpgradableReadGuardArc::upgrade_blocking`].
    #[track_caller]
    #[inline]
    pub fn upgrade_blocking(guard: Self) -> RwLockWriteGuardArc<T> {
        let RwLockUpgradableReadGuardArc { held, lock } = guard;
        held.hold.used(&EXECUTOR);
        // SAFETY: as in `upgrade`; the guard gets the borrows.
        let holders = unsafe { &*ptr::from_ref(&lock.holders) };
        RwLockWriteGuardArc { held: held.upgrade_blocking(holders, Location::caller()), lock }
    }
}

impl<T> RwLockUpgradableReadGuardArc<T> {
    /// See [`async_lock::RwLockUpgradableReadGuardArc::downgrade`].
    #[inline]
    pub fn downgrade(guard: Self) -> RwLockReadGuardArc<T> {
        let RwLockUpgradableReadGuardArc { held, lock } = guard;
        held.hold.used(&EXECUTOR);
        RwLockReadGuardArc::of(lock, held.downgrade())
    }
}

impl<T: ?Sized> RwLockWriteGuardArc<T> {
    /// `held` is of `lock`.
    #[inline]
    pub(super) fn new(lock: &Arc<RwLock<T>>, held: WriteHeld<'_>) -> Self {
        // SAFETY: `held` borrows from the allocation that `lock` keeps alive, at an address that does not change. The
        // guard drops `held` before `lock`.
        RwLockWriteGuardArc::of(unsafe { transmute::<WriteHeld<'_>, WriteHeld<'static>>(held) }, lock.clone())
    }

    /// `held` is of `lock`.
    #[inline]
    pub(super) fn of(held: WriteHeld<'static>, lock: Arc<RwLock<T>>) -> Self {
        RwLockWriteGuardArc { held, lock }
    }

    /// See [`async_lock::RwLockWriteGuardArc::downgrade_to_upgradable`].
    #[inline]
    pub fn downgrade_to_upgradable(guard: Self) -> RwLockUpgradableReadGuardArc<T> {
        let RwLockWriteGuardArc { held, lock } = guard;
        held.hold.used(&EXECUTOR);
        RwLockUpgradableReadGuardArc { held: held.downgrade_to_upgradable(), lock }
    }
}

impl<T> RwLockWriteGuardArc<T> {
    /// See [`async_lock::RwLockWriteGuardArc::downgrade`].
    #[inline]
    pub fn downgrade(guard: Self) -> RwLockReadGuardArc<T> {
        let RwLockWriteGuardArc { held, lock } = guard;
        held.hold.used(&EXECUTOR);
        RwLockReadGuardArc::of(lock, held.downgrade())
    }
}

guard_traits!([T] RwLockReadGuardArc<T>, self => self.lock().value.get(), used self.held.hold);
guard_traits!([T: ?Sized] RwLockUpgradableReadGuardArc<T>, self => self.lock.value.get(), used self.held.hold);
guard_traits!([T: ?Sized] mut RwLockWriteGuardArc<T>, self => self.lock.value.get(), used self.held.hold);
