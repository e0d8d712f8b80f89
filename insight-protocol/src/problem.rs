//! Problems: self-contained diagnoses. A client can show one without other messages.

use crate::closed_enum::closed_enum;
use crate::open_enum::open_enum;
use crate::{FrameKind, Operation, ProblemId, ResourceId, ResourceKind, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// The kind of a problem.
    ProblemKind {
        /// Tasks that wait for each other, or one for itself, and cannot make progress.
        Deadlock = "deadlock",
        /// A task waits for a lock or permits that it holds itself.
        SelfDeadlock = "self_deadlock",
        /// Tasks that wait for each other through channels alone.
        ChannelCycle = "channel_cycle",
        /// A task holds a lock and waits for the end of a task that needs it.
        LockAcrossJoin = "lock_across_join",
        /// A reader waits behind a writer. The writer waits for a read lock of the reader, or of a task that needs the
        /// reader.
        ReadBehindWriter = "read_behind_writer",
        /// A task waits behind an operation that it has begun and no longer polls.
        Futurelock = "futurelock",
        /// A channel is full, and the receiving task waits for the sending task.
        ChannelFull = "channel_full",
        /// Only a forgotten handle or guard could unblock the waiting task.
        ForgottenParty = "forgotten_party",
        /// A task waits, and nothing is left that could wake it.
        LostWakeup = "lost_wakeup",
        /// A task made progress only because a capture polled it.
        ReleasedByCapture = "released_by_capture",
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
        /// The number of tasks that were spawned at one place grows and grows.
        TaskLeak = "task_leak",
        /// A lock or permit is held, and others wait for it.
        LockHeldLong = "lock_held_long",
        /// The tasks that are spawned at one place have a large future.
        LargeFuture = "large_future",
    }
);

closed_enum!(
    /// The certainty of a problem.
    Tier {
        /// Every fact was observed, and nothing outside of the problem can resolve it.
        Proven = "proven",
        /// Something unknown is involved, or other code could resolve the problem; its title names the first such thing.
        Suspected = "suspected",
    }
);

closed_enum!(
    /// The effect of a problem. It does not depend on the tier.
    Severity {
        /// A task cannot continue, according to all known facts.
        Hang = "hang",
        /// The program continues, but work is held up or lost.
        Degraded = "degraded",
        /// Worth knowing.
        Notice = "notice",
    }
);

/// A diagnosis with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Problem {
    /// The id, the same while the problem is open.
    pub id: ProblemId,
    /// Its kind.
    pub kind: ProblemKind,
    /// Its certainty.
    pub tier: Tier,
    /// Its effect.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// The tasks of the problem, and no others.
    pub tasks: Vec<ProblemTask>,
    /// The resources of the problem, and no others.
    pub resources: Vec<ProblemResource>,
    /// The edges that cause the problem.
    pub edges: Vec<ProblemEdge>,
    /// The unknown facts; empty for a proven problem.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknowns: Vec<String>,
    /// The ways in which code outside of these tasks could resolve the problem, such as "other code adds permits to semaphore
    /// `pool`"; empty for a proven problem. Each continues a sentence after the word "unless".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// The chain of causes, one sentence in each entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<String>,
    /// A way to fix the problem, in a sentence or two.
    pub advice: String,
    /// The page about this kind: a path on the server, such as `/docs/deadlock`.
    pub docs: String,
    /// The time from which all its facts have been true.
    pub since_ns: u64,
}

impl Problem {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: ProblemId, kind: ProblemKind, tier: Tier, severity: Severity) -> Problem {
        Problem {
            id,
            kind,
            tier,
            severity,
            title: String::new(),
            tasks: Vec::new(),
            resources: Vec::new(),
            edges: Vec::new(),
            unknowns: Vec::new(),
            unless: Vec::new(),
            explanation: Vec::new(),
            advice: String::new(),
            docs: String::new(),
            since_ns: 0,
        }
    }
}

/// A task of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemTask {
    /// The id.
    pub id: TaskId,
    /// Its name.
    pub name: Option<String>,
    /// The location of its spawn.
    pub location: Option<SourceLocation>,
    /// Its known awaits that belong to none of its waits: of futures that are not instrumented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaits: Vec<ProblemAwait>,
}

impl ProblemTask {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: TaskId) -> ProblemTask {
        ProblemTask { id, name: None, location: None, awaits: Vec::new() }
    }
}

