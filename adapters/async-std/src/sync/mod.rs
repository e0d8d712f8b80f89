//! async-std's `sync`, observed.

pub use real::sync::*;

#[cfg(feature = "unstable")]
mod condvar;

#[cfg(feature = "unstable")]
pub use crate::lock::{Barrier, BarrierWaitResult};
pub use crate::lock::{
    Mutex, MutexGuard, MutexGuardArc, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
#[cfg(feature = "unstable")]
pub use condvar::Condvar;
