//! async-task, with waits for the end of a task visible to insight.
//!
//! async-executor, smol, blocking and all other crates that are built on async-task share its handle of a task, so we
//! replace it here. The facades of executors decide which tasks are observed: they give a handle its task by
//! [`Task::observed_as`]. A task that only this crate spawns is unobserved.
//!
//! ```
//! let (runnable, task) = insight_task::spawn(async { 7 }, |runnable: insight_task::Runnable| drop(runnable));
//! runnable.run();
//! assert!(task.is_finished());
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod border;
mod spawn;
mod task;

#[cfg(feature = "std")]
pub use spawn::spawn_local;
pub use spawn::{Builder, spawn, spawn_unchecked};
pub use task::{FallibleTask, Task};

pub use real::{Runnable, Schedule, ScheduleInfo, WithInfo};
