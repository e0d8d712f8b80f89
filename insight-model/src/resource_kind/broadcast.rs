//! `broadcast`.

use super::definition::{BY_RECEIVER, CLOSED_BY_ALL, Definition, Ends, Level, LongHold, RECEIVE, UnitKind, Wait};
use insight_protocol::Operation;

pub(super) const DEFINITION: Definition = Definition {
    says: "A channel whose every receiver gets every message.",
    plural: "s",
    capability: None,
    ends: Ends::Handles,
    units: UnitKind::Unknown,
    waits: &[RECEIVE, Wait { operations: &[Operation::Send], freed: BY_RECEIVER }, CLOSED_BY_ALL],
    otherwise: BY_RECEIVER,
    usual: &[Operation::Recv],
    long_hold: LongHold::Never,
    level: Level::Kept,
    located: "created at",
    named_by_source: true,
};
