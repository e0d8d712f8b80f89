//! The parts of a definition, and those that several kinds have.

use insight_protocol::{Capability, Operation, PartyRole};

/// The properties that all resources of a kind have.
#[derive(Debug)]
#[non_exhaustive]
pub struct Definition {
    /// Its sentence in the table of SPEC.md.
    pub says: &'static str,
    /// The letters that the word for several has more: `s`, or `es` as in `mutexes`.
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
    /// When a hold is long.
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

/// The units that tasks hold of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// There are no units, or the producer cannot say how many.
    Unknown,
    /// A lock: one task holds it.
    Lock,
    /// A lock: one task holds it to write, or any number to read.
    ReadWriteLock,
    /// As many permits as the resource has capacity.
    Permits,
    /// As many places for messages as the resource has capacity. A task holds those that it has reserved, and receivers
    /// make more.
    Room,
}

impl UnitKind {
    /// Whether nobody else has any while a task has them, or only those that share them.
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
    /// Its operations: the same tasks can end a wait with any of these.
    pub operations: &'static [Operation],
    /// The tasks that can end it.
    pub freed: Freed,
}

/// The tasks that can end a wait, and the words for them.
#[derive(Debug)]
pub struct Freed {
    /// The relation between such a task and the resource.
    pub by: FreedBy,
    /// These tasks: `tasks that can send`.
    pub tasks: &'static str,
    /// One of them that no edge names, such as `sender that no task has used yet`; with [`FreedBy::Anybody`] a sentence.
    pub unknown: &'static str,
}

/// The relation between a resource and a task that can end a wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreedBy {
    /// The task holds units, and gives them back.
    Holder,
    /// The task has a receiver, and makes room. Or it holds reserved places, and gives them back.
    Room,
    /// The task has this end: any one of them is enough.
    Party(End),
    /// The task has this end: all of them together, by giving it up.
    All(End),
    /// The task has not come yet: the capacity says how many come.
    Missing,
    /// Anybody, or time: no edge tells.
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

/// When tasks have held a resource of a kind for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongHold {
    /// Never: that is what it is for.
    Never,
    /// After the threshold for locks.
    Lock,
    /// After the threshold for permits; after that for locks if its capacity is 1.
    Permit,
}

/// The words for `length` and `capacity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Messages in a channel, which may be full or have no bound.
    Room,
    /// Units in use, which may be all.
    InUse,
    /// Messages that are kept: no task waits for room, so it is never full.
    Kept,
    /// Permits, and how many were taken.
    Permits,
    /// The number of these, which has no bound: `3 holders`.
    Count(&'static str),
    /// Tasks that have come, of those that must.
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

    /// Whether its handles send and receive.
    pub fn is_channel(&self) -> bool {
        self.ends == Ends::Handles
    }

    /// Whether it is a lock, or permits: a task holds it, and others wait until it does not.
    pub fn is_held(&self) -> bool {
        self.units.is_lock() || self.units == UnitKind::Permits
    }
}

/// A wait for a message or a new value.
pub(super) const RECEIVE: Wait = Wait { operations: &[Operation::Recv, Operation::Changed], freed: BY_SENDER };

pub(super) const BY_SENDER: Freed = Freed {
    by: FreedBy::Party(End::Sender),
    tasks: "tasks that can send",
    unknown: "sender that no task has used yet",
};

pub(super) const BY_RECEIVER: Freed = Freed {
    by: FreedBy::Party(End::Receiver),
    tasks: "tasks that can receive",
    unknown: "receiver that no task has used yet",
};

/// A receiver that closes it, and does not only go, ends the wait for all.
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
    Freed { by: FreedBy::Holder, tasks: "tasks that hold it", unknown: "holder outside of the tasks that are seen" };
