//! The waker that an observed task hands on: it notes who woke the task, and how many there are.
//!
//! A leaf future that an adapter observes is polled with a waker of its own (see waker/operation.rs), which tells its wait
//! that it was granted. Where that cannot be followed, it is one of `KNOWN`: its clones belong to a wait that is recorded.
//! All others get `FOREIGN`: while clones of that kind live, something that insight does not see (a timer, a socket,
//! another crate's channel) may wake the task. Since a leaf always gets the same kind, `will_wake` holds from poll to
//! poll, and nothing is cloned again.
//!
//! For one poll at a time there are tracing ones (see trace.rs): their clones are of the usual kind, and each notes its
//! stack.

mod operation;

pub(crate) use operation::{Polling, Reserved};

use crate::cell_ref::CellRef;
use crate::task::TaskCell;
use crate::{clock, current, trace};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::process::abort;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// A cell's wakers are counted in one word: all of them in the low half, of which the last ends what they share; above it
/// those of them that something foreign holds; and highest those that point to the task's wait in place. A count that
/// leaves its bits makes those above it wrong, which then tell wrong facts, until it is back. The low one never does: it
/// keeps the cell, so past [`TOO_MANY`] the process ends.
const ONE: u64 = 1;
const ONE_FOREIGN: u64 = 1 << FOREIGN_SHIFT | ONE;
const ONE_INLINE: u64 = 1 << INLINE_SHIFT | ONE;
const FOREIGN_SHIFT: u32 = 32;
const INLINE_SHIFT: u32 = 58;
const MOST_FOREIGN: u64 = (1 << (INLINE_SHIFT - FOREIGN_SHIFT)) - 1;
/// More wakers than there can be, if none is leaked; the other half of the range is for what threads add at once.
const TOO_MANY: u32 = u32::MAX / 2;
/// More than one operation has, and so few that what threads add at once stays within the bits.
const MOST_INLINE: u64 = 16;

static FOREIGN: RawWakerVTable = RawWakerVTable::new(clone_foreign, wake_foreign, wake_by_ref, drop_foreign);
static KNOWN: RawWakerVTable = RawWakerVTable::new(clone_known, wake_known, wake_by_ref, drop_known);
static TRACING_FOREIGN: RawWakerVTable =
    RawWakerVTable::new(clone_tracing_foreign, wake_foreign, wake_by_ref, drop_foreign);
/// Of what a task runs while it is traced: what is cloned there is no await of the task's.
static TRACING_KNOWN: RawWakerVTable = RawWakerVTable::new(clone_known, wake_known, wake_by_ref, drop_known);

/// The waker that `Observed` itself has: it keeps the cell and its `inner` alive while the future can be polled.
#[derive(Debug)]
pub(crate) struct OwnWaker {
    /// Of before the first poll this is a reference of its own. From then on it is the one that all the cell's wakers
    /// share, which is given back with the last of them.
    cell: ManuallyDrop<CellRef>,
}

impl OwnWaker {
    /// Of a task that has no waker yet.
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
        self.cell.wakers.load(Ordering::Relaxed) as u32 != 0
    }

    /// Takes the executor's waker. To be called once a cell, by the thread that polls the task.
    pub(crate) fn install(&self, executors: &Waker) {
        let executors = executors.clone();
        // SAFETY: no waker of the cell exists yet, so nothing else reads or writes `inner`.
        self.cell.inner.with_mut(|inner| unsafe { *inner = Some(executors) });
        // So that who finds a waker in `share` finds `inner`, too.
        self.cell.wakers.store(ONE, Ordering::Release);
    }

    /// One more, of a task that has a waker; for another thread than the one that polls the task. It must not outlive `cell`,
    /// by which the task's own waker sees that it is not the only one.
    pub(crate) fn share(cell: &CellRef) -> Option<OwnWaker> {
        let mut count = cell.wakers.load(Ordering::Relaxed);
        loop {
            if count as u32 == 0 {
                return None;
            }
            match cell.wakers.compare_exchange_weak(count, count + ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    // SAFETY: a waker lives, which has just been counted, and so does the shared reference, which is
                    // given back by `release` and not by this.
                    let shared = unsafe { CellRef::from_raw(cell.as_ptr()) };
                    return Some(OwnWaker { cell: ManuallyDrop::new(shared) });
                }
                Err(now) => count = now,
            }
        }
    }

    /// Wakes the task by the executor's waker: no wake of the program's, so it is not counted.
    pub(crate) fn wake_executor(&self) {
        // SAFETY: `self` is one of the wakers.
        unsafe { self.cell.wake_inner() };
    }

    /// Calls `f` with the task's waker, or with `executors` when the executor has changed it: that one is not followed.
    /// When `tracing`, the clones of the waker note their stacks.
    #[inline]
    pub(crate) fn with<R>(&self, executors: &Waker, tracing: bool, f: impl FnOnce(&Waker) -> R) -> R {
        // SAFETY: `self` is one of the wakers, so `inner` is set, and nobody writes to it.
        let inner = self.cell.inner.with(|inner| unsafe { (*inner).as_ref().map(Waker::data) });
        // By the data alone: one vtable may be at several addresses, when it is a constant.
        let same = inner == Some(executors.data());
        if same {
            f(&borrowed(&self.cell, if tracing { &TRACING_FOREIGN } else { &FOREIGN }))
        } else {
            if tracing {
                trace::not_followed(self.cell.as_ptr());
            }
            self.cell.other_wakers.store(true, Ordering::Relaxed);
            f(executors)
        }
    }
}