/// The await at which a task of a problem waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemAwait {
    /// The line to show first: the program's own, or else the nearest line of a library.
    pub line: Option<SourceLocation>,
    /// The awaited function, such as `tokio::net::TcpStream::read`: the function that the program's own line called.
    pub function: Option<String>,
    /// The functions on the stack, from the awaited function out to the task's own function. Functions of the runtime and of
    /// the standard library are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<ProblemFrame>,
    /// Frames are missing at the outer end of the stack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The task whose await this is, if it represents the task of the problem: it has the same spawn location and equal waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_in: Option<TaskId>,
}

/// One function on the stack of an await.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemFrame {
    /// Its name, shortened for people.
    pub function: Option<String>,
    /// Its line in the source.
    pub location: Option<SourceLocation>,
    /// The owner of its code.
    pub kind: FrameKind,
}

impl ProblemEdge {
    /// The line of the library in which a wait waits, if that is not the line to show first.
    pub fn library_line(&self) -> Option<&SourceLocation> {
        let awaited = self.awaited.as_ref()?;
        let within = awaited.frames.iter().take_while(|frame| frame.kind != FrameKind::Own);
        let mut lines = within.filter(|frame| frame.kind == FrameKind::Dependency).map(|frame| frame.location.as_ref());
        let is_other = |other: &&SourceLocation| {
            awaited.line.as_ref().is_none_or(|first| (&first.file, first.line) != (&other.file, other.line))
        };
        match &self.location {
            Some(location) => Some(location).filter(is_other),
            None => lines.next()?.filter(is_other),
        }
    }
}

impl ProblemFrame {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(kind: FrameKind) -> ProblemFrame {
        ProblemFrame { function: None, location: None, kind }
    }
}

/// A resource of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemResource {
    /// The id.
    pub id: ResourceId,
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: Option<String>,
    /// The location of its creation.
    pub location: Option<SourceLocation>,
}

impl ProblemResource {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: ResourceId, kind: ResourceKind) -> ProblemResource {
        ProblemResource { id, kind, name: None, location: None }
    }
}

/// An edge of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemEdge {
    /// `wait`, `hold` or `party`.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::open_enum(&["wait", "hold", "party"]))))]
    pub kind: String,
    /// The task.
    pub task: TaskId,
    /// The resource.
    pub resource: ResourceId,
    /// The operation of a waiting task.
    pub operation: Option<Operation>,
    /// For a wait, its reason in words; for a hold its mode, for a party its role.
    pub reason: String,
    /// The location of the wait, or where the hold was acquired. It may be in a library.
    pub location: Option<SourceLocation>,
    /// The await of a wait, if it is known. Its `line` comes before `location`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<ProblemAwait>,
    /// The time at which it began.
    pub since_ns: u64,
}

impl ProblemEdge {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(kind: impl Into<String>, task: TaskId, resource: ResourceId, since_ns: u64) -> ProblemEdge {
        ProblemEdge {
            kind: kind.into(),
            task,
            resource,
            operation: None,
            reason: String::new(),
            location: None,
            awaited: None,
            since_ns,
        }
    }
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
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

impl SourceLocation {
    /// Makes one.
    pub fn new(file: impl Into<String>, line: u32, column: u32) -> SourceLocation {
        SourceLocation { file: file.into(), line, column }
    }
}

impl std::fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The reply to `/v1/problems`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Problems {
    /// The open problems: the most severe first, and in each severity the proven ones first.
    pub problems: Vec<Problem>,
    /// Time since the diagnosis that found them, in nanoseconds. Absent if it was made for this reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ns: Option<u64>,
}

/// A problem was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemRaised {
    /// The problem.
    pub problem: Problem,
    /// The time of the fact.
    pub at_ns: u64,
}

impl ProblemRaised {
    /// Makes one.
    pub fn new(problem: Problem, at_ns: u64) -> ProblemRaised {
        ProblemRaised { problem, at_ns }
    }
}

/// A problem is still open, and its evidence has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemUpdated {
    /// The problem as it is now.
    pub problem: Problem,
    /// The time of the fact.
    pub at_ns: u64,
}

impl ProblemUpdated {
    /// Makes one.
    pub fn new(problem: Problem, at_ns: u64) -> ProblemUpdated {
        ProblemUpdated { problem, at_ns }
    }
}

/// A problem is resolved; its id is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProblemCleared {
    /// The problem.
    pub id: ProblemId,
    /// The time of the fact.
    pub at_ns: u64,
}

impl ProblemCleared {
    /// Makes one.
    pub fn new(id: ProblemId, at_ns: u64) -> ProblemCleared {
        ProblemCleared { id, at_ns }
    }
}
