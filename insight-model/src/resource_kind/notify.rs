//! `notify`.

use super::definition::{Definition, Ends, Freed, FreedBy, Level, LongHold, UnitKind, Wait};
use insight_protocol::Operation;

const FREED: Freed = Freed {
    by: FreedBy::Anybody,
    tasks: "tasks that can notify",
    unknown: "any code that has a reference to it can notify",
};

pub(super) const DEFINITION: Definition = Definition {
    says: "A notification without a value.",
    plural: "s",
    capability: None,
    ends: Ends::None,
    units: UnitKind::Unknown,
    waits: &[Wait { operations: &[Operation::Notified], freed: FREED }],
    otherwise: FREED,
    usual: &[Operation::Notified],
    long_hold: LongHold::Never,
    level: Level::InUse,
    located: "created at",
    named_by_source: true,
};
