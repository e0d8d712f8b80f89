//! async-std's `future`, with `timeout` observed.

pub use real::future::*;

use crate::within::{self, within};
use std::panic::Location;
use std::time::Duration;

/// See [`async_std::future::timeout`](real::future::timeout()).
#[track_caller]
pub fn timeout<F, T>(dur: Duration, f: F) -> impl Future<Output = Result<T, TimeoutError>>
where
    F: Future<Output = T>,
{
    within(dur, f, within::elapsed, Location::caller())
}
