//! The stream itself: its header, its heartbeat, interning, snapshots and gaps.

use crate::open_enum::open_enum;
use crate::{LocationId, StringId};
use serde::{Deserialize, Serialize};

/// The first message of every stream: who speaks, in which version, and what it can observe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamHeader {
    /// The protocol version, `major.minor`.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::version())))]
    pub protocol: String,
    /// An id of this run of this process; ids of tasks, resources and edges are unique within it.
    pub session: String,
    /// The process that is observed.
    pub process: Process,
    /// The executors seen so far.
    pub executors: Vec<Executor>,
    /// What times are measured by.
    pub clock: Clock,
    /// How much is sent.
    pub detail: Detail,
    /// How often counters are sampled, in milliseconds; an edge that opens and closes in between may not be sent.
    pub interval_ms: u64,
    /// What this producer can observe; what is absent is unsupported.
    pub capabilities: Vec<Capability>,
    /// Extensions in use, as reverse-DNS names.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::reverse_dns_names())))]
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The producer's time when this stream was opened.
    pub at_ns: u64,
}

/// The process that is observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Process {
    /// The operating system's process id.
    pub pid: u32,
    /// The name of the executable file.
    pub name: String,
    /// The directory in which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
}

/// An executor that runs tasks of this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Executor {
    /// Its name, such as `tokio`.
    pub name: String,
    /// The version of its adapter's runtime, such as `1.54`.
    pub version: String,
}

/// What times are measured by: nanoseconds since the session's start, on a clock that never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Clock {
    /// The wall clock at time 0, in milliseconds since 1970-01-01T00:00:00Z.
    pub wall_anchor_unix_ms: u64,
}

open_enum!(
    /// How much a producer sends.
    Detail {
        /// Tasks, resources and edges as they change; polls are summed.
        Structure = "structure",
        /// Every poll besides.
        Polls = "polls",
    }
);

open_enum!(
    /// Something a producer can observe.
    Capability {
        /// Spawns and ends of tasks.
        Tasks = "tasks",
        /// The states of tasks, and the time spent in each.
        TaskTimes = "task.times",
        /// How many live wakers of a task belong to something that is not a resource of the stream.
        ForeignWakers = "task.foreign_wakers",
        /// Mutexes with their holder.
        Mutexes = "resource.mutex",
        /// Locks for many readers or one writer, with their holders.
        Rwlocks = "resource.rwlock",
        /// Semaphores, with who has their permits.
        Semaphores = "resource.semaphore",
        /// Channels with their parties.
        Channels = "resource.channel",
        /// Waits for the end of a task.
        Joins = "resource.join",
        /// Waits for a time to come.
        Timers = "resource.timer",
    }
);

/// Time passes, and the stream is alive. Sent after each sample, and at least once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamHeartbeat {
    /// The producer's time: every exact fact up to here has been sent, and every sampled one was looked at, then or later.
    pub at_ns: u64,
}

/// A string that later messages name by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DefineString {
    /// The id.
    pub id: StringId,
    /// The string.
    pub text: String,
}

/// A source location that later messages name by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DefineLocation {
    /// The id.
    pub id: LocationId,
    /// The file, as the compiler names it: relative to the workspace, or absolute.
    pub file: String,
    /// The line, from 1.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub line: u32,
    /// The column, from 1.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub column: u32,
    /// The text of the line, where the producer looked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceLine>,
}

/// What the producer found when it looked for the text of a source line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceLine {
    /// Whether the line was found.
    pub status: SourceStatus,
    /// The text of the line, without the line's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

open_enum!(
    /// Whether the text of a source line was found.
    SourceStatus {
        /// The file is as old as the program, and has the line.
        Found = "found",
        /// The file has changed since the program was built: the text may be another line's.
        Changed = "changed",
        /// There is no such file where the producer looked, or it has no such line.
        Missing = "missing",
    }
);

/// A snapshot begins: nothing that was sent before is referenced after. Everything alive follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SnapshotBegin {
    /// The producer's time of which this is the picture.
    pub at_ns: u64,
    /// How many tasks follow.
    pub tasks: u64,
    /// How many resources follow.
    pub resources: u64,
    /// How many edges follow.
    pub edges: u64,
    /// How many problems follow.
    pub problems: u64,
}

/// The snapshot is complete; what follows is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SnapshotEnd {
    /// The same time as in its `snapshot.begin`.
    pub at_ns: u64,
}

/// Something was not sent. What was sent stays true; it is incomplete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gap {
    /// How many facts are missing.
    pub count: u64,
    /// Of which types, such as `task.spawned`; empty when unknown.
    pub kinds: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// The producer's time.
    pub at_ns: u64,
}
