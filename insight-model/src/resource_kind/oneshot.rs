//! `oneshot`.

use super::definition::{BY_RECEIVER, CLOSED_BY_ONE, Definition, Ends, Level, LongHold, RECEIVE, UnitKind};
use insight_protocol::Operation;

pub(super) const DEFINITION: Definition = Definition {
    says: "A channel for one message.",
    plural: "s",
    capability: None,
    ends: Ends::Handles,
    units: UnitKind::Unknown,
    waits: &[RECEIVE, CLOSED_BY_ONE],
    otherwise: BY_RECEIVER,
    usual: &[Operation::Recv],
    long_hold: LongHold::Never,
    level: Level::Kept,
    located: "created at",
    named_by_source: true,
};
