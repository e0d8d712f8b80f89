//! Resources and edges that are told, each in a record of its own.

use super::{Moment, Place, RawTask};
use crate::ring::{self, Record, RecordKind};
use crate::wait::{Op, OpenWait};
use crate::{clock, ids};
use insight_protocol::{EdgeOutcome, HoldMode, Operation, PartyRole, ResourceKind};

/// What is told of a resource when it is created.
#[derive(Debug)]
pub struct RawResourceMeta {
    /// What it is.
    pub kind: ResourceKind,
    /// The name that the program gave it.
    pub name: Option<Box<str>>,
    /// Where it was created.
    pub place: Option<Place>,
    /// The id of the task that created it; 0 when that is not known.
    pub task: u64,
    /// How many units it has at most.
    pub capacity: Option<u64>,
    /// When it was created.
    pub at: Moment,
}

/// A resource of which somebody tells; gone when dropped.
#[derive(Debug)]
pub struct RawResource(u64);

/// What has changed of a resource.
#[derive(Debug, Default)]
pub struct RawUpdate {
    /// The name that the program gave it.
    pub name: Option<Box<str>>,
    /// How many units are in use.
    pub length: Option<u64>,
    /// How many senders there are.
    pub senders: Option<u64>,
    /// How many handles there are that can become a sender.
    pub weak_senders: Option<u64>,
    /// How many receivers there are.
    pub receivers: Option<u64>,
}

impl RawResource {
    /// It was created.
    pub fn created(meta: RawResourceMeta) -> RawResource {
        if !crate::on() {
            return RawResource(0);
        }
        let id = ids::next_resource();
        RawResource(if tell(Told::Resource(id, meta)) { id } else { 0 })
    }

    /// Something of it has changed.
    pub fn updated(&self, update: RawUpdate) {
        if self.0 != 0 {
            // A count that is lost is an old count, and the next one makes up for it.
            let _ = tell(Told::Update(self.0, update));
        }
    }
}

impl Drop for RawResource {
    fn drop(&mut self) {
        if self.0 != 0 {
            let words = [self.0, 0, 0, 0, 0];
            ring::push_closing(Record { ticks: clock::ticks(), kind: RecordKind::ResourceDropped, words });
        }
    }
}

/// What an edge is.
#[derive(Debug)]
pub enum RawRelation {
    /// The task waits: `operation`, `reason`, `need`, where.
    Wait(Operation, Box<str>, u64, Option<Place>),
    /// The task holds units: `mode`, `units`, `transferable`, where.
    Hold(HoldMode, u64, bool, Option<Place>),
    /// The task can free the resource: `role`, `exclusive`.
    Party(PartyRole, bool),
}

/// An edge of which somebody tells; closed when dropped.
#[derive(Debug)]
pub struct RawEdge(u64);

impl RawEdge {
    /// It was opened, at `since`; left out when the task or the resource is not recorded.
    pub fn opened(task: &RawTask, resource: &RawResource, relation: RawRelation, since: Moment) -> RawEdge {
        let task = task.0.recorded_id();
        if task == 0 || resource.0 == 0 {
            return RawEdge(0);
        }
        let edge = ids::next_edge();
        RawEdge(if tell(Told::Edge { edge, task, resource: resource.0, relation, since }) { edge } else { 0 })
    }

    /// It is closed, with an outcome.
    pub fn close(mut self, outcome: &EdgeOutcome) {
        self.end(match outcome {
            EdgeOutcome::Released => 1,
            EdgeOutcome::Moved => 2,
            EdgeOutcome::Claimed => 3,
            EdgeOutcome::Abandoned => 4,
            _ => 0,
        });
    }

    fn end(&mut self, outcome: u64) {
        let edge = std::mem::take(&mut self.0);
        if edge != 0 {
            let words = [edge, outcome, 0, 0, 0];
            ring::push_closing(Record { ticks: clock::ticks(), kind: RecordKind::EdgeClosed, words });
        }
    }
}

impl Drop for RawEdge {
    fn drop(&mut self) {
        self.end(0);
    }
}

/// A wait that is sampled, as those of observed operations are: one that is over within microseconds is not told.
/// Over when dropped.
#[derive(Debug)]
pub struct RawWait(OpenWait);

impl RawWait {
    /// `task` waits on `resource`; `None` when one of them is not recorded.
    pub fn opened(task: &RawTask, resource: &RawResource, op: Op, need: u64) -> Option<RawWait> {
        let recorded = resource.0 != 0 && task.0.recorded_id() != 0;
        recorded.then(|| RawWait(OpenWait::of(&task.0, resource.0, op, need)))
    }

    /// Whether it is a wait of this task.
    pub fn is_of(&self, task: &RawTask) -> bool {
        self.0.is_of(&task.0)
    }
}

/// What a record of this kind has, in a box of its own.
#[derive(Debug)]
pub(crate) enum Told {
    Resource(u64, RawResourceMeta),
    Update(u64, RawUpdate),
    Edge { edge: u64, task: u64, resource: u64, relation: RawRelation, since: Moment },
}

fn tell(told: Told) -> bool {
    let told = Box::into_raw(Box::new(told));
    let words = [told as usize as u64, 0, 0, 0, 0];
    let taken = ring::push_opening(Record { ticks: clock::ticks(), kind: RecordKind::Told, words });
    if !taken {
        // SAFETY: just made by `into_raw`, and not taken by the queue.
        drop(unsafe { Box::from_raw(told) });
    }
    taken
}
