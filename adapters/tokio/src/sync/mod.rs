//! tokio's `sync`, observed.

pub use real::sync::*;

mod barrier;
pub mod broadcast;
pub(crate) mod calling;
pub mod mpsc;
mod mutex;
mod notify;
mod once_cell;
pub mod oneshot;
mod rwlock;
mod semaphore;
mod semaphore_permit;
#[cfg(not(insight_before = "1.47.0"))]
mod set_once;
pub mod watch;

/// The named futures of this module.
pub mod futures {
    pub use super::notify::Notified;
    #[cfg(not(insight_before = "1.47.0"))]
    pub use super::notify::OwnedNotified;
}

pub use barrier::Barrier;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
pub use notify::Notify;
pub use once_cell::OnceCell;
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::Semaphore;
pub use semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit};
#[cfg(not(insight_before = "1.47.0"))]
pub use set_once::SetOnce;

use crate::executor::EXECUTOR;
use insight_probe::{Op, Site};
use std::panic::Location;

/// An operation of this module, and its caller's location.
pub(crate) fn site(op: Op, need: usize, location: &'static Location<'static>) -> Site {
    Site { executor: &EXECUTOR, op, need: need as u64, location: Some(location) }
}
