//! async-executor, with its tasks and their ends visible to insight.
//!
//! insight-smol re-exports these types. `cargo insight` compiles this crate in the place of async-executor, on which
//! smol, async-std and other crates are built.
//!
//! ```
//! use insight_executor::LocalExecutor;
//!
//! let executor = LocalExecutor::new();
//! let task = executor.spawn(async { 1 + 1 });
//! assert!(executor.try_tick());
//! assert!(task.is_finished());
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

// In a whole graph the real crate's own dependency is the facade of async-task.
#[cfg(insight_whole_graph)]
use async_task as task;
#[cfg(not(insight_whole_graph))]
use insight_task as task;

// The facade replaces everything.
#[allow(unused_imports)]
pub use real::*;

mod border;
mod executor;
#[cfg(not(insight_before = "1.10.0"))]
mod many;
mod observe;
#[cfg(feature = "static")]
mod statics;

pub use executor::{Executor, LocalExecutor};
#[cfg(feature = "static")]
pub use statics::{StaticExecutor, StaticLocalExecutor};
pub use task::{FallibleTask, Task};

/// The executor of these tasks in the protocol. insight-smol's tasks belong to it, too.
#[doc(hidden)]
pub use observe::{EXECUTOR, announce};
