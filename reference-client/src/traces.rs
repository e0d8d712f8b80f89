//! What was asked for of where tasks wait, and what came of it.

use insight_protocol::{TaskId, TaskTrace};
use std::collections::HashMap;

/// One trace.
#[derive(Debug)]
pub enum Asked {
    /// The answer is on its way.
    Waiting,
    /// The answer, or why there is none.
    Answered(Result<TaskTrace, String>),
}

/// The last trace of each task that was asked for.
#[derive(Debug, Default)]
pub struct Traces(HashMap<TaskId, Asked>);

impl Traces {
    /// That of a task.
    pub fn of(&self, task: TaskId) -> Option<&Asked> {
        self.0.get(&task)
    }

    /// The trace of a task that was captured.
    pub fn captured(&self, task: TaskId) -> Option<&TaskTrace> {
        match self.of(task) {
            Some(Asked::Answered(Ok(trace))) => Some(trace),
            _ => None,
        }
    }

    /// Notes that a task is asked for; false when its answer is on its way already.
    pub fn ask(&mut self, task: TaskId) -> bool {
        !matches!(self.0.insert(task, Asked::Waiting), Some(Asked::Waiting))
    }

    /// Takes an answer. One that nobody waits for any more is of another run of the program.
    pub fn answer(&mut self, task: TaskId, answer: Result<TaskTrace, String>) {
        if let Some(asked @ Asked::Waiting) = self.0.get_mut(&task) {
            *asked = Asked::Answered(answer);
        }
    }
}