impl Drop for OwnWaker {
    #[inline]
    fn drop(&mut self) {
        // First the wakers: who has none any more, and had one, made references before.
        match (count(&self.cell), self.cell.count()) {
            // SAFETY: dropped once; the reference is not shared with any waker.
            (0, _) => unsafe { ManuallyDrop::drop(&mut self.cell) },
            // SAFETY: this is the last waker, and the shared reference the only one, so nobody can make another of either.
            (1, 1) => unsafe { end_of_wakers(self.cell.as_ptr()) },
            // SAFETY: `install` or `share` counted a waker, and this is where that one ends.
            _ => unsafe { release(self.cell.as_ptr(), ONE) },
        }
    }
}

impl TaskCell {
    /// Wakes the task by the executor's waker.
    ///
    /// # Safety
    /// One of the cell's wakers is live.
    unsafe fn wake_inner(&self) {
        self.inner.with(|inner| {
            // SAFETY: `inner` is set while a waker lives, and then only read.
            if let Some(inner) = unsafe { &*inner } {
                inner.wake_by_ref();
            }
        });
    }
}

/// A waker that is not counted, to be used while a counted one lives.
#[inline]
fn borrowed(cell: &CellRef, vtable: &'static RawWakerVTable) -> ManuallyDrop<Waker> {
    // SAFETY: the vtable's functions take a pointer to a `TaskCell` with at least one live waker, which the caller has.
    // It is never dropped, so no count is given back.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(cell.as_ptr().cast(), vtable)) })
}

/// Calls `f` with the waker for an executor that the task of `waker` runs: it tells the task to poll others, and nothing
/// that the task itself waits for. Another waker than a task's own is left as it is.
#[inline]
pub(crate) fn with_executors<R>(waker: &Waker, f: impl FnOnce(&Waker) -> R) -> R {
    exchanged(waker, [(&FOREIGN, &KNOWN), (&TRACING_FOREIGN, &TRACING_KNOWN)], f)
}

/// Calls `f` with the task's own waker, of the one that [`with_executors`] made of it.
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

/// The task to which a waker belongs.
pub(crate) struct Known<'a> {
    pub(crate) task: ManuallyDrop<CellRef>,
    /// The waker is a tracing one.
    pub(crate) tracing: bool,
    _waker: PhantomData<&'a Waker>,
}

/// `None` for a waker that is not one of ours.
#[inline]
pub(crate) fn known(waker: &Waker) -> Option<Known<'_>> {
    let is = |vtable: &'static RawWakerVTable| std::ptr::eq(waker.vtable(), vtable);
    let (cell, tracing) = if is(&FOREIGN) || is(&KNOWN) {
        (waker.data().cast::<TaskCell>(), false)
    } else if is(&TRACING_FOREIGN) || is(&TRACING_KNOWN) {
        (waker.data().cast::<TaskCell>(), true)
    } else {
        operation::cell_and_tracing(waker)?
    };
    // SAFETY: with one of our vtables it is a pointer from `CellRef::as_ptr` to a cell that lives as long as one of its
    // wakers does, and `waker`, which the result borrows, is one. The count is not ours, so it is not dropped.
    let task = ManuallyDrop::new(unsafe { CellRef::from_raw(cell) });
    Some(Known { task, tracing, _waker: PhantomData })
}

/// # Safety
/// `data` points to a `TaskCell` with at least one live waker.
unsafe fn cell<'a>(data: *const ()) -> &'a TaskCell {
    // SAFETY: the live waker keeps the shared reference, and so the cell.
    unsafe { &*data.cast::<TaskCell>() }
}

/// Counts one more waker, of a cell that has one.
#[inline]
fn add_waker(cell: &TaskCell, count: u64) {
    // As `Arc` does: were the count to come round, the cell would be freed under wakers that live.
    if cell.wakers.fetch_add(count, Ordering::Relaxed) as u32 > TOO_MANY {
        abort();
    }
}

unsafe fn clone_foreign(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is live.
    add_waker(unsafe { cell(data) }, ONE_FOREIGN);
    RawWaker::new(data, &FOREIGN)
}

unsafe fn clone_known(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is live.
    add_waker(unsafe { cell(data) }, ONE);
    RawWaker::new(data, &KNOWN)
}

// The name of this function is one of those where the frames of a stack begin that are of interest: see reference-server.

unsafe fn clone_tracing_foreign(data: *const ()) -> RawWaker {
    trace::record(data.cast());
    // SAFETY: the caller's promise is the same.
    unsafe { clone_foreign(data) }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker is live.
    unsafe { wake(cell(data), None) };
}

