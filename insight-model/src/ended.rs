//! The last ended tasks. Two groups have room of their own, so that many tasks that return do not push out the one that
//! panicked.

use crate::maybe::Maybe;
use crate::names::short;
use crate::task::{Origin, Task};
use insight_protocol::{MAX_ENDED, Outcome, TaskCompleted, TaskId};
use std::collections::VecDeque;
use std::sync::Arc;

/// A task that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedTask {
    /// The id.
    pub id: TaskId,
    /// The time of its spawn, or of its first observation.
    pub spawned_ns: u64,
    /// The time of its end.
    pub ended_ns: u64,
    /// The properties that it shares with all tasks of its spawn location.
    pub origin: Arc<Origin>,
    /// The way in which it ended.
    pub outcome: Outcome,
    /// The message of its panic, if the program sends it.
    pub panic: Option<Box<str>>,
    pub(crate) parent: Maybe,
    pub(crate) executor_task_id: Maybe,
}

impl EndedTask {
    /// The end of a task. It takes over the task's origin: a program may end a million tasks in a second.
    #[inline]
    pub(crate) fn of(task: Task, end: &TaskCompleted) -> EndedTask {
        EndedTask {
            id: task.id,
            spawned_ns: task.spawned_ns,
            ended_ns: end.at_ns,
            origin: task.origin,
            outcome: end.outcome.clone(),
            panic: end.panic.as_deref().map(Box::from),
            parent: task.parent,
            executor_task_id: task.executor_task_id,
        }
    }

    /// The task that spawned it.
    pub fn parent(&self) -> Option<TaskId> {
        self.parent.number().map(TaskId)
    }

    /// The executor's own id of it.
    pub fn executor_task_id(&self) -> Option<u64> {
        self.executor_task_id.number()
    }

    /// Its name for a narrow column: the last part of a path.
    pub fn short_name(&self) -> Option<&str> {
        self.origin.name.as_deref().map(short)
    }

    /// `task 7 (reader)`, or `task 7` for one without a name.
    pub fn label(&self) -> String {
        match &self.origin.name {
            Some(name) => format!("task {} ({name})", self.id),
            None => format!("task {}", self.id),
        }
    }
}

/// The last ended tasks: at most [`MAX_ENDED`] that panicked or were cancelled, and [`MAX_ENDED`] others.
///
/// An ended task takes the place of the oldest one of its group, so its cost does not depend on their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedTasks {
    failed: VecDeque<EndedTask>,
    others: VecDeque<EndedTask>,
}

impl EndedTasks {
    /// Adds a task.
    #[inline]
    pub(crate) fn push(&mut self, task: EndedTask) {
        let group = if task.outcome.is_failure() { &mut self.failed } else { &mut self.others };
        if group.len() >= MAX_ENDED {
            group.pop_front();
        }
        group.push_back(task);
    }

    /// The tasks that panicked or were cancelled, the oldest first.
    pub fn failed(&self) -> impl DoubleEndedIterator<Item = &EndedTask> + ExactSizeIterator {
        self.failed.iter()
    }

    /// The other tasks, the oldest first.
    pub fn others(&self) -> impl DoubleEndedIterator<Item = &EndedTask> + ExactSizeIterator {
        self.others.iter()
    }

    /// All of them: the failed ones, and then the others.
    pub fn iter(&self) -> impl Iterator<Item = &EndedTask> {
        self.failed().chain(self.others())
    }

    /// All of them, the newest first.
    pub fn newest_first(&self) -> Vec<&EndedTask> {
        let mut tasks: Vec<&EndedTask> = self.iter().collect();
        tasks.sort_by_key(|task| std::cmp::Reverse((task.ended_ns, task.id)));
        tasks
    }

    /// The task with this id, if it is one of them.
    pub fn get(&self, id: TaskId) -> Option<&EndedTask> {
        self.iter().find(|task| task.id == id)
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.failed.len() + self.others.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
