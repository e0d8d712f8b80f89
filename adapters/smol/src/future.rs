//! smol's `future`, with `block_on` observed.

pub use real::future::*;

use crate::observe;
use std::panic::Location;

/// See [`smol::future::block_on`](real::future::block_on).
#[track_caller]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    real::future::block_on(observe::root(future, Location::caller()))
}
