//! The executor of this crate's operations: any.

pub(crate) use insight_probe::ANY as EXECUTOR;
use insight_probe::{Op, Site};
use std::panic::Location;

/// An operation, and its caller's location.
pub(crate) fn site(op: Op, need: usize, location: &'static Location<'static>) -> Site {
    Site { executor: &EXECUTOR, op, need: need as u64, location: Some(location) }
}
