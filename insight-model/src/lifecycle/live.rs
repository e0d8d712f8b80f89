//! The live parts of a program, as the checker remembers them.

use insight_protocol::*;
use std::collections::{HashMap, HashSet};

#[derive(Debug)]
pub(super) struct LiveTask {
    pub(super) partial: bool,
    pub(super) stats: Option<TaskStats>,
    /// The sample of `stats`.
    pub(super) sample: u64,
    /// Number of its polls in `task.polls` messages.
    pub(super) listed_polls: u64,
    /// It has ended, but still has open edges.
    pub(super) completed: bool,
    /// Other code can cancel it.
    pub(super) cancelled_by_others: bool,
    pub(super) edges: u64,
    /// Number of its open edges that end when it spawns a task.
    pub(super) exclusive_parties: u64,
    /// Number of its open edges that end with it.
    pub(super) ending_edges: u64,
}

#[derive(Debug, Default)]
pub(super) struct LiveResource {
    pub(super) edges: HashSet<EdgeId>,
    /// Number of open holds.
    pub(super) holds: u64,
    pub(super) exclusive_holds: u64,
}

#[derive(Debug)]
pub(super) struct LiveEdge {
    pub(super) task: TaskId,
    pub(super) resource: ResourceId,
    pub(super) kind: EdgeKind,
    pub(super) since_ns: u64,
    /// Number of polls of its operation, as last sent.
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

/// The parts of an open problem.
#[derive(Debug)]
pub(super) struct OpenProblem {
    pub(super) tasks: Vec<TaskId>,
    pub(super) resources: Vec<ResourceId>,
}

impl OpenProblem {
    pub(super) fn of(problem: &Problem) -> OpenProblem {
        let mut tasks: Vec<TaskId> = problem.tasks.iter().map(|task| task.id).collect();
        let mut resources: Vec<ResourceId> = problem.resources.iter().map(|resource| resource.id).collect();
        tasks.sort();
        resources.sort();
        OpenProblem { tasks, resources }
    }
}

/// A snapshot that has begun and not ended.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) begin: SnapshotBegin,
    /// Number of tasks, resources, edges and problems so far.
    pub(super) counts: [u64; 4],
    /// The last part that has begun.
    pub(super) part: u8,
    /// It has a `stream.coverage`.
    pub(super) coverage: bool,
    /// The last stats of the tasks that were alive before the snapshot.
    pub(super) stats_before: HashMap<TaskId, TaskStats>,
    /// The tasks of its `task.ended`.
    pub(super) ended: HashSet<TaskId>,
    /// Number of these tasks that panicked or were cancelled, and of the others.
    pub(super) groups: [usize; 2],
}
