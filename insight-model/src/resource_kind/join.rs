//! `join`.

use super::definition::{Definition, End, Ends, Freed, FreedBy, Level, LongHold, UnitKind, Wait};
use insight_protocol::{Capability, Operation};

const FREED: Freed = Freed { by: FreedBy::Party(End::Joined), tasks: "the task's own end", unknown: "unobserved task" };

pub(super) const DEFINITION: Definition = Definition {
    says: "The end of one task, or of any task of a set.",
    plural: "s",
    capability: Some(Capability::Joins),
    ends: Ends::Joined,
    units: UnitKind::Unknown,
    waits: &[Wait { operations: &[Operation::Join], freed: FREED }],
    otherwise: FREED,
    usual: &[Operation::Join],
    long_hold: LongHold::Never,
    level: Level::Count("task"),
    located: "task spawned at",
    // A resource without a name is a set, or the end of a task without a name. The source names the set or the handle
    // there.
    named_by_source: true,
};
