//! The waker of one pending operation: when it fires, the operation is granted.
//!
//! A waker that is kept points to the slot of its wait (see slots.rs), and from there to the task. But most operations
//! are ready at once and have no slot; so an operation without one is polled with a waker that points to the poll itself,
//! on the stack, and only its clone takes a slot. From the next poll on the operation is polled with a waker that is the
//! same as that clone: `will_wake` holds, and nothing is cloned again.
//!
//! A clone may be left behind where its operation was dropped, as in a channel that somebody received from. A slot is
//! not given to another wait that follows wakes while a waker points to it, so such a clone never grants what is not its
//! own. Clones are counted in their slot for that, besides in their cell, which they keep alive with its slots.

use super::{KNOWN, ONE, borrowed, release, wake};
use crate::slots::{Slot, WaitFacts};
use crate::task::TaskCell;
use crate::{clock, current, trace};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// Of a pending operation: the data points to its slot.
static WAITING: RawWakerVTable = RawWakerVTable::new(clone_waiting, wake_waiting, wake_waiting_by_ref, drop_waiting);
/// Of an operation that is being polled: the data points to its `Polling`, and the waker is only lent.
static POLLING: RawWakerVTable = RawWakerVTable::new(clone_polling, wake_polling, wake_polling, drop_polling);
static TRACING_POLLING: RawWakerVTable =
    RawWakerVTable::new(clone_tracing_polling, wake_polling, wake_polling, drop_polling);

/// One poll of an operation, by the task to which `cell` belongs.
#[derive(Debug)]
pub(crate) struct Polling<'a> {
    cell: &'a Arc<TaskCell>,
    /// The slot that the operation has since before.
    open: Option<NonNull<Slot>>,
    /// The slot that was taken for the first clone; null before.
    reserved: AtomicPtr<Slot>,
}

/// The waker of one poll.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    waker: ManuallyDrop<Waker>,
    /// What it may point to, which is not moved meanwhile.
    _polling: PhantomData<&'a Polling<'a>>,
}

impl Deref for Lent<'_> {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.waker
    }
}

/// A slot of a cell that was taken, and is nobody's wait yet; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reserved<'a>(&'a Slot);

impl<'a> Polling<'a> {
    /// `open` is the slot of the operation's open wait, one of `cell`'s.
    #[inline]
    pub(crate) fn new(cell: &'a Arc<TaskCell>, open: Option<NonNull<Slot>>) -> Polling<'a> {
        Polling { cell, open, reserved: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The operation is about to be polled, with this waker.
    #[inline]
    pub(crate) fn waker(&self, tracing: bool) -> Lent<'_> {
        if let Some(slot) = self.open() {
            slot.waiter.begin_poll(self.cell.poll_number(), Arc::as_ptr(self.cell));
        }
        let waker = match self.open() {
            _ if tracing => self.lent(&TRACING_POLLING),
            None => self.lent(&POLLING),
            Some(slot) if slot.waiter.follows() => {
                // SAFETY: the vtable's functions take a pointer to a slot of a cell with a live waker, such as that by
                // which the task is polled. Never dropped, so it is not counted.
                ManuallyDrop::new(unsafe { Waker::from_raw(waiting(slot)) })
            }
            Some(_) => borrowed(self.cell, &KNOWN),
        };
        Lent { waker, _polling: PhantomData }
    }

    /// The slot that was taken in the poll, if one was.
    #[inline]
    pub(crate) fn into_reserved(self) -> Option<Reserved<'a>> {
        let polling = ManuallyDrop::new(self);
        let slot = polling.reserved.load(Ordering::Acquire);
        // SAFETY: a slot of the cell, which is borrowed for `'a`.
        unsafe { slot.as_ref() }.map(Reserved)
    }

    #[inline]
    fn open(&self) -> Option<&Slot> {
        // SAFETY: by `new` a slot of the cell, which lives.
        self.open.map(|slot| unsafe { slot.as_ref() })
    }

    /// A waker that points here, not to be dropped.
    #[inline]
    fn lent(&self, vtable: &'static RawWakerVTable) -> ManuallyDrop<Waker> {
        // SAFETY: the vtable's functions take a pointer to a `Polling`, from any thread, and each use of the waker is
        // within a borrow of `self`. What its clone returns points elsewhere.
        ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(ptr::from_ref(self).cast(), vtable)) })
    }

    /// The slot of the operation; takes one first, if that is not done.
    fn slot(&self) -> &Slot {
        if let Some(slot) = self.open() {
            return slot;
        }
        let mut slot = self.reserved.load(Ordering::Acquire);
        if slot.is_null() {
            let fresh = self.cell.waits.reserve();
            let taken = ptr::from_ref(fresh).cast_mut();
            slot = match self.reserved.compare_exchange(ptr::null_mut(), taken, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => taken,
                // The poll has lent its waker to several threads.
                Err(other) => {
                    fresh.close();
                    other
                }
            };
        }
        // SAFETY: not null, so a slot of the cell, which lives.
        unsafe { &*slot }
    }
}

