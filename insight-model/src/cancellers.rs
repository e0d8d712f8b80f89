//! The code that could cancel each task.

use insight_protocol::TaskId;

/// The code that could cancel a task or end its runtime, as last sent. r[cancellers.replaced]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancellers {
    /// Tasks that could each do it when they make progress. They may have ended.
    pub tasks: Vec<TaskId>,
    /// Code outside of these tasks could do it, too.
    pub others: bool,
}
