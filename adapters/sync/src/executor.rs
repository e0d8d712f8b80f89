//! Whose tasks use what is here: any executor's.

use insight_probe::{Executor, Op, Site};
use std::panic::Location;

/// Stands for whichever executor polls the task. None of those that this crate is for says which of its tasks runs, so
/// it is the innermost one that is observed.
pub(crate) static EXECUTOR: Executor = Executor::new("any", "", || None);

/// What an operation is, and where its caller stands.
pub(crate) fn site(op: Op, need: usize, location: &'static Location<'static>) -> Site {
    Site { executor: &EXECUTOR, op, need: need as u64, location: Some(location) }
}
