//! `channel`.

use super::definition::{
    BY_RECEIVER, CLOSED_BY_ONE, Definition, Ends, Freed, FreedBy, Level, LongHold, RECEIVE, UnitKind, Wait,
};
use insight_protocol::{Capability, Operation};

pub(super) const DEFINITION: Definition = Definition {
    says: "A queue of messages with senders and receivers.",
    plural: "s",
    capability: Some(Capability::Channels),
    ends: Ends::Handles,
    units: UnitKind::Room,
    waits: &[
        Wait { operations: &[Operation::Send, Operation::Reserve], freed: Freed { by: FreedBy::Room, ..BY_RECEIVER } },
        RECEIVE,
        CLOSED_BY_ONE,
    ],
    otherwise: BY_RECEIVER,
    usual: &[Operation::Send, Operation::Recv],
    long_hold: LongHold::Never,
    level: Level::Room,
    located: "created at",
    named_by_source: true,
};
