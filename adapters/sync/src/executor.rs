//! Whose tasks use what is here: any executor's.

pub(crate) use insight_probe::ANY as EXECUTOR;
use insight_probe::{Op, Site};
use std::panic::Location;

/// What an operation is, and where its caller stands.
pub(crate) fn site(op: Op, need: usize, location: &'static Location<'static>) -> Site {
    Site { executor: &EXECUTOR, op, need: need as u64, location: Some(location) }
}
