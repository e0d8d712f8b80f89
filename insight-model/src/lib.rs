//! A pure fold: messages of the insight protocol in, the state of a program and its problems out.
//!
//! Deterministic, and without clock, thread or I/O: the server folds what it records, a client what it reads, and
//! both see the same. Time is the `at_ns` of the messages.
//!
//! ```
//! use insight_model::Model;
//! use insight_protocol::{Message, TaskId, TaskSpawned};
//!
//! let mut model = Model::default();
//! model.apply(&Message::from(TaskSpawned { id: TaskId(1), at_ns: 5, ..TaskSpawned::default() }));
//! assert_eq!(model.tasks.len(), 1);
//! assert_eq!(model.now_ns, 5);
//! ```

mod freers;
mod state;

pub use freers::{Freer, Freers};
pub use state::{Edge, EdgeBody, Location, Model, Resource, Task, Times};
