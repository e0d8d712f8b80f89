//! A pure fold: messages of the insight protocol in, the state of a program and its problems out.
//!
//! Deterministic, and without clock, thread or I/O: the server folds what it records, a client what it reads, and
//! both see the same. Time is the `at_ns` of the messages.
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
//! [`diagnose`] says what is stuck, from the state alone; [`Watch`] keeps count of what stands, and puts it into
//! messages. [`Model::snapshot`] writes a state back as messages, [`Model::dot`] draws it. [`Checker`] holds a stream to
//! the rules of SPEC.md.

#![forbid(unsafe_code)]

mod journal;
mod location;
mod maybe;
mod shared;
mod stats;

mod edge;
mod resource;
mod task;

mod fold;
mod state;

mod coverage;
mod freers;
mod snapshot;

mod finding;

mod id_map;
mod need;
mod wants;

mod fixpoint;
mod units;

mod knot;
mod wait_graph;

mod doubts;
mod evidence;

mod diagnose;
mod watch;

pub mod health;
pub mod operation;
pub mod problem;
pub mod resource_kind;

mod dot;
mod due;
mod hidden;

mod lifecycle;

pub use coverage::ObservedTasks;
pub use diagnose::{diagnose, stuck_tasks};
pub use dot::dot_problem;
pub use finding::Finding;
pub use insight_table::{EdgeSet, Id, Table};

pub use edge::{Edge, EdgeBody, Relation, Waiter};
pub use freers::{Freer, Freers};
pub use hidden::is_hidden;
pub use lifecycle::{Checker, RuleFinding};
pub use location::Location;
pub use problem::DEFAULT_SETTLE_NS;
pub use resource::Resource;
pub use state::Model;
pub use task::{Origin, Task, Times};
pub use watch::Watch;
