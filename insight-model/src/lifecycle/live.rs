//! The parts of a program that are alive, as the checker remembers them.

use insight_protocol::*;
use std::collections::{HashMap, HashSet};

#[derive(Debug)]
pub(super) struct LiveTask {
    pub(super) partial: bool,
    pub(super) stats: Option<TaskStats>,
    /// The sample that `stats` is of.
    pub(super) sample: u64,
    /// How many of its polls were told one by one.
    pub(super) told_polls: u64,
    /// It has ended, and has open edges still.
    pub(super) completed: bool,
    pub(super) edges: u64,
    /// Those of them that end when it spawns.
    pub(super) exclusive_parties: u64,
    /// Those of them that end with it.
    pub(super) ending_edges: u64,
}

#[derive(Debug, Default)]
pub(super) struct LiveResource {
    pub(super) edges: HashSet<EdgeId>,
    /// How many of them are holds, and how many of these exclusive ones.
    pub(super) holds: u64,
    pub(super) exclusive_holds: u64,
}

#[derive(Debug)]
pub(super) struct LiveEdge {
    pub(super) task: TaskId,
    pub(super) resource: ResourceId,
    pub(super) kind: EdgeKind,
    pub(super) since_ns: u64,
    /// How often its operation was polled, as last told.
    pub(super) polls: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EdgeKind {
    Wait,
    Hold { exclusive: bool, transferable: bool },
    Party { role: PartyRole, exclusive: bool },
}

impl EdgeKind {
    /// r[party.exclusive.spawn]
    pub(super) fn ends_with_a_spawn(&self) -> bool {
        matches!(self, EdgeKind::Party { role, exclusive: true } if *role != PartyRole::Joined)
    }

    /// r[task.completed.waits]
    pub(super) fn ends_with_its_task(&self) -> bool {
        matches!(self, EdgeKind::Wait | EdgeKind::Party { role: PartyRole::Joined, .. })
    }
}

/// A problem that stands, by its parts.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) tasks: Vec<TaskId>,
    pub(super) resources: Vec<ResourceId>,
}

impl Standing {
    pub(super) fn of(problem: &Problem) -> Standing {
        let mut tasks: Vec<TaskId> = problem.tasks.iter().map(|task| task.id).collect();
        let mut resources: Vec<ResourceId> = problem.resources.iter().map(|resource| resource.id).collect();
        tasks.sort();
        resources.sort();
        Standing { tasks, resources }
    }
}

/// A snapshot that is being read.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) begin: SnapshotBegin,
    /// Tasks, resources, edges and problems so far.
    pub(super) counts: [u64; 4],
    /// The part that was reached.
    pub(super) part: u8,
    /// It has a `stream.coverage`.
    pub(super) coverage: bool,
    /// What was last told of the tasks that were alive before.
    pub(super) stats_before: HashMap<TaskId, TaskStats>,
}