impl Drop for Polling<'_> {
    /// The operation is ready, or its poll panicked.
    fn drop(&mut self) {
        // SAFETY: a slot of the cell, which lives.
        drop(unsafe { self.reserved.get_mut().as_ref() }.map(Reserved));
    }
}

impl<'a> Reserved<'a> {
    /// The wait is open.
    pub(crate) fn fill(self, facts: &WaitFacts) -> &'a Slot {
        let slot = ManuallyDrop::new(self).0;
        slot.fill(facts);
        slot
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The cell of a waker of this file, and whether it is a tracing one.
pub(super) fn cell_and_tracing(waker: &Waker) -> Option<(*const TaskCell, bool)> {
    let data = waker.data();
    if ptr::eq(waker.vtable(), &WAITING) {
        // SAFETY: `waker` is live.
        return Some((unsafe { slot(data) }.waiter.cell(), false));
    }
    let tracing = ptr::eq(waker.vtable(), &TRACING_POLLING);
    (tracing || ptr::eq(waker.vtable(), &POLLING)).then(|| {
        // SAFETY: `waker` is lent.
        (Arc::as_ptr(unsafe { polling(data) }.cell), tracing)
    })
}

/// A waker that points to a slot, not counted yet.
fn waiting(slot: &Slot) -> RawWaker {
    RawWaker::new(ptr::from_ref(slot).cast(), &WAITING)
}

/// # Safety
/// `data` is that of a live waker of `WAITING`.
unsafe fn slot<'a>(data: *const ()) -> &'a Slot {
    // SAFETY: the waker is live, and keeps the cell of which the slot is a part.
    unsafe { &*data.cast::<Slot>() }
}

/// # Safety
/// `data` is that of a lent waker of `POLLING` or `TRACING_POLLING`.
unsafe fn polling<'a>(data: *const ()) -> &'a Polling<'a> {
    // SAFETY: the waker is lent while its `Polling` is borrowed.
    unsafe { &*data.cast::<Polling<'a>>() }
}

/// # Safety
/// `slot` is one of `cell`, which has a live waker.
unsafe fn count(slot: &Slot, cell: *const TaskCell) {
    // SAFETY: the live waker keeps the cell.
    unsafe { &*cell }.wakers.fetch_add(ONE, Ordering::Relaxed);
    slot.waiter.add_waker(cell);
}

unsafe fn clone_waiting(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is live, and so its slot's cell has one.
    unsafe {
        let slot = slot(data);
        count(slot, slot.waiter.cell());
        waiting(slot)
    }
}

unsafe fn clone_polling(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is lent.
    let polling = unsafe { polling(data) };
    let slot = polling.slot();
    if slot.waiter.follows() {
        // SAFETY: a slot of the cell, whose task is being polled with one of its wakers.
        unsafe { count(slot, Arc::as_ptr(polling.cell)) };
        waiting(slot)
    } else {
        // SAFETY: as above.
        unsafe { super::clone_known(Arc::as_ptr(polling.cell).cast()) }
    }
}

// The name of this function, too, is one where the frames of a stack begin that are of interest.

unsafe fn clone_tracing_polling(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is lent.
    trace::record(Arc::as_ptr(unsafe { polling(data) }.cell));
    // SAFETY: the caller's promise is the same.
    unsafe { clone_polling(data) }
}

/// The operation asks within its poll to be polled again: that is no grant.
unsafe fn wake_polling(data: *const ()) {
    // SAFETY: the waker is lent, and a task is polled with a live waker.
    unsafe { wake(polling(data).cell, None) };
}

unsafe fn drop_polling(_: *const ()) {}

unsafe fn wake_waiting_by_ref(data: *const ()) {
    // SAFETY: the waker is live, and keeps the cell and its slots.
    unsafe {
        let slot = slot(data);
        let cell = &*slot.waiter.cell();
        // Before the wake: after it the operation may be polled, and has then claimed what this grants.
        let granted_at = slot.waiter.fired(current::is(cell), clock::ticks);
        wake(cell, granted_at);
    }
}

unsafe fn wake_waiting(data: *const ()) {
    // SAFETY: the waker is live, and this call ends it.
    unsafe {
        wake_waiting_by_ref(data);
        drop_waiting(data);
    }
}

unsafe fn drop_waiting(data: *const ()) {
    // SAFETY: the waker is live, and this call ends it: first in its slot, which may be gone with the cell.
    unsafe {
        let slot = slot(data);
        let cell = slot.waiter.cell();
        slot.waiter.drop_waker();
        release(cell, ONE);
    }
}
