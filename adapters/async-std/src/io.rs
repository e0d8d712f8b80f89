//! async-std's `io`, with `timeout` observed.

pub use real::io::*;

use crate::within::within;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::Location;
use std::time::Duration;

/// See [`async_std::io::timeout`](real::io::timeout()).
#[track_caller]
pub fn timeout<F, T>(dur: Duration, f: F) -> impl Future<Output = Result<T>>
where
    F: Future<Output = Result<T>>,
{
    let at = Location::caller();
    async move {
        let result = within(dur, f, |rest| real::io::timeout(rest, pending::<Result<Infallible>>()), at).await;
        result.unwrap_or_else(Err)
    }
}
