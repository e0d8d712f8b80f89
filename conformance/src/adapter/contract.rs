//! The rules of the trait `Adapter`. SPEC.md has no rule for them, since they are about the adapter and not about its stream.

use crate::rule::{Checked, Level, Rule};

const fn rule(id: &'static str, text: &'static str) -> Rule {
    Rule { id, level: Level::Must, checked: Checked::Never, text }
}

/// The program of a case cannot run on the adapter otherwise.
pub(super) const RUNS: &str = "adapter.runs";
/// The outcome of a handle.
pub(super) const OUTCOME: &str = "adapter.outcome";
/// The caller's location.
pub(super) const LOCATION: &str = "adapter.location";
/// The program's name of a task.
pub(super) const NAME: &str = "adapter.name";
/// The root of the tasks.
pub(super) const BLOCK_ON: &str = "adapter.block-on";
/// The name, the version and the capabilities.
pub(super) const DESCRIPTOR: &str = "adapter.descriptor";
/// The types of resources.
pub(super) const RESOURCES: &str = "adapter.resources";
/// A lock excludes others.
pub(super) const LOCK: &str = "adapter.lock";

static RULES: [Rule; 8] = [
    rule(
        RUNS,
        "`block_on` runs its future to the end and returns, each spawned task runs, and `cancel` drops its future soon.",
    ),
    rule(OUTCOME, "The output of the future `Spawned` is the way in which the task ended."),
    rule(
        LOCATION,
        "The location of a task, a wait, a hold and a resource is that of the program's call: each function in between is \
         `#[track_caller]`.",
    ),
    rule(NAME, "A task that is spawned within `insight_probe::task_name` has this name."),
    rule(BLOCK_ON, "`block_on` runs its future as a task of kind `block_on`."),
    rule(DESCRIPTOR, "The descriptor has a name and a version, and lists the capability `tasks`."),
    rule(
        RESOURCES,
        "`Adapter::resources` calls its argument once for each type of resource, and the descriptor lists the capabilities of \
         these types. A resource without a capability, or a capability without a resource, is not tested.",
    ),
    rule(LOCK, "One task at a time has a lock, and a waiting task gets the lock after it was released."),
];

/// The rule with this ID.
pub(super) fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}
