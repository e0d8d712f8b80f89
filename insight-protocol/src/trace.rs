//! Where one task waits, down to the line: the reply to `/v1/tasks/{id}/trace`.

use crate::open_enum::open_enum;
use crate::{SourceLine, SourceLocation, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// What came of a trace.
    TraceOutcome {
        /// The task was polled, and waits: `leaves` has where.
        Captured = "captured",
        /// The task was polled, and that poll was its last.
        Ready = "ready",
        /// The task was running all the time: it is at no await. `since_ns` is when this poll began.
        Running = "running",
        /// The task was woken, and its executor did not poll it. `since_ns` is when it was woken.
        NotPolled = "not_polled",
        /// The task was not polled even once.
        NeverPolled = "never_polled",
        /// The task has ended.
        Ended = "ended",
        /// The task can not be traced; `reason` says why.
        Untraceable = "untraceable",
    }
);

open_enum!(
    /// Whose code a frame is.
    FrameKind {
        /// The program's own: of its workspace.
        Own = "own",
        /// A library's.
        Dependency = "dependency",
        /// The executor's, the standard library's or the producer's.
        Runtime = "runtime",
        /// Not known: the program has no debug information for it.
        Unknown = "unknown",
    }
);

/// The reply to `/v1/tasks/{id}/trace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskTrace {
    /// The task.
    pub task: TaskId,
    /// What came of it.
    pub outcome: TraceOutcome,
    /// The outcome in words, and what the trace can not show.
    pub reason: String,
    /// Where the task waits: one entry an await, several for a `select!` or `join!`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<TraceLeaf>,
    /// How many further awaits are not in `leaves`, because there were too many.
    #[serde(default)]
    pub more: u64,
    /// Since when it runs or was woken, by `outcome`.
    pub since_ns: Option<u64>,
    /// When.
    pub at_ns: u64,
}

/// One await.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TraceLeaf {
    /// The stack, from the future that will wake the task out to the task's own.
    pub frames: Vec<TraceFrame>,
    /// The position in `frames` of the innermost one that is the program's own: the await. Absent when there is none.
    pub own: Option<u32>,
    /// The outer end of the stack is missing.
    #[serde(default)]
    pub cut: bool,
}

/// One function of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TraceFrame {
    /// Its name, shortened for people.
    pub function: Option<String>,
    /// Whose code it is.
    pub kind: FrameKind,
    /// The crate that it is from, as far as that is known.
    pub crate_name: Option<String>,
    /// The line at which it is.
    pub location: Option<SourceLocation>,
    /// The text of that line.
    pub source: Option<SourceLine>,
    /// The compiler has made it a part of the frame after it.
    #[serde(default)]
    pub inlined: bool,
}

impl TraceLeaf {
    /// The frame of the await: the innermost one of the program's own.
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
