//! The traces that the user asked for, and their answers.

use insight_protocol::{TaskId, TaskTrace};
use std::collections::HashMap;

/// One trace.
#[derive(Debug)]
pub enum Asked {
    /// The answer is on its way.
    Waiting,
    /// The answer, or the reason why there is none.
    Answered(Result<TaskTrace, String>),
}

/// The last trace of each task that the user asked for.
#[derive(Debug, Default)]
pub struct Traces(HashMap<TaskId, Asked>);

impl Traces {
    /// The trace of a task; `None` before the first question.
    pub fn of(&self, task: TaskId) -> Option<&Asked> {
        self.0.get(&task)
    }

    /// The trace of a task, if the program captured one.
    pub fn captured(&self, task: TaskId) -> Option<&TaskTrace> {
        match self.of(task) {
            Some(Asked::Answered(Ok(trace))) => Some(trace),
            _ => None,
        }
    }

    /// Notes a question. `false` if its answer is already on its way.
    pub fn ask(&mut self, task: TaskId) -> bool {
        !matches!(self.0.insert(task, Asked::Waiting), Some(Asked::Waiting))
    }

    /// Takes an answer. An answer without a question belongs to another run of the program.
    pub fn answer(&mut self, task: TaskId, answer: Result<TaskTrace, String>) {
        if let Some(asked @ Asked::Waiting) = self.0.get_mut(&task) {
            *asked = Asked::Answered(answer);
        }
    }
}
