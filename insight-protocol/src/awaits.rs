//! The awaits at which a task waits, from the stacks of one poll.

use crate::{EdgeId, FrameKind, LocationId, StringId, TaskId};
use serde::{Deserialize, Serialize};

/// Maximum number of awaits in one `task.awaits`.
pub const MAX_AWAITS: usize = 64;

/// Maximum number of spans in one `task.awaits`.
pub const MAX_SPANS: usize = 4;

/// Maximum number of frames of one await.
pub const MAX_FRAMES: usize = 32;

/// The awaits of a task at its last poll. They replace those of an earlier message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskAwaits {
    /// The task.
    pub id: TaskId,
    /// Number of polls of the task until then. After another poll the awaits are outdated.
    pub polls: u64,
    /// The awaits, in the order in which they were polled: several for a `select!` or `join!`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaits: Vec<Await>,
    /// The spans of the program's tracing in which the task waits, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<StringId>,
    /// Number of further awaits that did not fit into `awaits`.
    #[serde(default)]
    pub more: u64,
    /// `awaits` has every await that kept a waker of the task, each with its whole stack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// The time of the poll.
    pub at_ns: u64,
}

/// One await: a future that keeps a waker of the task, and the functions that poll it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Await {
    /// The wait of the task, if the future belongs to an instrumented operation whose wait is open in the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeId>,
    /// The awaited function, such as `tokio::net::TcpStream::read`: the function that the program's own line called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<StringId>,
    /// The functions on the stack, from the awaited function out to the task's own function. Functions of the runtime and of
    /// the standard library are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<AwaitFrame>,
    /// Frames are missing at the outer end of the stack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// One function on the stack of an await.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AwaitFrame {
    /// Its name, shortened for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<StringId>,
    /// Its line in the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The owner of its code.
    pub kind: FrameKind,
}

impl Await {
    /// Makes one without an edge.
    pub fn new(function: Option<StringId>, frames: Vec<AwaitFrame>) -> Await {
        Await { edge: None, function, frames, cut: false }
    }
}

impl AwaitFrame {
    /// Makes one.
    pub fn new(function: Option<StringId>, location: Option<LocationId>, kind: FrameKind) -> AwaitFrame {
        AwaitFrame { function, location, kind }
    }
}
