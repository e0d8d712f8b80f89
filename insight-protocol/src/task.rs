//! Tasks: what an executor schedules.

use crate::closed_enum::closed_enum;
use crate::open_enum::open_enum;
use crate::{LocationId, StringId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// What a task is to its executor.
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
    /// What a task does.
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
pub struct TaskSpawned {
    /// The id.
    pub id: TaskId,
    /// What it is to its executor.
    pub kind: TaskKind,
    /// Its name: given by the program, or its future's type made readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// Where it was spawned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The task that spawned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// The name of its executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<StringId>,
    /// The executor's own id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor_task_id: Option<u64>,
    /// The size of its future, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future_bytes: Option<u64>,
    /// Only its use of resources is seen: not its polls, its state, its wakers or its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// When it was spawned; for a partial task, when it was first seen.
    pub at_ns: u64,
}

open_enum!(
    /// How a task ended.
    Outcome {
        /// Its future was ready, or its closure returned.
        Returned = "returned",
        /// It panicked.
        Panicked = "panicked",
        /// Its future was dropped before it was ready: aborted, or its runtime was shut down.
        Cancelled = "cancelled",
        /// The producer no longer follows it: a partial task that uses nothing any more.
        Unseen = "unseen",
    }
);

/// A task has ended; its id is not used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskCompleted {
    /// The id.
    pub id: TaskId,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at_ns: u64,
}

/// The state of a task and its counters since it was spawned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskStats {
    /// The task.
    pub id: TaskId,
    /// What it does; absent for a partial task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskState>,
    /// Since when it does so.
    pub since_ns: u64,
    /// How often it was polled.
    pub polls: u64,
    /// How often it was woken.
    pub wakes: u64,
    /// How often it woke itself.
    pub self_wakes: u64,
    /// The task that woke it last; absent when a timer, io or a thread outside of tasks did, or nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub woken_by: Option<TaskId>,
    /// Time in state `running` that ended before `since_ns`.
    pub running_ns: u64,
    /// Time in state `scheduled` that ended before `since_ns`.
    pub scheduled_ns: u64,
    /// Time in state `idle` that ended before `since_ns`.
    pub idle_ns: u64,
    /// How many live clones of its waker are held by something that is not a resource of this stream, such as a
    /// timer or a socket. While it is not 0 such a thing may wake the task.
    #[serde(default)]
    pub foreign_wakers: u64,
    /// Since its last poll, the last live clone of its waker was dropped, and it was not woken: nothing can wake it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost_waker: bool,
    /// How long its polls took: entry `n` counts those of at least 2^n and less than 2^(n+1) nanoseconds (entry 0 from
    /// 0). Ends at the last count that is not 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub poll_ns_log2: Vec<u64>,
    /// When this was read.
    pub at_ns: u64,
}

/// Polls of one thread, one by one: at detail `polls`, beside the counters of [`TaskStats`].
///
/// In columns, in which numbers repeat: so a compressed recording has a few bytes a poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskPolls {
    /// The thread that polled: a number from 1, which no other thread of the session has.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub thread: u64,
    /// The task of each poll, in the order in which they ended.
    pub tasks: Vec<TaskId>,
    /// How long after the one before it in this message each of them ended, in nanoseconds; 0 for the first.
    pub after_ns: Vec<u64>,
    /// How long each of them ran, in nanoseconds, without what it polled of other tasks.
    pub running_ns: Vec<u64>,
    /// When the first of them ended.
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
