//! Locks whose holders and waiters are seen: async-lock's, see [`async_lock`].
//!
//! What waits, and in which order, is async-lock's own: each primitive here has one of it inside. Where the value is
//! reached through guards, that is a lock of `()`, and the value lies beside it: so guards of every kind can be made
//! without asking more of `T` than async-lock does.

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

/// Lets `insight_probe::name` take `$type`, of which `$resource` is what insight sees.
macro_rules! named {
    ([$($generics:tt)*] $type:ty, $self:ident => $resource:expr) => {
        impl<$($generics)*> insight_probe::AsResource for $type {
            fn cell(&$self) -> Option<&std::sync::Arc<insight_probe::ResourceCell>> {
                insight_probe::AsResource::cell($resource)
            }
        }
    };
}

/// What guards are to their users: a reference to the value at `$pointer`, and its texts. `used`: of one that can move
/// to another task, which is seen when it is used there. `mut`: of one that lends the value exclusively, too.
macro_rules! guard_traits {
    ([$($generics:tt)*] $guard:ty, $self:ident => $pointer:expr $(, used $hold:expr)?) => {
        impl<$($generics)*> std::ops::Deref for $guard {
            type Target = T;

            #[inline]
            fn deref(&$self) -> &T {
                $($hold.used(&crate::executor::EXECUTOR);)?
                // SAFETY: the guard holds the lock, and lends the value no longer than itself.
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
                // SAFETY: the guard holds the lock alone, and is borrowed exclusively.
                unsafe { &mut *$pointer }
            }
        }
    };
}

use {guard_traits, named};
