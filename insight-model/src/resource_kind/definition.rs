//! The parts of a definition, and the parts that several kinds share.

use insight_protocol::{Capability, Operation, PartyRole};

/// The properties that all resources of a kind have.
#[derive(Debug)]
#[non_exhaustive]
pub struct Definition {
    /// Its sentence in the table of SPEC.md.
    pub says: &'static str,
    /// The ending of its plural: `s`, or `es` as in `mutexes`.
    pub plural: &'static str,
    /// The capability of producers that observe it; `None` if no capability names it.
    pub capability: Option<Capability>,
    /// The roles of its parties.
    pub ends: Ends,
    /// The units that tasks hold.
    pub units: UnitKind,
    /// The waits for it. Each operation is in one of them at most.
    pub waits: &'static [Wait],
    /// The tasks that can end a wait with any other operation. The diagnosis concludes nothing from such a wait.
    pub otherwise: Freed,
    /// The operations that a reader shows while no task waits.
    pub usual: &'static [Operation],
    /// The time after which a hold is long.
    pub long_hold: LongHold,
    /// The words for its `length` and `capacity`.
    pub level: Level,
    /// The words before its location.
    pub located: &'static str,
    /// Whether the `let`, field or `static` at its location names it.
    pub named_by_source: bool,
}

/// The roles of the parties of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It has no parties.
    None,
    /// Handles that send, and handles that receive.
    Handles,
    /// The tasks whose end is awaited.
    Joined,
}

/// The units of a kind that tasks hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// There are no units, or the producer does not know their number.
    Unknown,
    /// A lock that one task can hold.
    Lock,
    /// A lock that one task can hold to write, or any number of tasks to read.
    ReadWriteLock,
    /// Permits. Their number is the capacity of the resource.
    Permits,
    /// Places for messages. Their number is the capacity of the resource. A task holds the places that it has reserved,
    /// and receivers make more.
    Room,
}

impl UnitKind {
    /// Whether a hold excludes other holds, or all but shared ones.
    pub fn is_lock(self) -> bool {
        match self {
            UnitKind::Lock | UnitKind::ReadWriteLock => true,
            UnitKind::Permits | UnitKind::Room | UnitKind::Unknown => false,
        }
    }
}

/// A wait for a resource.
#[derive(Debug)]
pub struct Wait {
    /// Its operations. The same tasks can end a wait with any of them.
    pub operations: &'static [Operation],
    /// The tasks that can end it.
    pub freed: Freed,
}

/// The tasks that can end a wait, and the words for them.
#[derive(Debug)]
pub struct Freed {
    /// The relation between such a task and the resource.
    pub by: FreedBy,
    /// The words for these tasks, such as `tasks that can send`.
    pub tasks: &'static str,
    /// The words for such a task without an edge, such as `sender that any code may use`; a sentence if `by` is
    /// [`FreedBy::Anybody`].
    pub unknown: &'static str,
}

/// The relation between a resource and a task that can end a wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreedBy {
    /// The task holds units, and gives them back.
    Holder,
    /// The task has a receiver, and makes room. Or it holds reserved places, and gives them back.
    Room,
    /// The task has this end. One of these tasks is enough.
    Party(End),
    /// The task has this end, and must give it up. All of these tasks are necessary.
    All(End),
    /// The task has not arrived yet. The capacity is the number of tasks that must arrive.
    Missing,
    /// Any code, or a timer. No edge shows it.
    Anybody,
}

impl FreedBy {
    /// Whether a party with this role is such a task.
    pub fn is_party(self, role: &PartyRole) -> bool {
        match self {
            FreedBy::Room => End::Receiver.is(role),
            FreedBy::Party(end) | FreedBy::All(end) => end.is(role),
            FreedBy::Holder | FreedBy::Missing | FreedBy::Anybody => false,
        }
    }
}

/// The end of a resource that a party has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A handle that sends.
    Sender,
    /// A handle that receives.
    Receiver,
    /// The end of the task itself.
    Joined,
}

impl End {
    /// Whether a party with this role has the end.
    pub fn is(self, role: &PartyRole) -> bool {
        match self {
            End::Sender => *role == PartyRole::Sender,
            End::Receiver => *role == PartyRole::Receiver,
            End::Joined => *role == PartyRole::Joined,
        }
    }
}

/// The time after which a hold of a kind is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongHold {
    /// Never, since a long hold is the purpose of the kind.
    Never,
    /// The threshold for locks.
    Lock,
    /// The threshold for permits, or that for locks if the capacity is 1.
    Permit,
}

/// The words for `length` and `capacity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Number of messages in a channel, which may be full or unbounded.
    Room,
    /// Number of units in use. All units may be in use.
    InUse,
    /// Number of messages that are kept. The channel is never full, since no task waits for room.
    Kept,
    /// Number of permits, and number of taken permits.
    Permits,
    /// A number without a bound, and the word for the counted things: `3 holders`.
    Count(&'static str),
    /// Number of tasks that have arrived, and number of tasks that must arrive.
    Come,
}

impl Definition {
    /// The wait with this operation; `None` if the kind has none.
    pub fn wait(&self, operation: &Operation) -> Option<&Wait> {
        self.waits.iter().find(|wait| wait.operations.contains(operation))
    }

    /// The tasks that can end a wait with this operation.
    pub fn freed(&self, operation: &Operation) -> &Freed {
        self.wait(operation).map_or(&self.otherwise, |wait| &wait.freed)
    }

    /// Whether it has handles that send and receive.
    pub fn is_channel(&self) -> bool {
        self.ends == Ends::Handles
    }

    /// Whether only the tasks of its edges can end a wait for it: it is a lock or a join. r[problem.proven.certain]
    pub fn is_certain(&self) -> bool {
        self.units.is_lock() || self.ends == Ends::Joined
    }

    /// Whether it is a lock or permits: others wait while a task holds it.
    pub fn is_held(&self) -> bool {
        self.units.is_lock() || self.units == UnitKind::Permits
    }
}

/// A wait for a message or a new value.
pub(super) const RECEIVE: Wait = Wait { operations: &[Operation::Recv, Operation::Changed], freed: BY_SENDER };

pub(super) const BY_SENDER: Freed =
    Freed { by: FreedBy::Party(End::Sender), tasks: "tasks that can send", unknown: "sender that any code may use" };

pub(super) const BY_RECEIVER: Freed = Freed {
    by: FreedBy::Party(End::Receiver),
    tasks: "tasks that can receive",
    unknown: "receiver that any code may use",
};

/// A receiver that closes the channel ends the wait, even if there are others.
pub(super) const CLOSED_BY_ONE: Wait =
    Wait { operations: &[Operation::Closed], freed: Freed { tasks: "tasks that can close", ..BY_RECEIVER } };

pub(super) const CLOSED_BY_ALL: Wait = Wait {
    operations: &[Operation::Closed],
    freed: Freed { by: FreedBy::All(End::Receiver), tasks: "tasks that can close", ..BY_RECEIVER },
};

/// A kind whose waits this version does not explain. Only its holders can then end a wait.
pub(super) const UNEXPLAINED: Definition = Definition {
    says: "",
    plural: "s",
    capability: None,
    ends: Ends::None,
    units: UnitKind::Unknown,
    waits: &[],
    otherwise: BY_HOLDER,
    usual: &[Operation::Lock],
    long_hold: LongHold::Never,
    level: Level::InUse,
    located: "created at",
    named_by_source: true,
};

pub(super) const BY_HOLDER: Freed =
    Freed { by: FreedBy::Holder, tasks: "tasks that hold it", unknown: "holder outside of the observed tasks" };
