//! `watch`.

use super::definition::{BY_RECEIVER, CLOSED_BY_ALL, Definition, Ends, Level, LongHold, RECEIVE, UnitKind};
use insight_protocol::Operation;

pub(super) const DEFINITION: Definition = Definition {
    says: "A value whose changes can be awaited.",
    plural: "es",
    capability: None,
    ends: Ends::Handles,
    units: UnitKind::Unknown,
    waits: &[RECEIVE, CLOSED_BY_ALL],
    otherwise: BY_RECEIVER,
    usual: &[Operation::Changed],
    long_hold: LongHold::Never,
    level: Level::InUse,
    located: "created at",
    named_by_source: true,
};
