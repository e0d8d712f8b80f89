//! Executors, and those of their tasks that something else spawned.

use crate::cell_ref::CellRef;
use crate::clock;
use crate::task::{Body, Kind, TaskCell, TaskMeta};
use insight_protocol::Capability;
use insight_protocol::adapter::Descriptor;
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// Those who count its tasks; see [`count_tasks`](Executor::count_tasks).
    counters: Mutex<Vec<Counter>>,
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
        let counters = Mutex::new(Vec::new());
        Executor { name, version, current_task_id, capabilities: OBSERVED, counters, unspawned, sweep_at, announced }
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

    /// Lets the recorder ask for the number of live tasks of one runtime, of all that it counts and not only of those that
    /// are observed, until the guard is dropped. `kinds` are the kinds of tasks that `count` includes.
    ///
    /// `count` runs on the recorder's thread at each look, so it must not wait for the program: it reads a counter of the
    /// runtime. The recorder compares the sum over all runtimes with the tasks that it knows, and tells the difference.
    pub fn count_tasks(
        &'static self,
        kinds: &'static [Kind],
        count: impl Fn() -> usize + Send + Sync + 'static,
    ) -> CountedTasks {
        let id = NEXT_COUNTER.fetch_add(1, Ordering::Relaxed);
        self.counters().push(Counter { id, kinds, count: Box::new(count) });
        CountedTasks { executor: self, id }
    }

    fn counters(&self) -> MutexGuard<'_, Vec<Counter>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live tasks as the executor counts them; `None` if nobody counts them.
    fn alive(&'static self) -> Option<Alive> {
        let counters = self.counters();
        if counters.is_empty() {
            return None;
        }
        let mut alive = Alive { executor: self, tasks: 0, kinds: Vec::new() };
        for counter in counters.iter() {
            alive.tasks += (counter.count)() as u64;
            alive.kinds.extend(counter.kinds.iter().filter(|kind| !alive.kinds.contains(kind)).collect::<Vec<_>>());
        }
        Some(alive)
    }

    /// The live tasks of each executor that counts them.
    pub(crate) fn all_alive() -> Vec<Alive> {
        Executor::announced().into_iter().filter_map(Executor::alive).collect()
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

/// The next id of a counter. Relaxed: it need only differ.
static NEXT_COUNTER: AtomicU64 = AtomicU64::new(0);

/// Counts the tasks of one runtime.
struct Counter {
    id: u64,
    kinds: &'static [Kind],
    count: Box<dyn Fn() -> usize + Send + Sync>,
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").field("id", &self.id).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// As long as it lives, the recorder counts the tasks of a runtime; see [`Executor::count_tasks`].
#[derive(Debug)]
#[must_use = "the tasks are counted until it is dropped"]
pub struct CountedTasks {
    executor: &'static Executor,
    id: u64,
}

impl Drop for CountedTasks {
    fn drop(&mut self) {
        let mut counters = self.executor.counters();
        let counter =
            counters.iter().position(|counter| counter.id == self.id).map(|index| counters.swap_remove(index));
        // What it owns may be the last part of a runtime: not under the lock.
        drop(counters);
        drop(counter);
    }
}

/// The live tasks of an executor, as it counts them.
#[derive(Debug)]
pub(crate) struct Alive {
    pub(crate) executor: &'static Executor,
    pub(crate) tasks: u64,
    /// The kinds of tasks that are counted.
    pub(crate) kinds: Vec<Kind>,
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