/// Polls what keeps the waker only to have the task polled again, once the executor has polled others: when it does so, that
/// is a wake that the task did itself, now. What keeps it then is the executor's part, which wakes nobody for anything
/// foreign; a waker that is not the polled task's own, and one that traces, is handed on.
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
    cell.inner.with(|inner| {
        // SAFETY: `inner` is set while a waker lives, as `waker` does, and then only read.
        let Some(inner) = (unsafe { &*inner }) else { return poll(cx) };
        let ready = poll(&mut Context::from_waker(inner));
        if ready.is_pending() {
            note_wake(cell, None);
        }
        ready
    })
}

/// Notes a wake, of this time or of now, and wakes the task.
///
/// # Safety
/// One of the cell's wakers is live.
unsafe fn wake(cell: &TaskCell, at: Option<u64>) {
    note_wake(cell, at);
    // SAFETY: the waker is live.
    unsafe { cell.wake_inner() };
}

fn note_wake(cell: &TaskCell, at: Option<u64>) {
    let by = current::recorded_id();
    cell.count_wake(by != 0 && current::is(cell));
    if cell.woken_at.load(Ordering::Relaxed) == 0 {
        cell.woken_by.store(by, Ordering::Relaxed);
        cell.woken_at.store(at.unwrap_or_else(clock::ticks), Ordering::Relaxed);
    }
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

/// Ends one waker; with the last one the executor's waker and the shared reference go.
///
/// # Safety
/// The caller ends a live waker that was counted with `count`.
unsafe fn release(data: *const TaskCell, count: u64) {
    // SAFETY: the waker is live until here.
    let before = unsafe { &*data }.wakers.fetch_sub(count, Ordering::AcqRel);
    if before as u32 == 1 {
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
    // SAFETY: no waker is left, `Observed`'s own included, so there is no poll to come and nobody reads `inner`; the shared
    // reference is the one that `OwnWaker::new` was given.
    unsafe {
        let inner = (*data).inner.with_mut(|inner| (*inner).take());
        drop(CellRef::from_raw(data));
        drop(inner);
    }
}

/// How many live wakers of the task are held by something foreign.
pub(crate) fn foreign_count(cell: &TaskCell) -> u64 {
    let foreign = cell.wakers.load(Ordering::Relaxed) >> FOREIGN_SHIFT & MOST_FOREIGN;
    foreign + u64::from(cell.other_wakers.load(Ordering::Relaxed))
}

/// Says how many that are, of a task of which somebody tells: no waker of ours is there.
pub(crate) fn set_foreign_count(cell: &TaskCell, count: u64) {
    // The low half stays 0, for there is no waker of ours to share.
    cell.wakers.store(count.min(MOST_FOREIGN) << FOREIGN_SHIFT, Ordering::Relaxed);
}

/// How many live wakers point to the task's wait in place. What those that are gone have written is then seen.
#[inline]
fn inline_count(cell: &TaskCell) -> u64 {
    cell.wakers.load(Ordering::Acquire) >> INLINE_SHIFT
}

/// How many live wakers the task has, with the one of `Observed`.
#[inline]
pub(crate) fn count(cell: &TaskCell) -> u32 {
    cell.wakers.load(Ordering::Acquire) as u32
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom), unix))]
mod tests {
    use super::*;
    use crate::task::{Body, Kind, TaskMeta};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::{env, panic::Location};

    static EXECUTOR: crate::Executor = crate::Executor::new("counted", "1.0", || None);
    /// Which clone is made in a process that is to end by it.
    const CLONE: &str = "INSIGHT_TEST_CLONE";

    /// Clones a waker of a task that seems to have so many already.
    fn clone_beside(kind: &str, count: u64) {
        let meta =
            TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location: Location::caller(), body: Body::UNKNOWN };
        let own = OwnWaker::new(TaskCell::spawned(meta, true));
        own.install(Waker::noop());
        own.cell().wakers.store(count, Ordering::Relaxed);
        let slot = Reserved::of(own.cell());
        let polling = Polling::new(own.cell(), None);
        let clone = match kind {
            "foreign" => own.with(Waker::noop(), false, Waker::clone),
            "known" => Waker::clone(&borrowed(own.cell(), &KNOWN)),
            "first of a slot" | "inline" => {
                let open = if kind == "inline" { Polling::new(own.cell(), Some(slot.slot().into())) } else { polling };
                let clone = Waker::clone(&open.waker(false));
                drop(open);
                clone
            }
            kind => panic!("{kind}"),
        };
        drop(clone);
        own.cell().wakers.store(ONE, Ordering::Relaxed);
    }

    #[test]
    fn a_count_that_would_come_round_ends_the_process() {
        if let Ok(kind) = env::var(CLONE) {
            return clone_beside(&kind, u64::from(TOO_MANY) + 1);
        }
        for kind in ["foreign", "known", "inline", "first of a slot"] {
            clone_beside(kind, u64::from(TOO_MANY));
            let mut child = Command::new(env::current_exe().unwrap());
            child.args(["--exact", "waker::tests::a_count_that_would_come_round_ends_the_process"]).env(CLONE, kind);
            let status = child.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            // SIGABRT.
            assert_eq!(status.signal(), Some(6), "{kind}: {status}");
        }
    }
}
