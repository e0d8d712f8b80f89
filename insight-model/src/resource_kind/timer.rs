//! `timer`.

use super::definition::{Definition, Ends, Freed, FreedBy, Level, LongHold, UnitKind, Wait};
use insight_protocol::{Capability, Operation};

const FREED: Freed = Freed { by: FreedBy::Anybody, tasks: "the timer", unknown: "only the timer" };

pub(super) const DEFINITION: Definition = Definition {
    says: "A time in the future.",
    plural: "s",
    capability: Some(Capability::Timers),
    ends: Ends::None,
    units: UnitKind::Unknown,
    waits: &[Wait { operations: &[Operation::Sleep], freed: FREED }],
    otherwise: FREED,
    usual: &[Operation::Sleep],
    long_hold: LongHold::Never,
    level: Level::InUse,
    located: "created at",
    // The location is that of the wait. The source names the result there, not the timer.
    named_by_source: false,
};
