//! The task that uses something observed.

use crate::cell_ref::CellRef;
use crate::executor::Executor;
use crate::kind::Kind;
use crate::{current, partial};
use std::panic::Location;
use std::ptr;

/// Calls `f` with the current task as `executor` knows it; `None` outside of its tasks.
///
/// A task that was not spawned through an adapter may be polled within one that was (on a `LocalSet`), so the
/// executor is asked, too.
#[inline]
pub(crate) fn with<R>(
    executor: &'static Executor,
    at: &'static Location<'static>,
    f: impl FnOnce(&CellRef) -> R,
) -> Option<R> {
    let running = (executor.current_task_id)();
    let mut f = Some(f);
    let observed = current::innermost(|cell| {
        let id = cell.executor_task_id();
        let own = cell.executor();
        let same = cell.kind() == Kind::Blocking
            || match ptr::eq(own, executor) {
                true => id == running.unwrap_or(0),
                // Used with another executor, such as `ANY`: the task's own executor knows whether the task is running.
                false => (own.current_task_id)().is_none_or(|running| running == id),
            };
        same.then(|| (f.take().expect("called once"))(cell))
    });
    match (observed.flatten(), running) {
        (Some(result), _) => Some(result),
        (None, Some(id)) => {
            let cell = partial::task(executor, id, at);
            f.take().map(|f| f(&cell))
        }
        (None, None) => None,
    }
}
