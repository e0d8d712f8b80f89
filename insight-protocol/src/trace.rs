//! The awaits at which one task waits, with their lines: the reply to `/v1/tasks/{id}/trace`.

use crate::open_enum::open_enum;
use crate::{SourceLine, SourceLocation, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// The outcome of a trace.
    TraceOutcome {
        /// The task was polled, and waits at the awaits in `leaves`.
        Captured = "captured",
        /// The task was polled, and that poll was its last.
        Ready = "ready",
        /// The task was running all the time: it is at no await. `since_ns` is the time at which this poll began.
        Running = "running",
        /// The task was woken, and its executor did not poll it. `since_ns` is the time of the wake.
        NotPolled = "not_polled",
        /// The task was never polled.
        NeverPolled = "never_polled",
        /// The task has ended.
        Ended = "ended",
        /// No task has this ID now. It may have ended, have another ID, or be left out for lack of room.
        NotKnown = "not_known",
        /// The task cannot be traced; `reason` has the cause.
        Untraceable = "untraceable",
    }
);

open_enum!(
    /// The owner of a frame's code.
    FrameKind {
        /// The program: a package of its workspace.
        Own = "own",
        /// A library.
        Dependency = "dependency",
        /// The executor, the standard library or the producer.
        Runtime = "runtime",
        /// Unknown: the program has no debug information for it.
        Unknown = "unknown",
    }
);

/// The reply to `/v1/tasks/{id}/trace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskTrace {
    /// The task.
    pub task: TaskId,
    /// The outcome.
    pub outcome: TraceOutcome,
    /// The outcome in words, and the facts that the trace cannot show.
    pub reason: String,
    /// The awaits at which the task waits: several for a `select!` or `join!`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<TraceLeaf>,
    /// Number of further awaits that did not fit into `leaves`.
    #[serde(default)]
    pub more: u64,
    /// The time at which its poll began or it was woken, according to `outcome`.
    pub since_ns: Option<u64>,
    /// The time of the trace.
    pub at_ns: u64,
}

impl TaskTrace {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(task: TaskId, outcome: TraceOutcome, at_ns: u64) -> TaskTrace {
        TaskTrace { task, outcome, reason: String::new(), leaves: Vec::new(), more: 0, since_ns: None, at_ns }
    }
}

/// One await.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TraceLeaf {
    /// The awaited function, such as `tokio::net::TcpStream::read`: the function that the own code called. Absent when unknown.
    pub function: Option<String>,
    /// The stack, from the future that will wake the task out to the task's own future.
    pub frames: Vec<TraceFrame>,
    /// The position in `frames` of the innermost frame of kind `own`: the await. Absent when there is none.
    pub own: Option<u32>,
    /// The outer end of the stack is missing.
    #[serde(default)]
    pub cut: bool,
}

impl TraceLeaf {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(frames: Vec<TraceFrame>) -> TraceLeaf {
        TraceLeaf { function: None, frames, own: None, cut: false }
    }
}

/// One function of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TraceFrame {
    /// Its name, shortened for people.
    pub function: Option<String>,
    /// The owner of its code.
    pub kind: FrameKind,
    /// Its crate, if known.
    pub crate_name: Option<String>,
    /// Its line in the source.
    pub location: Option<SourceLocation>,
    /// The text of that line.
    pub source: Option<SourceLine>,
    /// The compiler inlined it into the frame after it.
    #[serde(default)]
    pub inlined: bool,
}

impl TraceFrame {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(kind: FrameKind) -> TraceFrame {
        TraceFrame { function: None, kind, crate_name: None, location: None, source: None, inlined: false }
    }
}

impl TraceLeaf {
    /// The frame of the await: the innermost frame of kind `own`.
    pub fn own_frame(&self) -> Option<&TraceFrame> {
        self.frames.get(usize::try_from(self.own?).ok()?)
    }
}

impl TaskTrace {
    /// A trace without stacks.
    pub fn without_leaves(task: TaskId, outcome: TraceOutcome, reason: impl Into<String>, at_ns: u64) -> TaskTrace {
        TaskTrace { task, outcome, reason: reason.into(), leaves: Vec::new(), more: 0, since_ns: None, at_ns }
    }
}
