//! Tasks: the units that an executor schedules.

use crate::closed_enum::closed_enum;
use crate::open_enum::open_enum;
use crate::{LocationId, StringId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// The kind of a task.
    TaskKind {
        /// A future that was spawned, and may move between threads.
        Task = "task",
        /// A future that stays on one thread.
        Local = "local",
        /// A closure on a thread of its own, which may block.
        Blocking = "blocking",
        /// A future that a thread runs to its end, such as an async `main`.
        BlockOn = "block_on",
    }
);

closed_enum!(
    /// The state of a task.
    TaskState {
        /// It is being polled, or its closure runs.
        Running = "running",
        /// It was woken and waits for a thread.
        Scheduled = "scheduled",
        /// It waits for something.
        Idle = "idle",
        /// It has ended.
        Completed = "completed",
    }
);

/// A task exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskSpawned {
    /// The id.
    pub id: TaskId,
    /// Its kind.
    pub kind: TaskKind,
    /// Its name: given by the program, or its future's type made readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// The location of its spawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The task that spawned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// The name of its executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<StringId>,
    /// The executor's own id of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor_task_id: Option<u64>,
    /// The size of its future, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future_bytes: Option<u64>,
    /// It is a library task: only its use of resources is observed, not its polls, its state, its wakers or its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The time of its spawn; for a library task, the time when it was first observed.
    pub at_ns: u64,
}

open_enum!(
    /// The way in which a task ended.
    Outcome {
        /// Its future was ready, or its closure returned.
        Returned = "returned",
        /// It panicked.
        Panicked = "panicked",
        /// Its future was dropped before it was ready: aborted, or its runtime was shut down.
        Cancelled = "cancelled",
        /// The producer no longer follows it: a library task that uses no resource any more.
        Unseen = "unseen",
    }
);

/// A task has ended; its id is not used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskCompleted {
    /// The id.
    pub id: TaskId,
    /// The way in which it ended.
    pub outcome: Outcome,
    /// The message of its panic, of at most 1,024 characters; absent unless the program's user has asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::at_most_characters(MAX_PANIC))))]
    pub panic: Option<String>,
    /// The time of the fact.
    pub at_ns: u64,
}

impl TaskCompleted {
    /// Makes one.
    pub fn new(id: TaskId, outcome: Outcome, at_ns: u64) -> TaskCompleted {
        TaskCompleted { id, outcome, panic: None, at_ns }
    }
}

/// Maximum length of the message of a panic, in characters. A longer one is cut, and ends with `…`.
pub const MAX_PANIC: usize = 1024;

/// Number of the last tasks that a snapshot has in each of two groups: the tasks that panicked or were cancelled, and the other
/// ended tasks.
pub const MAX_ENDED: usize = 100;

/// A task that has ended before the snapshot that contains this message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskEnded {
    /// Its id.
    pub id: TaskId,
    /// Its kind.
    pub kind: TaskKind,
    /// Its name, as in its `task.spawned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// The location of its spawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The task that spawned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// The name of its executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<StringId>,
    /// The executor's own id of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor_task_id: Option<u64>,
    /// The size of its future, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future_bytes: Option<u64>,
    /// It was a library task.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The time of its spawn; for a library task, the time when it was first observed.
    pub spawned_ns: u64,
    /// The way in which it ended.
    pub outcome: Outcome,
    /// The message of its panic, as in its `task.completed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::at_most_characters(MAX_PANIC))))]
    pub panic: Option<String>,
    /// The time of its end.
    pub at_ns: u64,
}

impl TaskEnded {
    /// Makes one, with the kind `task`.
    pub fn new(id: TaskId, outcome: Outcome, spawned_ns: u64, at_ns: u64) -> TaskEnded {
        TaskEnded {
            id,
            kind: TaskKind::Task,
            name: None,
            location: None,
            parent: None,
            executor: None,
            executor_task_id: None,
            future_bytes: None,
            partial: false,
            spawned_ns,
            outcome,
            panic: None,
            at_ns,
        }
    }
}

impl Outcome {
    /// Whether a task with this outcome did not do all its work: it panicked or was cancelled.
    pub fn is_failure(&self) -> bool {
        matches!(self, Outcome::Panicked | Outcome::Cancelled)
    }
}

/// The name of a task was learned after its spawn: its own function was seen on its stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskUpdated {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: StringId,
    /// The time at which the name was learned.
    pub at_ns: u64,
}

/// The state of a task and its counters since it was spawned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskStats {
    /// The task.
    pub id: TaskId,
    /// Its state; absent for a library task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskState>,
    /// The time at which this state began.
    pub since_ns: u64,
    /// Number of polls.
    pub polls: u64,
    /// Number of wakes.
    pub wakes: u64,
    /// Number of wakes that it did itself.
    pub self_wakes: u64,
    /// The task that woke it last; absent if a timer, io or a thread outside of tasks did, or if nothing has woken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub woken_by: Option<TaskId>,
    /// Time in state `running` that ended before `since_ns`.
    pub running_ns: u64,
    /// Time in state `scheduled` that ended before `since_ns`.
    pub scheduled_ns: u64,
    /// Time in state `idle` that ended before `since_ns`.
    pub idle_ns: u64,
    /// Number of its foreign wakers: live clones of its waker that no resource of this stream has, such as the clone in
    /// a socket. While it is not 0, the holder of a clone may wake the task.
    #[serde(default)]
    pub foreign_wakers: u64,
    /// Since its last poll, the last live clone of its waker was dropped, and it was not woken: nothing can wake it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost_waker: bool,
    /// Entry `n` is the number of polls that took at least 2^n and less than 2^(n+1) nanoseconds (entry 0 from 0). The
    /// array ends at the last number that is not 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub poll_ns_log2: Vec<u64>,
    /// The time at which these values were read.
    pub at_ns: u64,
}

/// Polls of one thread, one by one: at detail `polls`, in addition to the counters of [`TaskStats`].
///
/// In columns, in which numbers repeat: so a compressed recording has a few bytes a poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskPolls {
    /// The thread that polled: a number from 1, unique in the session.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub thread: u64,
    /// The task of each poll, in the order in which the polls ended.
    pub tasks: Vec<TaskId>,
    /// The time from the end of the previous poll in this message to the end of this poll, in nanoseconds; 0 for the
    /// first.
    pub after_ns: Vec<u64>,
    /// The duration of each poll, in nanoseconds, without the polls of other tasks inside it.
    pub running_ns: Vec<u64>,
    /// The time at which the first of these polls ended.
    pub at_ns: u64,
}

impl Default for TaskSpawned {
    fn default() -> TaskSpawned {
        TaskSpawned {
            id: TaskId(0),
            kind: TaskKind::Task,
            name: None,
            location: None,
            parent: None,
            executor: None,
            executor_task_id: None,
            future_bytes: None,
            partial: false,
            at_ns: 0,
        }
    }
}
