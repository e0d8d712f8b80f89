//! `mutex`.

use super::definition::{BY_HOLDER, Definition, Ends, Level, LongHold, UnitKind, Wait};
use insight_protocol::{Capability, Operation};

pub(super) const DEFINITION: Definition = Definition {
    says: "A lock with one holder.",
    plural: "es",
    capability: Some(Capability::Mutexes),
    ends: Ends::None,
    units: UnitKind::Lock,
    waits: &[Wait { operations: &[Operation::Lock], freed: BY_HOLDER }],
    otherwise: BY_HOLDER,
    usual: &[Operation::Lock],
    long_hold: LongHold::Lock,
    level: Level::InUse,
    located: "created at",
    named_by_source: true,
};
