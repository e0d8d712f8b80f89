//! Maps and sets of the live tasks, resources and edges of the insight protocol, by ID.
//!
//! Both the recorder in a program and the model in a reader store their values under these IDs. IDs are consecutive numbers, and
//! neighbouring IDs are usually used together. [`Table`] relies on both facts.
//!
//! ```
//! use insight_protocol::TaskId;
//! use insight_table::Table;
//!
//! let mut tasks = Table::default();
//! tasks.insert(TaskId(7), "reader");
//! let copy = tasks.clone();
//! tasks.remove(&TaskId(7));
//! assert_eq!((tasks.len(), copy[&TaskId(7)]), (0, "reader"));
//! ```

#![forbid(unsafe_code)]

mod edge_set;
mod table;

pub use edge_set::EdgeSet;
pub use table::{Id, IdHasher, Table};
