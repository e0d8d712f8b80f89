//! The task that runs on this thread.

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr;

/// A flag in [`CURRENT`] while the task polls others, such as the tasks of an executor that it runs: then no task is the
/// current one, and this task is still around the polled ones. The address of a cell has no bit so low.
const POLLS_OTHERS: usize = 1;

const _: () = assert!(align_of::<TaskCell>() > POLLS_OTHERS);

thread_local! {
    /// Set while its task is being polled; the poll keeps the cell alive.
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
        // SAFETY: null, or the pointer that was set around this one (cell_ref.rs, "current").
        unsafe { around.as_ref() }
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

/// Like [`Entered`], for a poll that has no scope: it owns the cell, and may end in the wrong order.
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
            // SAFETY: dropped once. All polls within it have ended, since it is the current one again. So only the polls
            // around it may restore its pointer, and they keep it alive themselves.
            unsafe { ManuallyDrop::drop(&mut self.cell) };
        }
        // Ended out of order, or on another thread: a poll may still restore its pointer, so the reference is leaked.
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
        Turned::by(Turned::mark_to_others)
    }

    /// What [`mark`] returns after [`to_others`](Turned::to_others) if it returns `mark` before.
    #[inline]
    pub(crate) fn mark_to_others(mark: usize) -> usize {
        if mark == 0 { 0 } else { mark | POLLS_OTHERS }
    }

    /// The task that polls others is the current one again. Changes nothing while one of the others is being polled.
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
    // SAFETY: set, and so kept alive (cell_ref.rs, "current"). The counted reference is the keeper's, so this one is not
    // dropped.
    let cell = ManuallyDrop::new(unsafe { CellRef::from_raw(cell) });
    Some(f(&cell))
}

/// The task that is being polled, and whether it polls others: a word to compare; 0 if there is none.
#[inline]
pub(crate) fn mark() -> usize {
    CURRENT.get().addr()
}

/// Whether `cell` is the task that is being polled on this thread.
pub(crate) fn is(cell: &TaskCell) -> bool {
    ptr::eq(CURRENT.get(), cell)
}

/// The ID of the task that is being polled, if it is recorded: the waking task.
#[inline]
pub(crate) fn recorded_id() -> u64 {
    innermost(|cell| cell.recorded_id()).unwrap_or(0)
}
