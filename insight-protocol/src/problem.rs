//! Problems: diagnoses, self-contained so that a client shows one without looking anything up.

use crate::closed_enum::closed_enum;
use crate::open_enum::open_enum;
use crate::{Operation, ProblemId, ResourceId, ResourceKind, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// What is wrong.
    ProblemKind {
        /// Tasks that wait for each other, or one for itself, and cannot go on.
        Deadlock = "deadlock",
        /// A task waits for a lock or permits that it holds itself.
        SelfDeadlock = "self_deadlock",
        /// Tasks that wait for each other through channels alone.
        ChannelCycle = "channel_cycle",
        /// A task holds a lock and waits for the end of a task that needs it.
        LockAcrossJoin = "lock_across_join",
        /// A reader waits behind a writer that waits for a lock for reading which the reader, or who needs it, holds.
        ReadBehindWriter = "read_behind_writer",
        /// A task waits behind an operation that it has begun and does not poll any more.
        Futurelock = "futurelock",
        /// A channel is full, and who receives from it waits for who sends.
        ChannelFull = "channel_full",
        /// What is waited for could come only by a handle or a guard that was forgotten.
        ForgottenParty = "forgotten_party",
        /// A task waits, and nothing is left that could wake it.
        LostWakeup = "lost_wakeup",
        /// A poll lasts, and tasks of the same executor wait for a thread.
        WorkerBlocked = "worker_blocked",
        /// A poll blocks its thread until a future is ready, and tasks of the same executor wait for a thread.
        RuntimeBlocked = "runtime_blocked",
        /// A closure waits for a thread of its own, and none becomes free.
        BlockingPoolExhausted = "blocking_pool_exhausted",
        /// A task runs nearly all the time, in long polls, and others wait for a thread.
        NeverYields = "never_yields",
        /// A task is polled again and again, because it wakes itself.
        Spins = "spins",
        /// A task is woken far more often than it is polled.
        WakerStorm = "waker_storm",
        /// Tasks that are spawned at one place become more and more.
        TaskLeak = "task_leak",
        /// A lock or permit is held, and others wait for it.
        LockHeldLong = "lock_held_long",
        /// What is spawned at one place has a large future.
        LargeFuture = "large_future",
    }
);

closed_enum!(
    /// How sure a diagnosis is.
    Tier {
        /// Every fact was observed.
        Proven = "proven",
        /// Something unknown is involved; the problem's title names it.
        Suspected = "suspected",
    }
);

/// A diagnosis with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The id, stable while the problem lasts.
    pub id: ProblemId,
    /// What is wrong.
    pub kind: ProblemKind,
    /// How sure that is.
    pub tier: Tier,
    /// One line.
    pub title: String,
    /// The tasks of which the problem consists, and no others.
    pub tasks: Vec<ProblemTask>,
    /// The resources of which the problem consists, and no others.
    pub resources: Vec<ProblemResource>,
    /// The edges that make it.
    pub edges: Vec<ProblemEdge>,
    /// What is not known; empty for a proven problem.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknowns: Vec<String>,
    /// The chain in words, one sentence an entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<String>,
    /// What to do, in a sentence or two.
    pub advice: String,
    /// Where to read more: a path on the server, such as `/docs/deadlock`.
    pub docs: String,
    /// Since when its facts have stood.
    pub since_ns: u64,
}

/// A task of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemTask {
    /// The id.
    pub id: TaskId,
    /// Its name.
    pub name: Option<String>,
    /// Where it was spawned.
    pub location: Option<SourceLocation>,
}

/// A resource of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemResource {
    /// The id.
    pub id: ResourceId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name.
    pub name: Option<String>,
    /// Where it was created.
    pub location: Option<SourceLocation>,
}

/// An edge of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemEdge {
    /// `wait`, `hold` or `party`.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::open_enum(&["wait", "hold", "party"]))))]
    pub kind: String,
    /// The task.
    pub task: TaskId,
    /// The resource.
    pub resource: ResourceId,
    /// What a waiting task is doing.
    pub operation: Option<Operation>,
    /// Why it waits, in words; for a hold its mode, for a party its role.
    pub reason: String,
    /// Where it waits, or acquired what it holds.
    pub location: Option<SourceLocation>,
    /// Since when.
    pub since_ns: u64,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceLocation {
    /// The file, as the compiler names it.
    pub file: String,
    /// The line, from 1.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub line: u32,
    /// The column, from 1.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub column: u32,
}

impl std::fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The reply to `/v1/problems`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problems {
    /// The problems that stand, the proven ones first.
    pub problems: Vec<Problem>,
}

/// A problem was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemRaised {
    /// The problem.
    pub problem: Problem,
    /// When.
    pub at_ns: u64,
}

/// A problem stands, and its evidence has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemUpdated {
    /// The problem as it is now.
    pub problem: Problem,
    /// When.
    pub at_ns: u64,
}

/// A problem no longer stands; its id is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemCleared {
    /// The problem.
    pub id: ProblemId,
    /// When.
    pub at_ns: u64,
}
