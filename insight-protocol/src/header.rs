//! The stream itself: its header, its heartbeat, interning, snapshots and gaps.

use crate::open_enum::open_enum;
use crate::{LocationId, StringId};
use serde::{Deserialize, Serialize};

/// The first message of every stream: identifies the producer and the version, and lists the facts that it can observe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
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
    /// The clock of all times in the stream.
    pub clock: Clock,
    /// The level of detail.
    pub detail: Detail,
    /// The shortest time between two samples, in milliseconds. An edge that opens and closes in between may not be
    /// sent.
    pub interval_ms: u64,
    /// The facts that this producer can observe. Facts of an absent capability are unknown.
    pub capabilities: Vec<Capability>,
    /// Extensions in use, as reverse-DNS names.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::reverse_dns_names())))]
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The producer's time when this stream was opened.
    pub at_ns: u64,
}

impl StreamHeader {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(session: impl Into<String>, process: Process) -> StreamHeader {
        StreamHeader {
            protocol: crate::PROTOCOL_VERSION.to_owned(),
            session: session.into(),
            process,
            executors: Vec::new(),
            clock: Clock::new(0),
            detail: Detail::Structure,
            interval_ms: 0,
            capabilities: Vec::new(),
            extensions: Vec::new(),
            at_ns: 0,
        }
    }
}

/// The process that is observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Process {
    /// The operating system's process id.
    pub pid: u32,
    /// The name of the executable file.
    pub name: String,
    /// The directory in which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
}

impl Process {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(pid: u32, name: impl Into<String>) -> Process {
        Process { pid, name: name.into(), working_directory: None }
    }
}

/// An executor that runs tasks of this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Executor {
    /// Its name, such as `tokio`.
    pub name: String,
    /// The version of its adapter's runtime, such as `1.54`.
    pub version: String,
}

impl Executor {
    /// Makes one.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Executor {
        Executor { name: name.into(), version: version.into() }
    }
}

/// The clock of all times in the stream: nanoseconds since the start of the session. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Clock {
    /// The wall clock at time 0, in milliseconds since 1970-01-01T00:00:00Z.
    pub wall_anchor_unix_ms: u64,
}

impl Clock {
    /// Makes one.
    pub fn new(wall_anchor_unix_ms: u64) -> Clock {
        Clock { wall_anchor_unix_ms }
    }
}

open_enum!(
    /// The level of detail of a stream.
    Detail {
        /// Tasks, resources and edges as they change; polls are summed.
        Structure = "structure",
        /// The same, and every poll.
        Polls = "polls",
        /// The same, and every operation and hold.
        Operations = "operations",
    }
);

open_enum!(
    /// A group of facts that a producer can observe.
    Capability {
        /// Spawns and ends of tasks.
        Tasks = "tasks",
        /// The states of tasks, and the time spent in each.
        TaskTimes = "task.times",
        /// The number of foreign wakers of each task.
        ForeignWakers = "task.foreign_wakers",
        /// Mutexes with their holder.
        Mutexes = "resource.mutex",
        /// Locks for many readers or one writer, with their holders.
        Rwlocks = "resource.rwlock",
        /// Semaphores, with the holders of their permits.
        Semaphores = "resource.semaphore",
        /// Channels with their parties.
        Channels = "resource.channel",
        /// Waits for the end of a task.
        Joins = "resource.join",
        /// Waits for a timer.
        Timers = "resource.timer",
        /// At detail `operations`, each operation on the resources of the other capabilities, and each hold.
        Operations = "operations",
    }
);

/// Time passes, and the stream is alive. Sent after each sample, and at least once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct StreamHeartbeat {
    /// The producer's time: every exact fact up to it has been sent, and every sampled fact was read at that time or
    /// later.
    pub at_ns: u64,
}

impl StreamHeartbeat {
    /// Makes one.
    pub fn new(at_ns: u64) -> StreamHeartbeat {
        StreamHeartbeat { at_ns }
    }
}

/// A string that later messages name by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DefineString {
    /// The id.
    pub id: StringId,
    /// The string.
    pub text: String,
}

impl DefineString {
    /// Makes one.
    pub fn new(id: StringId, text: impl Into<String>) -> DefineString {
        DefineString { id, text: text.into() }
    }
}

/// Strings that nothing alive uses, and that no later message names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DefineDropped {
    /// Their ids.
    pub strings: Vec<StringId>,
}

impl DefineDropped {
    /// Makes one.
    pub fn new(strings: Vec<StringId>) -> DefineDropped {
        DefineDropped { strings }
    }
}

/// A source location that later messages name by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
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
    /// The result of the producer's search for the line; absent when it did not search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceLine>,
}

impl DefineLocation {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: LocationId, file: impl Into<String>, line: u32, column: u32) -> DefineLocation {
        DefineLocation { id, file: file.into(), line, column, source: None }
    }
}

/// The result of the producer's search for the text of a source line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SourceLine {
    /// Whether the line was found.
    pub status: SourceStatus,
    /// The text of the line, without its line break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl SourceLine {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(status: SourceStatus) -> SourceLine {
        SourceLine { status, text: None }
    }
}

open_enum!(
    /// Whether the text of a source line was found.
    SourceStatus {
        /// The file is not newer than the program, and has the line.
        Found = "found",
        /// The file has changed since the program was built: the text may be another line's.
        Changed = "changed",
        /// The producer found no such file, or the file has no such line.
        Missing = "missing",
    }
);

/// A snapshot begins: later messages refer to nothing that was sent before. Everything alive follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SnapshotBegin {
    /// The producer's time that the snapshot describes.
    pub at_ns: u64,
    /// Number of tasks that follow.
    pub tasks: u64,
    /// Number of resources that follow.
    pub resources: u64,
    /// Number of edges that follow.
    pub edges: u64,
    /// Number of problems that follow.
    pub problems: u64,
}

/// The snapshot is complete. The following messages are live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SnapshotEnd {
    /// The same time as in its `snapshot.begin`.
    pub at_ns: u64,
}

impl SnapshotEnd {
    /// Makes one.
    pub fn new(at_ns: u64) -> SnapshotEnd {
        SnapshotEnd { at_ns }
    }
}

/// Some facts were not sent. The facts that were sent stay true, but they are incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Gap {
    /// Number of missing facts.
    pub count: u64,
    /// The types of the missing messages, such as `task.spawned`; empty when unknown.
    pub kinds: Vec<String>,
    /// The reason in words.
    pub reason: String,
    /// The number of living tasks that are not in the stream for this reason, where facts were left out for lack of room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
    /// The facts are missing in the snapshot before, and are all that were left out since recording began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub standing: bool,
    /// The producer's time.
    pub at_ns: u64,
}
