//! The wire types and the codec of the insight protocol.
//!
//! One [`Message`] is one JSON object with a `type` tag and a `seq` number, one a line (NDJSON).
//! A live stream, a snapshot and a recording are the same sequence of lines.
//! This crate has no clock, socket, thread or executor.
//!
//! ```
//! use insight_protocol::{Decoded, Message, TaskId, TaskCompleted, Outcome, decode, encode};
//!
//! let message = Message::from(TaskCompleted::new(TaskId(7), Outcome::Returned, 1_000));
//! let line = encode(12, &message);
//! assert_eq!(line, r#"{"seq":12,"type":"task.completed","id":7,"outcome":"returned","at_ns":1000}"#);
//! let Decoded::Message { seq, message: same } = decode(&line).unwrap() else { unreachable!() };
//! assert_eq!((seq, same), (12, message));
//! ```
//!
//! A line is decoded by its `type`: a known type strictly, an unknown type is kept unchanged, and a line without a type
//! is an error. An internally tagged or untagged enum would turn a malformed known message into an unknown one. A line that
//! starts with `seq` and `type`, as [`encode`] writes it, is read in one pass, and any other line in two. The most frequent
//! types have a faster way: it reads a line whose fields are in the order of [`encode`] without comparing their names.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod awaits;
mod cancellers;
mod closed_enum;
mod codec;
mod coverage;
mod edge;
mod header;
mod ids;
mod in_place;
mod message;
mod one_pass;
mod open_enum;
mod operation;
mod problem;
mod resource;
mod strict;
mod task;
mod trace;
mod word;

pub mod adapter;
pub mod announcement;
#[cfg(any(test, feature = "schema"))]
pub mod examples;
#[cfg(feature = "schema")]
pub mod schema;

pub use awaits::{Await, AwaitFrame, MAX_AWAITS, MAX_FRAMES, MAX_SPANS, TaskAwaits};
pub use cancellers::{MAX_CANCELLERS, TaskCancellers};
pub use codec::{DecodeError, Decoded, Kept, body, decode, encode, encode_to, keep, line};
pub use coverage::{
    AwaitsOf, ExecutorCoverage, GraphFacts, MAX_PACKAGES, NotGraphFacts, PackageCoverage, PackageFolder, StreamCoverage,
};
pub use edge::{
    ByOperation, EdgeClosed, EdgeHold, EdgeOutcome, EdgeParty, EdgeUpdated, EdgeWait, HoldMode, Operation, PartyRole,
};
pub use header::{
    Capability, Clock, DefineDropped, DefineLocation, DefineString, Detail, Executor, Gap, Process, SnapshotBegin,
    SnapshotEnd, SourceLine, SourceStatus, StreamHeader, StreamHeartbeat,
};
pub use ids::{EdgeId, LocationId, OperationId, ProblemId, ResourceId, StringId, TaskId};
pub use message::{Message, Visit, VisitMut};
pub use operation::{Call, OperationEvent, OperationOutcome, TaskOperation};
pub use problem::{
    Problem, ProblemAwait, ProblemCleared, ProblemEdge, ProblemFrame, ProblemKind, ProblemRaised, ProblemResource,
    ProblemTask, ProblemUpdated, Problems, Severity, SourceLocation, Tier,
};
pub use resource::{ByResourceKind, HandOff, ResourceCreated, ResourceDropped, ResourceKind, ResourceUpdated};
pub use task::{
    MAX_ENDED, MAX_PANIC, Outcome, TaskCompleted, TaskEnded, TaskKind, TaskPolls, TaskSpawned, TaskState, TaskStats,
    TaskUpdated,
};
pub use trace::{FrameKind, TaskTrace, TraceFrame, TraceLeaf, TraceOutcome};

/// Sets fields of a value. A struct literal cannot do that outside of this crate, since the types may get more fields.
///
/// ```
/// use insight_protocol::{Gap, with};
///
/// let reason = "no room".to_owned();
/// let gap = with!(Gap::default(), count = 3, reason);
/// assert_eq!((gap.count, gap.reason.as_str(), gap.tasks), (3, "no room", None));
/// ```
#[macro_export]
macro_rules! with {
    (@ $field:ident) => { $field };
    (@ $field:ident = $to:expr) => { $to };
    ($value:expr $(, $field:ident $(= $to:expr)?)* $(,)?) => {{
        let mut it = $value;
        $(it.$field = $crate::with!(@ $field $(= $to)?);)*
        it
    }};
}

/// The version of the protocol that this crate implements, `major.minor`.
pub const PROTOCOL_VERSION: &str = "1.0";

/// The largest number of a message: 2^53 - 1, so that a JavaScript number holds every one exactly.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Maximum number of polls in one `task.polls`.
pub const MAX_POLLS: usize = 1024;

/// The largest id.
pub const MAX_ID: u64 = MAX_NUMBER;
