//! The wakers of a task itself, by kind, and the waker of its wrapper.

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::wakers::{ONE, ONE_FOREIGN};
use crate::{clock, current, trace};
use std::mem::ManuallyDrop;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

pub(super) static FOREIGN: RawWakerVTable = RawWakerVTable::new(clone_foreign, wake_foreign, wake_by_ref, drop_foreign);
pub(super) static KNOWN: RawWakerVTable = RawWakerVTable::new(clone_known, wake_known, wake_by_ref, drop_known);
pub(super) static TRACING_FOREIGN: RawWakerVTable =
    RawWakerVTable::new(clone_tracing_foreign, wake_foreign, wake_by_ref, drop_foreign);
/// For an executor that a traced task runs: clones of its waker are no awaits of the task.
pub(super) static TRACING_KNOWN: RawWakerVTable = RawWakerVTable::new(clone_known, wake_known, wake_by_ref, drop_known);

/// The waker that `Observed` itself has: it keeps the cell and the executor's waker alive while the future can be polled.
#[derive(Debug)]
pub(crate) struct OwnWaker {
    /// Before the first poll this is a reference of its own. From then on it is the reference that all the cell's wakers
    /// share, and the last of them gives it back.
    cell: ManuallyDrop<CellRef>,
}

impl OwnWaker {
    /// For a task that has no waker yet.
    pub(crate) fn new(cell: CellRef) -> OwnWaker {
        OwnWaker { cell: ManuallyDrop::new(cell) }
    }

    #[inline]
    pub(crate) fn cell(&self) -> &CellRef {
        &self.cell
    }

    /// Whether the executor's waker was taken: from then on this is one of the wakers.
    #[inline]
    pub(crate) fn is_installed(&self) -> bool {
        self.cell.wakers().is_any()
    }

    /// Stores the executor's waker. Called once per cell, by the thread that polls the task.
    pub(crate) fn install(&self, executors: &Waker) {
        let executors = executors.clone();
        // SAFETY: the caller is the thread that polls the task, and calls this once; until then there is no waker.
        unsafe { self.cell.wakers().install(executors) };
    }

    /// Another one, of a task that has a waker, for a thread that does not poll the task. It must not outlive `cell`: by that
    /// reference the task's own waker finds that it is not the only owner.
    pub(crate) fn share(cell: &CellRef) -> Option<OwnWaker> {
        cell.wakers().share().then(|| {
            // SAFETY: a waker has just been counted, so it lives, and so does the shared reference; `release` gives that
            // back, and not this (cell_ref.rs, "wakers").
            let shared = unsafe { CellRef::from_raw(cell.as_ptr()) };
            OwnWaker { cell: ManuallyDrop::new(shared) }
        })
    }

    /// Wakes the task by the executor's waker: no wake of the program's, so it is not counted.
    pub(crate) fn wake_executor(&self) {
        // SAFETY: `self` is one of the wakers.
        unsafe { wake_executor(&self.cell) };
    }

    /// Calls `f` with the task's waker, or with `executors` if the executor has changed its waker, which we do not follow.
    /// If `tracing`, the clones of the waker record their stacks.
    #[inline]
    pub(crate) fn with<R>(&self, executors: &Waker, tracing: bool, f: impl FnOnce(&Waker) -> R) -> R {
        // SAFETY: `self` is one of the wakers.
        let first = unsafe { self.cell.wakers().with_executors(|first| first.map(Waker::data)) };
        // By the data alone: one vtable may be at several addresses, when it is a constant.
        let same = first == Some(executors.data());
        if same {
            f(&borrowed(&self.cell, if tracing { &TRACING_FOREIGN } else { &FOREIGN }))
        } else {
            if tracing {
                trace::not_followed(self.cell.as_ptr());
            }
            self.cell.set_other_wakers(true);
            f(executors)
        }
    }
}

impl Drop for OwnWaker {
    #[inline]
    fn drop(&mut self) {
        // First the wakers: a thread that has dropped its waker has made its references before that.
        match (self.cell.wakers().count(), self.cell.count()) {
            // SAFETY: dropped once; the reference is not shared with any waker.
            (0, _) => unsafe { ManuallyDrop::drop(&mut self.cell) },
            // SAFETY: this is the last waker, and the shared reference the only one, so no thread can make another of either.
            (1, 1) => unsafe { end_of_wakers(self.cell.as_ptr()) },
            // SAFETY: `install` or `share` counted a waker, and this call ends it.
            _ => unsafe { release(self.cell.as_ptr(), ONE) },
        }
    }
}

/// Wakes the task by the executor's waker.
///
/// # Safety
/// One of the cell's wakers is live.
#[inline]
unsafe fn wake_executor(cell: &TaskCell) {
    let wake = |executors: Option<&Waker>| {
        if let Some(executors) = executors {
            executors.wake_by_ref();
        }
    };
    // SAFETY: the caller's promise: one is live.
    unsafe { cell.wakers().with_executors(wake) };
}

/// A waker that is not counted, to be used while a counted one lives.
#[inline]
pub(super) fn borrowed(cell: &CellRef, vtable: &'static RawWakerVTable) -> ManuallyDrop<Waker> {
    // SAFETY: the vtable's functions take a pointer to a `TaskCell` with at least one live waker, which the caller has.
    // It is never dropped, so no count is given back.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(cell.as_ptr().cast(), vtable)) })
}

/// Calls `f` with the waker for an executor that the task of `waker` runs. Its wakes ask the task to poll others, and are
/// not for waits of the task itself. A waker that is not a task's own is passed unchanged.
#[inline]
pub(crate) fn with_executors<R>(waker: &Waker, f: impl FnOnce(&Waker) -> R) -> R {
    exchanged(waker, [(&FOREIGN, &KNOWN), (&TRACING_FOREIGN, &TRACING_KNOWN)], f)
}

