//! Tasks that were not spawned through an adapter: their cells are made at their first use of something observed.

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::clock;
use crate::executor::Executor;
use crate::kind::Kind;
use crate::meta::{Body, TaskMeta};
use std::collections::HashMap;
use std::panic::Location;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of partial tasks before the first search for ones that are used no more.
const SWEEP_AT: usize = 1024;

/// The partial tasks of one executor, by its own ids of them.
struct Partial {
    executor: &'static Executor,
    cells: HashMap<u64, CellRef>,
    sweep_at: usize,
}

/// One entry for each executor that has any: a program has few executors.
static PARTIAL: Mutex<Vec<Partial>> = Mutex::new(Vec::new());

fn lock() -> MutexGuard<'static, Vec<Partial>> {
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cell of a task that its executor knows by this id.
pub(crate) fn task(executor: &'static Executor, id: u64, at: &'static Location<'static>) -> CellRef {
    let mut all = lock();
    let known = all.iter().position(|partial| ptr::eq(partial.executor, executor));
    let index = known.unwrap_or_else(|| {
        all.push(Partial { executor, cells: HashMap::new(), sweep_at: SWEEP_AT });
        all.len() - 1
    });
    all[index].task(id, at)
}

impl Partial {
    fn task(&mut self, id: u64, at: &'static Location<'static>) -> CellRef {
        let now = clock::ticks();
        if let Some(cell) = self.cells.get(&id) {
            cell.used(now);
            return cell.clone();
        }
        if self.cells.len() >= self.sweep_at {
            // The recorder forgets them first; one that it has forgotten has no id.
            self.cells.retain(|_, cell| cell.recorded_id() != 0);
            self.sweep_at = SWEEP_AT.max(self.cells.len() * 2);
        }
        let meta = TaskMeta { executor: self.executor, kind: Kind::Task, location: at, body: Body::UNKNOWN };
        let cell = TaskCell::spawned(meta, true);
        cell.set_executor_task_id(id);
        cell.id();
        self.cells.insert(id, cell.clone());
        cell
    }
}

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    locks.push(Box::new(lock()));
}
