//! `rwlock`.

use super::definition::{BY_HOLDER, Definition, Ends, Level, LongHold, UnitKind, Wait};
use insight_protocol::{Capability, Operation};

pub(super) const DEFINITION: Definition = Definition {
    says: "A lock with one writer or many readers.",
    plural: "s",
    capability: Some(Capability::Rwlocks),
    ends: Ends::None,
    units: UnitKind::ReadWriteLock,
    waits: &[Wait { operations: &[Operation::Read, Operation::Write], freed: BY_HOLDER }],
    otherwise: BY_HOLDER,
    usual: &[Operation::Write],
    long_hold: LongHold::Lock,
    level: Level::Count("holder"),
    located: "created at",
    named_by_source: true,
};
