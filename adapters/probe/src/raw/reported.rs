//! The facts that an adapter reports of tasks, resources and edges.

use crate::clock;
use insight_protocol::{HoldMode, Operation, PartyRole, ResourceKind, TaskKind};

/// A location in the source from a string at run time, and not from the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawLocation {
    /// The file as the compiler names it.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// A time of the recorder's clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub(crate) u64);

impl Moment {
    /// Now.
    pub fn now() -> Moment {
        Moment(clock::ticks())
    }
}

/// The facts of a reported resource at its creation.
#[derive(Debug)]
pub struct RawResourceMeta {
    /// Its kind.
    pub kind: ResourceKind,
    /// The name that the program gave it.
    pub name: Option<Box<str>>,
    /// Where it was created.
    pub place: Option<RawLocation>,
    /// The ID of the task that created it; 0 if unknown.
    pub task: u64,
    /// Maximum number of units.
    pub capacity: Option<u64>,
    /// When it was created.
    pub at: Moment,
}

/// The changes of a resource; `None` for unchanged.
#[derive(Debug, Default)]
pub struct RawUpdate {
    /// The name that the program gave it.
    pub name: Option<Box<str>>,
    /// Number of units in use.
    pub length: Option<u64>,
    /// Number of senders.
    pub senders: Option<u64>,
    /// Number of handles that can become a sender.
    pub weak_senders: Option<u64>,
    /// Number of receivers.
    pub receivers: Option<u64>,
}

/// The relation of an edge.
#[derive(Debug)]
pub enum RawRelation {
    /// The task waits: `operation`, `reason`, `need`, where.
    Wait(Operation, Box<str>, u64, Option<RawLocation>),
    /// The task holds units: `mode`, `units`, `transferable`, where.
    Hold(HoldMode, u64, bool, Option<RawLocation>),
    /// The task can unblock waiters of the resource: `role`, `exclusive`.
    Party(PartyRole, bool),
}

/// The additional state in the cell of a reported task.
#[derive(Debug)]
pub(crate) struct ReportedTask {
    pub(crate) kind: TaskKind,
    pub(crate) place: Option<RawLocation>,
    pub(crate) future_bytes: Option<u64>,
}

/// A resource or an edge, in a record of its own.
#[derive(Debug)]
pub(crate) enum Reported {
    Resource(u64, RawResourceMeta),
    Update(u64, RawUpdate),
    Edge { edge: u64, task: u64, resource: u64, relation: RawRelation, since: Moment },
}
