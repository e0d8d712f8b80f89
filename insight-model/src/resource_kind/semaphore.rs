//! `semaphore`.

use super::definition::{BY_HOLDER, Definition, Ends, Freed, Level, LongHold, UnitKind, Wait};
use insight_protocol::{Capability, Operation};

const FREED: Freed = Freed { unknown: "permit that was taken outside of the observed tasks", ..BY_HOLDER };

pub(super) const DEFINITION: Definition = Definition {
    says: "A number of permits.",
    plural: "s",
    capability: Some(Capability::Semaphores),
    ends: Ends::None,
    units: UnitKind::Permits,
    waits: &[Wait { operations: &[Operation::Acquire], freed: FREED }],
    otherwise: FREED,
    usual: &[Operation::Acquire],
    long_hold: LongHold::Permit,
    level: Level::Permits,
    located: "created at",
    named_by_source: true,
};
