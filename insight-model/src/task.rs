use crate::location::Location;
use crate::maybe::Maybe;
use crate::stats::Stats;
use insight_protocol::{Outcome, TaskId, TaskKind, TaskState, TaskStats};
use insight_table::EdgeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A task.
///
/// A program may have a million, so it is small. Tasks that were spawned at one place share an [`Origin`].
#[derive(Clone, PartialEq)]
pub struct Task {
    /// The id.
    pub id: TaskId,
    /// The time of its spawn, or of its first observation.
    pub spawned_ns: u64,
    /// Its open edges.
    pub edges: EdgeSet,
    /// The properties that it shares with all tasks of its spawn location.
    pub origin: Arc<Origin>,
    pub(crate) parent: Maybe,
    pub(crate) executor_task_id: Maybe,
    pub(crate) stats: Option<Stats>,
    /// Boxed, since few tasks of a model have ended.
    pub(crate) outcome: Option<Box<Outcome>>,
}

/// The properties that all tasks of one spawn location share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Their kind.
    pub kind: TaskKind,
    /// Their name.
    pub name: Option<Arc<str>>,
    /// Their spawn location.
    pub location: Option<Arc<Location>>,
    /// The name of their executor.
    pub executor: Option<Arc<str>>,
    /// The size of their future, in bytes.
    pub future_bytes: Option<u64>,
    /// Only their use of resources is observed: they are library tasks.
    pub partial: bool,
}

/// Time spent in each state, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Running.
    pub running_ns: u64,
    /// Scheduled.
    pub scheduled_ns: u64,
    /// Waiting.
    pub idle_ns: u64,
}

impl Task {
    /// Its present state; `None` if it is not observed.
    pub fn state(&self) -> Option<TaskState> {
        if self.outcome.is_some() { Some(TaskState::Completed) } else { self.stats.as_ref()?.state }
    }

    /// The begin of its present state, in nanoseconds.
    pub fn since_ns(&self) -> u64 {
        self.stats.as_ref().map_or(self.spawned_ns, |stats| stats.since_ns)
    }

    /// The time in each state until `now_ns`, including the present one; `None` if it is not observed.
    pub fn times(&self, now_ns: u64) -> Option<Times> {
        let stats = self.stats.as_ref()?.unpacked(self.id, false);
        let mut times =
            Times { running_ns: stats.running_ns, scheduled_ns: stats.scheduled_ns, idle_ns: stats.idle_ns };
        let present = now_ns.saturating_sub(stats.since_ns);
        match stats.state? {
            TaskState::Running => times.running_ns += present,
            TaskState::Scheduled => times.scheduled_ns += present,
            TaskState::Idle => times.idle_ns += present,
            TaskState::Completed => {}
        }
        Some(times)
    }

    /// The task that spawned it.
    pub fn parent(&self) -> Option<TaskId> {
        self.parent.number().map(TaskId)
    }

    /// The executor's own id of it.
    pub fn executor_task_id(&self) -> Option<u64> {
        self.executor_task_id.number()
    }

    /// Its outcome. Only an ended task that still has an edge is in the model.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_deref()
    }

    /// Its state and counters, as last sent.
    pub fn stats(&self) -> Option<TaskStats> {
        self.stats.as_ref().map(|stats| stats.unpacked(self.id, true))
    }

    /// As [`stats`](Task::stats), but with an empty histogram, so nothing is allocated.
    pub fn counters(&self) -> Option<TaskStats> {
        self.stats.as_ref().map(|stats| stats.unpacked(self.id, false))
    }

    /// Number of its polls.
    pub fn polls(&self) -> Option<u64> {
        self.stats.as_ref().map(Stats::polls)
    }

    /// Its packed counters, for a pass over all tasks.
    pub(crate) fn packed(&self) -> Option<&Stats> {
        self.stats.as_ref()
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .field("parent", &self.parent())
            .field("executor_task_id", &self.executor_task_id())
            .field("spawned_ns", &self.spawned_ns)
            .field("outcome", &self.outcome())
            .field("stats", &self.stats())
            .field("edges", &self.edges)
            .finish()
    }
}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal locations have equal ids.
        (&self.name, self.location.as_ref().map(|location| location.id), self.future_bytes).hash(state);
    }
}
