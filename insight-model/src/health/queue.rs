//! Tasks that wait for a thread behind a long poll.

use super::look::{Look, executor};
use super::words;
use crate::{Model, Task};

/// The tasks of the same executor that could have run while `task` was in its poll, for at least the threshold. The
/// longest wait comes first.
///
/// A task that was scheduled long before the poll began waits for something else: a runtime that no thread runs, or a
/// local set that is not polled.
pub(crate) fn behind<'a>(look: &Look<'a>, task: &Task) -> Vec<&'a Task> {
    let long_ns = look.limits.poll_ns;
    let began_ns = task.since_ns();
    if look.for_ns(began_ns) < long_ns {
        return Vec::new();
    }
    let queued = look.queued.get(&executor(task)).into_iter().flatten().copied();
    let mut behind: Vec<&Task> = queued.filter(|other| other.since_ns().saturating_add(long_ns) >= began_ns).collect();
    behind.sort_by_key(|other| (other.since_ns(), other.id));
    behind
}

/// ``Meanwhile task 2 (b) of the same executor has waited``; `None` if `behind` is empty.
pub(crate) fn queue(model: &Model, behind: &[&Task], long: &str) -> Option<String> {
    let (have, they) = if behind.len() == 1 { ("has", "was") } else { ("have", "were") };
    let names = words::labels(model, behind);
    (!behind.is_empty())
        .then(|| format!("Meanwhile {names} of the same executor {have} waited for a thread for more than {long}, and {they} not polled."))
}
