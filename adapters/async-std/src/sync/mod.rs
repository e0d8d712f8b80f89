//! async-std's `sync`, observed.

pub use real::sync::*;

#[cfg(feature = "unstable")]
mod condvar;

#[cfg(feature = "unstable")]
pub use condvar::Condvar;
#[cfg(feature = "unstable")]
pub use insight_sync::lock::{Barrier, BarrierWaitResult};
pub use insight_sync::lock::{
    Mutex, MutexGuard, MutexGuardArc, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
