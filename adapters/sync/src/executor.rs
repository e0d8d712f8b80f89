//! The executor of this crate's operations: any.

pub(crate) use insight_probe::ANY as EXECUTOR;
use insight_probe::{AsResource, Call, CallOutcome, Calling, Op, Site};
use std::panic::Location;

/// An operation, and its caller's location.
pub(crate) fn site(op: Op, need: usize, location: &'static Location<'static>) -> Site {
    Site { executor: &EXECUTOR, op, need: need as u64, location: Some(location) }
}

/// An operation that does not wait, and is about to be called.
#[inline]
pub(crate) fn calling(
    resource: &impl AsResource,
    call: Call,
    units: usize,
    location: &'static Location<'static>,
) -> Calling {
    Calling::new(resource, call, units, &EXECUTOR, location)
}

/// An attempt, and its result.
#[inline]
pub(crate) fn attempt<T>(
    resource: &impl AsResource,
    call: Call,
    location: &'static Location<'static>,
    attempt: impl FnOnce() -> Option<T>,
) -> Option<T> {
    let call = calling(resource, call, 1, location);
    let result = attempt();
    call.ends(|| if result.is_some() { CallOutcome::Succeeded } else { CallOutcome::Unavailable });
    result
}
