//! Executors, and those of their tasks that something else spawned.

use crate::cell_ref::CellRef;
use crate::clock;
use crate::task::{Body, Kind, TaskCell, TaskMeta};
use insight_protocol::Capability;
use insight_protocol::adapter::Descriptor;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What an adapter says of its executor; one static a runtime.
#[derive(Debug)]
pub struct Executor {
    /// Its name, such as `tokio`.
    pub name: &'static str,
    /// The version of the runtime, such as `1.54`.
    pub version: &'static str,
    /// The executor's own id of the task that is being polled on this thread, never 0.
    pub current_task_id: fn() -> Option<u64>,
    /// What its adapter observes; see [`observing`](Executor::observing).
    pub capabilities: &'static [Capability],
    unspawned: Mutex<Option<HashMap<u64, CellRef>>>,
    sweep_at: AtomicUsize,
    announced: AtomicBool,
}

/// What is observed of every executor whose tasks are wrapped.
const OBSERVED: &[Capability] = &[Capability::Tasks, Capability::TaskTimes, Capability::ForeignWakers];

static EXECUTORS: Mutex<Vec<&'static Executor>> = Mutex::new(Vec::new());

/// How many partial tasks there are before the first search for ones that are used no more.
const SWEEP_AT: usize = 1024;

/// Stands for the executor that polls the task, whichever it is: for primitives that belong to no runtime. It names no
/// task, so the current task is always the innermost observed one.
pub static ANY: Executor = Executor::new("any", "", || None);

impl Executor {
    /// For a static of the adapter. Its capabilities are those that every [`Observed`](crate::Observed) task gives: `tasks`,
    /// `task.times` and `task.foreign_wakers`.
    pub const fn new(name: &'static str, version: &'static str, current_task_id: fn() -> Option<u64>) -> Executor {
        let unspawned = Mutex::new(None);
        let sweep_at = AtomicUsize::new(SWEEP_AT);
        let announced = AtomicBool::new(false);
        Executor { name, version, current_task_id, capabilities: OBSERVED, unspawned, sweep_at, announced }
    }

    /// The same with all the capabilities that its adapter has. What of it is not always observed must not be among them:
    /// what is listed and not told is taken by readers for something that is not there.
    pub const fn observing(mut self, capabilities: &'static [Capability]) -> Executor {
        self.capabilities = capabilities;
        self
    }

    /// What its [`Adapter`](insight_protocol::adapter::Adapter) says of it.
    pub const fn descriptor(&self) -> Descriptor {
        Descriptor { name: self.name, version: self.version, capabilities: self.capabilities }
    }

    /// Makes the executor known to streams that begin from now on. From the second time on it is a relaxed load.
    #[inline]
    pub fn announce(&'static self) {
        if !self.announced.load(Ordering::Relaxed) {
            self.announce_first();
        }
    }

    #[cold]
    fn announce_first(&'static self) {
        let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
        if !executors.iter().any(|known| std::ptr::eq(*known, self)) {
            executors.push(self);
        }
        self.announced.store(true, Ordering::Relaxed);
    }

    /// The executors announced so far.
    pub(crate) fn announced() -> Vec<&'static Executor> {
        EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is observed of each of them. Before the first is announced: of any that may be.
    pub(crate) fn capabilities_of_all(executors: &[&'static Executor]) -> Vec<Capability> {
        let (first, others) = match executors {
            [] => (OBSERVED, executors),
            [first, others @ ..] => (first.capabilities, others),
        };
        // r[header.capability.true]
        first.iter().filter(|it| others.iter().all(|other| other.capabilities.contains(it))).cloned().collect()
    }

    /// The cell of a task that was not spawned through an adapter; made at its first use.
    pub(crate) fn unspawned_task(&'static self, executor_task_id: u64, at: &'static Location<'static>) -> CellRef {
        let mut guard = self.unspawned.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = guard.get_or_insert_default();
        let now = clock::ticks();
        if let Some(cell) = tasks.get(&executor_task_id) {
            cell.used(now);
            return cell.clone();
        }
        if tasks.len() >= self.sweep_at.load(Ordering::Relaxed) {
            // The recorder forgets them first; one that it has forgotten has no id.
            tasks.retain(|_, cell| cell.recorded_id() != 0);
            self.sweep_at.store(SWEEP_AT.max(tasks.len() * 2), Ordering::Relaxed);
        }
        let meta = TaskMeta { executor: self, kind: Kind::Task, location: at, body: Body::UNKNOWN };
        let cell = TaskCell::spawned(meta, true);
        cell.executor_task_id.store(executor_task_id, Ordering::Relaxed);
        cell.id();
        tasks.insert(executor_task_id, cell.clone());
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_observed_of_each_executor() {
        static PLAIN: Executor = Executor::new("plain", "1.0", || None);
        static JOINS: Executor =
            Executor::new("joins", "1.0", || None).observing(&[Capability::Joins, Capability::Tasks]);
        static LOCKS: Executor =
            Executor::new("locks", "1.0", || None).observing(&[Capability::Tasks, Capability::Mutexes]);
        let check = |executors: &[&'static Executor], expect: &[&str]| {
            let capabilities = Executor::capabilities_of_all(executors);
            assert_eq!(capabilities.iter().map(Capability::as_str).collect::<Vec<_>>(), expect);
        };
        check(&[], &["tasks", "task.times", "task.foreign_wakers"]);
        check(&[&PLAIN], &["tasks", "task.times", "task.foreign_wakers"]);
        check(&[&JOINS], &["resource.join", "tasks"]);
        check(&[&JOINS, &LOCKS], &["tasks"]);
        check(&[&LOCKS, &PLAIN, &JOINS], &["tasks"]);
    }
}
