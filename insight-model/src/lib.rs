//! A pure fold of the messages of the insight protocol: it gives the state of a program, and its problems.
//!
//! It is deterministic, and has no clock, no thread and no I/O. The server folds the messages that it records, and a
//! client folds the messages that it reads, so both have the same state. The time is the `at_ns` of the messages.
//!
//! ```
//! use insight_model::Model;
//! use insight_protocol::{Message, TaskId, TaskSpawned, with};
//!
//! let mut model = Model::default();
//! model.apply(&Message::from(with!(TaskSpawned::default(), id = TaskId(1), at_ns = 5)));
//! assert_eq!(model.tasks.len(), 1);
//! assert_eq!(model.now_ns, 5);
//! ```
//!
//! - [`Model`] is the state. [`Model::snapshot`] turns it back into messages, and [`Model::dot`] draws it.
//! - [`diagnose`] finds the stuck tasks of a state, and [`health`] finds measured problems.
//! - [`Watch`] follows the problems of a program, and turns each change into a message.
//! - [`Checker`] checks a stream against the rules of SPEC.md.
//!
//! No files need each other in a circle, which `cargo xtask circles` checks.

#![forbid(unsafe_code)]

// Underneath: memory that takes little room, and the journal of changes.
mod journal;
mod location;
mod maybe;
mod shared;
mod stats;

// The parts of a state, and the fold that builds it.
mod awaits;
mod cancellers;
mod edge;
mod names;
mod resource;
mod task;

mod ended;

mod fold;
mod state;

// Answers about a state.
mod coverage;
mod known_awaits;
mod label;
mod lines;
mod snapshot;

// The rules of the diagnosis, and the tasks that can make progress.
mod finding;

mod id_map;
mod need;
mod wants;

mod fixpoint;
mod units;

// The tasks that can end a wait.
mod can_end;
mod freers;

// The findings: stuck tasks that wait for each other, and their evidence.
mod knot;
mod wait_graph;

mod doubts;
mod evidence;

mod diagnose;
mod ready;
mod releases;
mod watch;

pub mod health;
pub mod operation;
pub mod problem;
pub mod resource_kind;

mod dot;
mod due;
mod hidden;

mod lifecycle;

pub use awaits::{Awaits, Frame, Leaf};
pub use can_end::{ByOther, ByTask, CanEnd, OtherReason, TaskReason};
pub use cancellers::Cancellers;
pub use coverage::ObservedTasks;
pub use diagnose::{diagnose, doubted_tasks, stuck_tasks};
pub use dot::dot_problem;
pub use finding::Finding;
pub use insight_table::{EdgeSet, Id, Table};

pub use edge::{Edge, EdgeBody, Relation, Waiter};
pub use ended::{EndedTask, EndedTasks};
pub use freers::{Freer, Freers};
pub use hidden::is_hidden;
pub use known_awaits::KnownAwaits;
pub use label::TaskName;
pub use lifecycle::{Checker, RuleFinding};
pub use lines::Lines;
pub use location::{Location, short_file};
pub use problem::DEFAULT_SETTLE_NS;
pub use releases::{BeforeCapture, Release};
pub use resource::Resource;
pub use state::Model;
pub use task::{Origin, Task, Times};
pub use watch::{Confirmation, Watch};
