//! The awaits of tasks, and the tasks that each of them represents.

use crate::location::Location;
use insight_protocol::{EdgeId, FrameKind, LocationId, Operation, TaskId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The awaits of a task at its last poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaits {
    /// The task.
    pub task: TaskId,
    /// Number of polls of the task until then.
    pub polls: u64,
    /// One leaf for each await, in the order of the polls.
    pub leaves: Vec<Leaf>,
    /// The spans of the program's tracing, the outermost first.
    pub spans: Vec<Arc<str>>,
    /// Number of further awaits.
    pub more: u64,
    /// The leaves are all awaits that kept a waker of the task.
    pub complete: bool,
    /// The time of the poll.
    pub at_ns: u64,
    pub(crate) group: Option<Group>,
}

/// One await.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The wait of the task, if it is in the stream.
    pub edge: Option<EdgeId>,
    /// The awaited function.
    pub function: Option<Arc<str>>,
    /// The functions on the stack, the innermost first.
    pub frames: Vec<Frame>,
    /// Frames are missing at the outer end.
    pub cut: bool,
}

/// One function on the stack of an await.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its name.
    pub function: Option<Arc<str>>,
    /// Its line in the source.
    pub location: Option<Arc<Location>>,
    /// The owner of its code.
    pub kind: FrameKind,
}

impl Leaf {
    /// The innermost frame of the program's own code.
    pub fn own(&self) -> Option<&Frame> {
        self.frames.iter().find(|frame| frame.kind == FrameKind::Own)
    }

    /// The line to show first: the innermost frame of the program's own code, or else the outermost frame of a library.
    pub fn line(&self) -> Option<&Frame> {
        self.own().or_else(|| self.frames.iter().rfind(|frame| frame.kind == FrameKind::Dependency))
    }
}

/// The property that tasks share if one of them represents the others: their spawn location, their future and their waits. Nothing is
/// known about a task without a wait, so no other task represents it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) spawned_at: LocationId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) future_bytes: Option<u64>,
    pub(crate) waits: Vec<(LocationId, Operation)>,
}

/// The awaits of all tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AwaitsOfTasks {
    by_task: BTreeMap<TaskId, Arc<Awaits>>,
    groups: HashMap<Group, BTreeSet<TaskId>>,
}

impl AwaitsOfTasks {
    pub(crate) fn values(&self) -> impl Iterator<Item = &Awaits> {
        self.by_task.values().map(|awaits| &**awaits)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_task.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_task.is_empty()
    }

    pub(crate) fn of(&self, task: TaskId) -> Option<&Awaits> {
        self.by_task.get(&task).map(|awaits| &**awaits)
    }

    /// The awaits of the task that represents the group: the one with the lowest ID.
    pub(crate) fn of_group(&self, group: &Group) -> Option<&Awaits> {
        self.of(*self.groups.get(group)?.first()?)
    }

    pub(crate) fn insert(&mut self, awaits: Awaits) {
        self.remove(awaits.task);
        if let Some(group) = &awaits.group {
            self.groups.entry(group.clone()).or_default().insert(awaits.task);
        }
        self.by_task.insert(awaits.task, Arc::new(awaits));
    }

    pub(crate) fn remove(&mut self, task: TaskId) {
        let Some(group) = self.by_task.remove(&task).and_then(|awaits| awaits.group.clone()) else { return };
        if let Some(tasks) = self.groups.get_mut(&group) {
            tasks.remove(&task);
            if tasks.is_empty() {
                self.groups.remove(&group);
            }
        }
    }
}
