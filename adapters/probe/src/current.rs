//! The task that runs on this thread.

use crate::cell_ref::CellRef;
use crate::executor::Executor;
use crate::task::TaskCell;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering;

/// Set in [`CURRENT`] beside the task while the task polls others, such as those of an executor that it runs: then no
/// task is the current one, and that one still is around what is polled. A cell's address has no bit so low.
const POLLS_OTHERS: usize = 1;

const _: () = assert!(align_of::<TaskCell>() > POLLS_OTHERS);

thread_local! {
    /// Set while its task is being polled, and by the poll kept alive.
    static CURRENT: Cell<*const TaskCell> = const { Cell::new(ptr::null()) };
}

/// Makes `cell` the current task until dropped.
pub(crate) struct Entered<'a> {
    previous: *const TaskCell,
    _cell: &'a CellRef,
}

impl<'a> Entered<'a> {
    #[inline]
    pub(crate) fn new(cell: &'a CellRef) -> Entered<'a> {
        Entered { previous: CURRENT.replace(cell.as_ptr()), _cell: cell }
    }
}

impl Entered<'_> {
    /// The task within whose poll this one is polled, if there is one.
    #[inline]
    pub(crate) fn around(&self) -> Option<&TaskCell> {
        let around = self.previous.map_addr(|address| address & !POLLS_OTHERS);
        // SAFETY: null, or made by `CellRef::as_ptr` of one that an `Entered` around this one borrows, or that a `Swapped`
        // keeps for as long as somebody may come back to it.
        unsafe { around.as_ref() }
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

/// As [`Entered`], for a poll that has no scope: it owns the cell, and may be ended in a wrong order.
#[derive(Debug)]
pub(crate) struct Swapped {
    previous: *const TaskCell,
    cell: ManuallyDrop<CellRef>,
}

impl Swapped {
    pub(crate) fn new(cell: CellRef) -> Swapped {
        Swapped { previous: CURRENT.replace(cell.as_ptr()), cell: ManuallyDrop::new(cell) }
    }

    pub(crate) fn cell(&self) -> &CellRef {
        &self.cell
    }
}

impl Drop for Swapped {
    fn drop(&mut self) {
        if is(&self.cell) {
            CURRENT.set(self.previous);
            // SAFETY: dropped once. Whatever was entered within it has been left, since it is the current one again, so
            // nobody is to come back to its pointer but those around it, which have it alive themselves.
            unsafe { ManuallyDrop::drop(&mut self.cell) };
        }
        // Ended out of order, or on another thread: somebody may still come back to its pointer, so it stays for ever.
    }
}

/// Until dropped, the current task polls others, or is back from that.
#[derive(Debug)]
pub(crate) struct Turned {
    previous: *const TaskCell,
}

impl Turned {
    /// No task is the current one.
    #[inline]
    pub(crate) fn to_others() -> Turned {
        Turned::by(|address| if address == 0 { 0 } else { address | POLLS_OTHERS })
    }

    /// The task that polls others is the current one again. Changes nothing where one of the others is being polled.
    #[inline]
    pub(crate) fn back() -> Turned {
        Turned::by(|address| address & !POLLS_OTHERS)
    }

    #[inline]
    fn by(change: impl FnOnce(usize) -> usize) -> Turned {
        let previous = CURRENT.get();
        CURRENT.set(previous.map_addr(change));
        Turned { previous }
    }
}

impl Drop for Turned {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

/// The innermost task that is being polled on this thread, whichever executor's it is.
#[inline]
pub(crate) fn innermost<R>(f: impl FnOnce(&CellRef) -> R) -> Option<R> {
    let cell = CURRENT.get();
    if cell.is_null() || cell.addr() & POLLS_OTHERS != 0 {
        return None;
    }
    // SAFETY: made by `CellRef::as_ptr` of one that `Entered` borrows for as long as it is set; the count that this one
    // stands for is that one's, so it is not dropped.
    let cell = ManuallyDrop::new(unsafe { CellRef::from_raw(cell) });
    Some(f(&cell))
}

/// Whether `cell` is the task that is being polled on this thread.
pub(crate) fn is(cell: &TaskCell) -> bool {
    ptr::eq(CURRENT.get(), cell)
}

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
    let observed = innermost(|cell| {
        let id = cell.executor_task_id.load(Ordering::Relaxed);
        let own = cell.executor;
        let same = cell.kind == crate::Kind::Blocking
            || match ptr::eq(own, executor) {
                true => id == running.unwrap_or(0),
                // What is used on every executor: the task's own one may know better.
                false => (own.current_task_id)().is_none_or(|running| running == id),
            };
        same.then(|| (f.take().expect("called once"))(cell))
    });
    match (observed.flatten(), running) {
        (Some(result), _) => Some(result),
        (None, Some(id)) => {
            let cell = executor.unspawned_task(id, at);
            f.take().map(|f| f(&cell))
        }
        (None, None) => None,
    }
}

/// Notes that the current task, if there is one, spawns another; its id, or 0.
pub(crate) fn spawns() -> u64 {
    innermost(|cell| {
        cell.one_more_spawn();
        cell.id()
    })
    .unwrap_or(0)
}

/// Records the current task now, if there is one.
pub(crate) fn record() {
    innermost(CellRef::id);
}

/// The id of the task that is being polled, if it is recorded: who wakes.
#[inline]
pub(crate) fn recorded_id() -> u64 {
    innermost(|cell| cell.recorded_id()).unwrap_or(0)
}
