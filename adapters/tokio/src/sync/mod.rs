//! tokio's `sync`, with `Mutex` and `mpsc` observed.

pub use real::sync::*;

pub mod mpsc;
mod mutex;

pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::executor::EXECUTOR;
use insight_probe::{Op, Site};
use std::panic::Location;

/// What an operation of this module is, and where its caller stands.
fn site(op: Op, need: usize, location: &'static Location<'static>) -> Site {
    Site { executor: &EXECUTOR, op, need: need as u64, location: Some(location) }
}
