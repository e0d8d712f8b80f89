//! `once_cell`.

use super::definition::{BY_HOLDER, Definition, Ends, Freed, FreedBy, Level, LongHold, UnitKind, Wait};
use insight_protocol::Operation;

const MADE: Freed = Freed { tasks: "the task that makes the value", ..BY_HOLDER };

const SET: Freed = Freed {
    by: FreedBy::Anybody,
    tasks: "tasks that can set it",
    unknown: "any code that has a reference to it can set it",
};

pub(super) const DEFINITION: Definition = Definition {
    says: "A value that is set once.",
    plural: "s",
    capability: None,
    ends: Ends::None,
    units: UnitKind::Lock,
    waits: &[Wait { operations: &[Operation::Init], freed: MADE }, Wait { operations: &[Operation::Wait], freed: SET }],
    otherwise: MADE,
    usual: &[Operation::Init],
    // The task may take any time to make the value: other tasks need it.
    long_hold: LongHold::Never,
    level: Level::InUse,
    located: "created at",
    named_by_source: true,
};
