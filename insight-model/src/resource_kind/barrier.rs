//! `barrier`.

use super::definition::{Definition, Ends, Freed, FreedBy, Level, LongHold, UnitKind, Wait};
use insight_protocol::Operation;

const FREED: Freed =
    Freed { by: FreedBy::Missing, tasks: "tasks that have not arrived", unknown: "task that has not arrived yet" };

pub(super) const DEFINITION: Definition = Definition {
    says: "A point that a number of tasks must reach.",
    plural: "s",
    capability: None,
    ends: Ends::None,
    units: UnitKind::Unknown,
    waits: &[Wait { operations: &[Operation::Wait], freed: FREED }],
    otherwise: FREED,
    usual: &[Operation::Wait],
    long_hold: LongHold::Never,
    level: Level::Come,
    located: "created at",
    named_by_source: true,
};
