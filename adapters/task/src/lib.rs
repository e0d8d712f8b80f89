//! async-task, with waits for the end of a task visible to insight.
//!
//! The handle of a task is one type for async-executor, smol, blocking and all others that are built on async-task. So it is
//! replaced here. Which tasks are observed is up to the facades of executors: they give a handle the task that it belongs to,
//! by [`Task::observed_as`]. A task that is spawned by this crate alone is not observed.
//!
//! ```
//! let (runnable, task) = insight_task::spawn(async { 7 }, |runnable: insight_task::Runnable| drop(runnable));
//! runnable.run();
//! assert!(task.is_finished());
//! ```

mod border;
mod spawn;
mod task;

#[cfg(feature = "std")]
pub use spawn::spawn_local;
pub use spawn::{Builder, spawn, spawn_unchecked};
pub use task::{FallibleTask, Task};

pub use real::{Runnable, Schedule, ScheduleInfo, WithInfo};
