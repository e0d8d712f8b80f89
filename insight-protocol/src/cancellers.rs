//! The code that could cancel a task from outside.

use crate::TaskId;
use serde::{Deserialize, Serialize};

/// Maximum number of tasks in one `task.cancellers`.
pub const MAX_CANCELLERS: usize = 16;

/// The code that could cancel a task or end its runtime. It replaces that of an earlier message. Without a message, no code can
/// cancel the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskCancellers {
    /// The task.
    pub id: TaskId,
    /// Tasks that could each cancel it, or end its runtime, when they make progress: they have its join handle, for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::at_most(MAX_CANCELLERS))))]
    pub tasks: Vec<TaskId>,
    /// Code outside of these tasks could cancel it, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// The time for which this is true.
    pub at_ns: u64,
}
