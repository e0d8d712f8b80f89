//! async-lock's locks with observed holders and waiters: see [`async_lock`].
//!
//! Each primitive contains one of async-lock's, which decides the waiting tasks and their order. A primitive with guards
//! contains a lock of `()`, and the value lies beside it. So we can make guards of every kind, and `T` needs no more
//! bounds than with async-lock.

mod barrier;
mod mutex;
mod once_cell;
mod operation;
mod rwlock;
mod semaphore;

pub use async_lock::BarrierWaitResult;
pub use barrier::Barrier;
pub use mutex::{Mutex, MutexGuard, MutexGuardArc, lock_called_at};
pub use once_cell::OnceCell;
pub use rwlock::{
    RwLock, RwLockReadGuard, RwLockReadGuardArc, RwLockUpgradableReadGuard, RwLockUpgradableReadGuardArc,
    RwLockWriteGuard, RwLockWriteGuardArc,
};
pub use semaphore::{Semaphore, SemaphoreGuard, SemaphoreGuardArc};

/// The named futures of this module: see [`async_lock::futures`].
pub mod futures {
    pub use super::barrier::BarrierWait;
    pub use super::mutex::{Lock, LockArc};
    pub use super::rwlock::futures::{
        Read, ReadArc, UpgradableRead, UpgradableReadArc, Upgrade, UpgradeArc, Write, WriteArc,
    };
    pub use super::semaphore::{Acquire, AcquireArc};
}

/// Lets `insight_probe::name` take `$type`, whose resource is `$resource`.
macro_rules! named {
    ([$($generics:tt)*] $type:ty, $self:ident => $resource:expr) => {
        impl<$($generics)*> insight_probe::AsResource for $type {
            fn cell(&$self) -> Option<&std::sync::Arc<insight_probe::ResourceCell>> {
                insight_probe::AsResource::cell($resource)
            }
        }
    };
}

/// The traits of guards: a reference to the value at `$pointer`, and its texts. `used`: a guard that can move to
/// another task, which we observe when that task uses it. `mut`: a guard that also lends the value exclusively.
macro_rules! guard_traits {
    ([$($generics:tt)*] $guard:ty, $self:ident => $pointer:expr $(, used $hold:expr)?) => {
        impl<$($generics)*> std::ops::Deref for $guard {
            type Target = T;

            #[inline]
            fn deref(&$self) -> &T {
                $($hold.used(&crate::executor::EXECUTOR);)?
                // SAFETY: the guard holds the lock, and the reference does not outlive the guard.
                unsafe { &*$pointer }
            }
        }

        impl<$($generics)*> std::fmt::Debug for $guard
        where
            T: std::fmt::Debug,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($generics)*> std::fmt::Display for $guard
        where
            T: std::fmt::Display,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&**self, f)
            }
        }
    };
    ([$($generics:tt)*] mut $guard:ty, $self:ident => $pointer:expr $(, used $hold:expr)?) => {
        guard_traits!([$($generics)*] $guard, $self => $pointer $(, used $hold)?);

        impl<$($generics)*> std::ops::DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut $self) -> &mut T {
                $($hold.used(&crate::executor::EXECUTOR);)?
                // SAFETY: the guard holds the lock alone and is borrowed exclusively, and the reference does not
                // outlive the guard.
                unsafe { &mut *$pointer }
            }
        }
    };
}

use {guard_traits, named};