/// Calls `f` with the task's own waker, from which [`with_executors`] made `waker`.
#[inline]
pub(crate) fn with_own<R>(waker: &Waker, f: impl FnOnce(&Waker) -> R) -> R {
    exchanged(waker, [(&KNOWN, &FOREIGN), (&TRACING_KNOWN, &TRACING_FOREIGN)], f)
}

#[inline]
fn exchanged<R>(
    waker: &Waker,
    pairs: [(&RawWakerVTable, &'static RawWakerVTable); 2],
    f: impl FnOnce(&Waker) -> R,
) -> R {
    match pairs.iter().find(|(from, _)| std::ptr::eq(waker.vtable(), *from)) {
        // SAFETY: all four vtables' functions take a pointer to a `TaskCell` with at least one live waker, and `waker` is
        // one for as long as this one is lent. It is never dropped, so no count is given back.
        Some((_, to)) => f(&ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(waker.data(), to)) })),
        None => f(waker),
    }
}

/// # Safety
/// `data` points to a `TaskCell` with at least one live waker.
unsafe fn cell<'a>(data: *const ()) -> &'a TaskCell {
    // SAFETY: a waker is live (cell_ref.rs, "wakers").
    unsafe { &*data.cast::<TaskCell>() }
}

unsafe fn clone_foreign(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is live.
    unsafe { cell(data) }.wakers().add(ONE_FOREIGN);
    RawWaker::new(data, &FOREIGN)
}

pub(super) unsafe fn clone_known(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is live.
    unsafe { cell(data) }.wakers().add(ONE);
    RawWaker::new(data, &KNOWN)
}

// The name of this function is one of those where the frames of a stack begin that are of interest: see reference-server.

unsafe fn clone_tracing_foreign(data: *const ()) -> RawWaker {
    trace::record(data.cast(), None);
    // SAFETY: the caller's promise is the same.
    unsafe { clone_foreign(data) }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker is live.
    unsafe { wake(cell(data), None) };
}

/// Polls an operation by which the task yields: it keeps the waker only to have the task polled again, after the executor has
/// polled others. If the operation clones the waker, that counts as a wake by the task itself, now. The clone then belongs to
/// the executor, which wakes no task for anything foreign. A tracing waker, or one that is not the polled task's own, is
/// passed unchanged.
#[inline]
pub(crate) fn poll_yielding(cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<()>) -> Poll<()> {
    let waker = cx.waker();
    if !std::ptr::eq(waker.vtable(), &FOREIGN) {
        return poll(cx);
    }
    // SAFETY: with this vtable the data is that of a live waker, `waker`, which is borrowed.
    let cell = unsafe { cell(waker.data()) };
    if !current::is(cell) {
        return poll(cx);
    }
    let poll = |executors: Option<&Waker>| {
        let Some(executors) = executors else { return poll(cx) };
        let ready = poll(&mut Context::from_waker(executors));
        if ready.is_pending() {
            note_wake(cell, None);
        }
        ready
    };
    // SAFETY: `waker` is live, and borrowed until `poll` returns.
    unsafe { cell.wakers().with_executors(poll) }
}

/// Records a wake, at this time or now, and wakes the task.
///
/// # Safety
/// One of the cell's wakers is live.
pub(super) unsafe fn wake(cell: &TaskCell, at: Option<u64>) {
    note_wake(cell, at);
    // SAFETY: the waker is live.
    unsafe { wake_executor(cell) };
}

fn note_wake(cell: &TaskCell, at: Option<u64>) {
    let by = current::recorded_id();
    let by_itself = by != 0 && current::is(cell);
    if by_itself && cell.has_marks() && cell.takes_wake_of_trace() {
        return;
    }
    cell.times().wake(by, by_itself, || at.unwrap_or_else(clock::ticks));
}

unsafe fn wake_foreign(data: *const ()) {
    // SAFETY: the waker is live, and this call ends it.
    unsafe {
        wake_by_ref(data);
        release(data.cast(), ONE_FOREIGN);
    }
}

unsafe fn wake_known(data: *const ()) {
    // SAFETY: the waker is live, and this call ends it.
    unsafe {
        wake_by_ref(data);
        release(data.cast(), ONE);
    }
}

unsafe fn drop_foreign(data: *const ()) {
    // SAFETY: the waker is live, and this call ends it.
    unsafe { release(data.cast(), ONE_FOREIGN) };
}

unsafe fn drop_known(data: *const ()) {
    // SAFETY: the waker is live, and this call ends it.
    unsafe { release(data.cast(), ONE) };
}

/// Ends one waker. The last one drops the executor's waker and the shared reference.
///
/// # Safety
/// The caller ends a live waker that was counted with `count`.
pub(super) unsafe fn release(data: *const TaskCell, count: u64) {
    // SAFETY: the waker is live until here.
    if unsafe { &*data }.wakers().remove(count) {
        // SAFETY: that was the last one.
        unsafe { end_of_wakers(data) };
    }
}

/// Drops the executor's waker and the shared reference.
///
/// # Safety
/// No waker is left, nor can one be made.
#[inline]
unsafe fn end_of_wakers(data: *const TaskCell) {
    // SAFETY: no waker is left, `Observed`'s own included, so there is no poll to come; the shared reference is the one that
    // `OwnWaker::new` was given (cell_ref.rs, "wakers").
    unsafe {
        let executors = (*data).wakers().take_executors();
        drop(CellRef::from_raw(data));
        drop(executors);
    }
}
