//! Executors, and those of their tasks that something else spawned.

use crate::clock;
use crate::task::{Kind, TaskCell, TaskMeta};
use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What an adapter says of its executor; one static a runtime.
#[derive(Debug)]
pub struct Executor {
    /// Its name, such as `tokio`.
    pub name: &'static str,
    /// The version of the runtime, such as `1.54`.
    pub version: &'static str,
    /// The executor's own id of the task that is being polled on this thread, never 0.
    pub current_task_id: fn() -> Option<u64>,
    unspawned: Mutex<Option<HashMap<u64, Arc<TaskCell>>>>,
    sweep_at: AtomicUsize,
}

static EXECUTORS: Mutex<Vec<&'static Executor>> = Mutex::new(Vec::new());

/// How many partial tasks there are before the first search for ones that are used no more.
const SWEEP_AT: usize = 1024;

impl Executor {
    /// For a static of the adapter.
    pub const fn new(name: &'static str, version: &'static str, current_task_id: fn() -> Option<u64>) -> Executor {
        let unspawned = Mutex::new(None);
        Executor { name, version, current_task_id, unspawned, sweep_at: AtomicUsize::new(SWEEP_AT) }
    }

    /// Makes the executor known to streams that begin from now on.
    pub fn announce(&'static self) {
        let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
        if !executors.iter().any(|known| std::ptr::eq(*known, self)) {
            executors.push(self);
        }
    }

    /// The executors announced so far.
    pub(crate) fn announced() -> Vec<&'static Executor> {
        EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The cell of a task that was not spawned through an adapter; made at its first use.
    pub(crate) fn unspawned_task(
        &'static self,
        executor_task_id: u64,
        at: &'static Location<'static>,
    ) -> Arc<TaskCell> {
        let mut guard = self.unspawned.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = guard.get_or_insert_default();
        let now = clock::ticks();
        if let Some(cell) = tasks.get(&executor_task_id) {
            cell.last_use.store(now, Ordering::Relaxed);
            return cell.clone();
        }
        if tasks.len() >= self.sweep_at.load(Ordering::Relaxed) {
            // The recorder forgets them first; one that it has forgotten has no id.
            tasks.retain(|_, cell| cell.recorded_id() != 0);
            self.sweep_at.store(SWEEP_AT.max(tasks.len() * 2), Ordering::Relaxed);
        }
        let meta = TaskMeta { executor: self, kind: Kind::Task, location: at, type_name: "", size: 0 };
        let cell = TaskCell::new(meta, true);
        cell.executor_task_id.store(executor_task_id, Ordering::Relaxed);
        cell.id();
        tasks.insert(executor_task_id, cell.clone());
        cell
    }
}
