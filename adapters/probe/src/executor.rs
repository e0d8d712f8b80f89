//! Executors, and those of their tasks that something else spawned.

use crate::kind::Kind;
use insight_protocol::Capability;
use insight_protocol::adapter::Descriptor;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An adapter's description of its executor; one static per runtime.
#[derive(Debug)]
pub struct Executor {
    /// Its name, such as `tokio`.
    pub name: &'static str,
    /// The version of the runtime, such as `1.54`.
    pub version: &'static str,
    /// The executor's own ID of the task that is being polled on this thread, never 0.
    pub current_task_id: fn() -> Option<u64>,
    /// The capabilities of its adapter; see [`observing`](Executor::observing).
    pub capabilities: &'static [Capability],
    /// The kinds of tasks that it runs until the program ends; see [`lasting`](Executor::lasting).
    lasting: &'static [Kind],
    /// The counters of its tasks; see [`count_tasks`](Executor::count_tasks).
    counters: Mutex<Vec<Counter>>,
    announced: AtomicBool,
}

/// The capabilities of every executor whose tasks are wrapped.
const OBSERVED: &[Capability] = &[Capability::Tasks, Capability::TaskTimes, Capability::ForeignWakers];

static EXECUTORS: Mutex<Vec<&'static Executor>> = Mutex::new(Vec::new());

/// Stands for the executor that polls the task, whichever it is: for primitives that belong to no runtime. It names no
/// task, so the current task is always the innermost observed one.
pub static ANY: Executor = Executor::new("any", "", || None);

impl Executor {
    /// For a static of the adapter. It has the capabilities of every [`Observed`](crate::Observed) task: `tasks`,
    /// `task.times` and `task.foreign_wakers`.
    pub const fn new(name: &'static str, version: &'static str, current_task_id: fn() -> Option<u64>) -> Executor {
        let announced = AtomicBool::new(false);
        let counters = Mutex::new(Vec::new());
        Executor { name, version, current_task_id, capabilities: OBSERVED, lasting: &[], counters, announced }
    }

    /// The same with all capabilities of its adapter. List only capabilities that are always observed: a reader concludes from
    /// a listed capability that an unsent fact does not exist.
    pub const fn observing(mut self, capabilities: &'static [Capability]) -> Executor {
        self.capabilities = capabilities;
        self
    }

    /// The same, if it never ends for tasks of these kinds: the program cannot drop it, and so cancel them.
    pub const fn lasting(mut self, kinds: &'static [Kind]) -> Executor {
        self.lasting = kinds;
        self
    }

    /// Whether it never ends for tasks of this kind.
    pub(crate) fn lasts_for(&self, kind: Kind) -> bool {
        self.lasting.contains(&kind)
    }

    /// The descriptor for its [`Adapter`](insight_protocol::adapter::Adapter).
    pub const fn descriptor(&self) -> Descriptor {
        Descriptor { name: self.name, version: self.version, capabilities: self.capabilities }
    }

    /// Lets the recorder ask for the number of live tasks of one runtime, observed or not, until the guard is
    /// dropped. `kinds` are the kinds of tasks that `count` includes.
    ///
    /// `count` runs on the recorder's thread at each sample, so it must not wait for the program: it reads a counter of the
    /// runtime. The recorder compares the sum over all runtimes with the tasks that it knows, and sends the difference.
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

    /// The executor's count of its live tasks; `None` without a counter.
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

    /// The capabilities that all of them have. Before the first one is announced: of any executor that may follow.
    pub(crate) fn capabilities_of_all(executors: &[&'static Executor]) -> Vec<Capability> {
        let (first, others) = match executors {
            [] => (OBSERVED, executors),
            [first, others @ ..] => (first.capabilities, others),
        };
        // r[header.capability.true]
        first.iter().filter(|it| others.iter().all(|other| other.capabilities.contains(it))).cloned().collect()
    }
}

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    let executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    for executor in executors.iter() {
        locks.push(Box::new(executor.counters()));
    }
    locks.push(Box::new(executors));
}

/// The next ID of a counter. Relaxed: IDs only have to differ.
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
        // Not under the lock: the counter may own the last part of a runtime.
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
