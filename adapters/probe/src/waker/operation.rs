//! The waker of one pending operation: when it fires, the operation is granted.
//!
//! A waker that is kept points to the slot of its wait (see slots.rs), and from there to the task. But most operations
//! are ready at once and have no slot; so an operation without one is polled with a waker that points to the poll itself,
//! on the stack, and only its clone takes a slot. From the next poll on the operation is polled with a waker that is the
//! same as that clone: `will_wake` is true, and the operation does not clone again.
//!
//! A clone may remain after its operation was dropped, for example in a channel. While a waker points to a slot, no other
//! wait that follows wakes gets that slot, so such a clone never grants another wait. For this the slot counts its
//! clones; the cell counts them, too, and they keep it alive with its slots.

use super::task::{self, KNOWN, borrowed, release, wake};
use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::fact::Fact;
use crate::operation::{Event, OperationFact};
use crate::slots::{Slot, Taker, WaitFacts};
use crate::wakers::{ONE, ONE_INLINE};
use crate::{clock, current, order, ring, trace};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// More wakers to the wait in place than one operation has; few enough that concurrent additions stay within the bits.
const MOST_INLINE: u64 = 16;

/// For a pending operation: the data points to its slot.
static WAITING: RawWakerVTable = RawWakerVTable::new(clone_waiting, wake_waiting, wake_waiting_by_ref, drop_waiting);
/// For an operation that is being polled: the data points to its `Polling`, and the waker is only lent.
static POLLING: RawWakerVTable = RawWakerVTable::new(clone_polling, wake_polling, wake_polling, drop_polling);
static TRACING_POLLING: RawWakerVTable =
    RawWakerVTable::new(clone_tracing_polling, wake_polling, wake_polling, drop_polling);

/// One poll of an operation, by the task to which `cell` belongs.
#[derive(Debug)]
pub(crate) struct Polling<'a> {
    cell: &'a CellRef,
    /// The slot that the operation had before this poll.
    open: Option<NonNull<Slot>>,
    /// The slot that was taken for the first clone; null before. Only the polling thread uses it.
    reserved: AtomicPtr<Slot>,
}

/// The waker of one poll.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    waker: ManuallyDrop<Waker>,
    /// The waker may point to this borrow, which does not move meanwhile.
    _polling: PhantomData<&'a Polling<'a>>,
}

impl Deref for Lent<'_> {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.waker
    }
}

/// A slot of a cell that was taken, and has no wait yet. Dropping this gives the slot back.
#[derive(Debug)]
pub(crate) struct Reserved<'a>(&'a Slot);

impl<'a> Polling<'a> {
    /// `open` is the slot of the operation's open wait, one of `cell`'s.
    #[inline]
    pub(crate) fn new(cell: &'a CellRef, open: Option<NonNull<Slot>>) -> Polling<'a> {
        Polling { cell, open, reserved: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The operation is about to be polled, with this waker.
    #[inline]
    pub(crate) fn waker(&self, tracing: bool) -> Lent<'_> {
        if let Some(slot) = self.open() {
            slot.waiter.begin_poll(self.cell.times().poll_number(), self.cell.as_ptr().cast());
        }
        let waker = match self.open() {
            slot if tracing => {
                trace::operation(self.cell.as_ptr(), slot.and_then(Slot::edge));
                self.lent(&TRACING_POLLING)
            }
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

    /// Takes a slot before the poll, unless the operation has one. Returns its address; `None` if it has none, or had one before.
    pub(crate) fn takes_slot(&self) -> Option<usize> {
        let had_one = self.open.is_some();
        self.slot().filter(|slot| !had_one && slot.waiter.follows()).map(|slot| ptr::from_ref(slot).addr())
    }

    /// The slot that was taken in the poll, if one was.
    #[inline]
    pub(crate) fn into_reserved(self) -> Option<Reserved<'a>> {
        let polling = ManuallyDrop::new(self);
        let slot = polling.reserved.load(Ordering::Relaxed);
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
        // within a borrow of `self`. Its clones do not point here.
        ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(ptr::from_ref(self).cast(), vtable)) })
    }

    /// The slot of the operation; takes one first if necessary. `None` on another thread to which the poll has lent its
    /// waker: only the task's own thread takes a slot for it.
    fn slot(&self) -> Option<&Slot> {
        if let Some(slot) = self.open() {
            return Some(slot);
        }
        if !current::is(self.cell) {
            return None;
        }
        let mut slot = self.reserved.load(Ordering::Relaxed);
        if slot.is_null() {
            slot = ptr::from_ref(ManuallyDrop::new(Reserved::of(self.cell)).0).cast_mut();
            self.reserved.store(slot, Ordering::Relaxed);
        }
        // SAFETY: not null, so a slot of the cell, which lives.
        unsafe { slot.as_ref() }
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
    /// One of the cell's.
    #[inline]
    pub(crate) fn of(cell: &'a TaskCell) -> Reserved<'a> {
        let taker = match current::is(cell) {
            _ if !cell.is_followed() => Taker::Any,
            true => Taker::Own,
            false => Taker::Another,
        };
        Reserved(cell.waits().reserve(taker, || cell.wakers().inline() != 0))
    }

    #[inline]
    pub(crate) fn slot(&self) -> &'a Slot {
        self.0
    }

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
        return Some((cell_of(unsafe { slot(data) }), false));
    }
    let tracing = ptr::eq(waker.vtable(), &TRACING_POLLING);
    (tracing || ptr::eq(waker.vtable(), &POLLING)).then(|| {
        // SAFETY: `waker` is lent.
        (unsafe { polling(data) }.cell.as_ptr(), tracing)
    })
}

/// The cell of a slot to which a waker points.
#[inline]
fn cell_of(slot: &Slot) -> *const TaskCell {
    slot.waiter.cell().cast()
}

/// A waker that points to a slot, not counted yet.
fn waiting(slot: &Slot) -> RawWaker {
    RawWaker::new(ptr::from_ref(slot).cast(), &WAITING)
}

/// # Safety
/// `data` is that of a live waker of `WAITING`.
unsafe fn slot<'a>(data: *const ()) -> &'a Slot {
    // SAFETY: the waker is live, and the slot a part of its cell (cell_ref.rs, "slots").
    unsafe { &*data.cast::<Slot>() }
}

/// # Safety
/// `data` is that of a lent waker of `POLLING` or `TRACING_POLLING`.
unsafe fn polling<'a>(data: *const ()) -> &'a Polling<'a> {
    // SAFETY: the waker is lent while its `Polling` is borrowed (cell_ref.rs, "lent").
    unsafe { &*data.cast::<Polling<'a>>() }
}

/// A counted waker that points to a slot and is followed there; or an unfollowed one, if there are too many.
///
/// # Safety
/// `slot` is one of `cell`, which has a live waker.
#[inline]
unsafe fn cloned(slot: &Slot, cell: *const TaskCell) -> RawWaker {
    // SAFETY: the live waker keeps the cell.
    let task = unsafe { &*cell };
    slot.waiter.set_cell(cell.cast());
    if !task.waits().is_inline(slot) {
        task.wakers().add(ONE);
        slot.waiter.add_waker();
    } else if task.wakers().inline() < MOST_INLINE {
        task.wakers().add(ONE_INLINE);
    } else {
        // SAFETY: the caller's promise: the cell has a live waker.
        return unsafe { task::clone_known(cell.cast()) };
    }
    waiting(slot)
}

unsafe fn clone_waiting(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is live, and so its slot's cell has one.
    unsafe {
        let slot = slot(data);
        cloned(slot, cell_of(slot))
    }
}

unsafe fn clone_polling(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is lent.
    let polling = unsafe { polling(data) };
    // SAFETY: a slot of the cell, whose task is being polled with one of its wakers.
    unsafe {
        match polling.slot().filter(|slot| slot.waiter.follows()) {
            Some(slot) => cloned(slot, polling.cell.as_ptr()),
            None => task::clone_known(polling.cell.as_ptr().cast()),
        }
    }
}

// The name of this function, too, is one where the frames of a stack begin that are of interest.

unsafe fn clone_tracing_polling(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned is lent.
    let polling = unsafe { polling(data) };
    trace::record(polling.cell.as_ptr(), polling.open().and_then(Slot::edge));
    // SAFETY: the caller's promise is the same.
    unsafe { clone_polling(data) }
}

/// A wake within the operation's own poll: it asks to be polled again, and grants nothing.
unsafe fn wake_polling(data: *const ()) {
    // SAFETY: the waker is lent, and a task is polled with a live waker.
    unsafe { wake(polling(data).cell, None) };
}

unsafe fn drop_polling(_: *const ()) {}

unsafe fn wake_waiting_by_ref(data: *const ()) {
    // SAFETY: the waker is live, and keeps the cell and its slots.
    unsafe {
        let slot = slot(data);
        let cell = &*cell_of(slot);
        // Before the wake: after it the operation may be polled, and would then have claimed the grant already.
        let granted_at = slot.waiter.fired(current::is(cell), clock::ticks);
        if order::is_on() && granted_at.is_some() {
            record_grant(slot);
        }
        wake(cell, granted_at);
    }
}

/// Records a grant at detail `operations`, before the wake.
#[cold]
#[inline(never)]
fn record_grant(slot: &Slot) {
    let event = Event::Granted(ptr::from_ref(slot).addr() as u64);
    let fact = Fact::Operation(OperationFact { id: 0, task: current::recorded_id(), event });
    let _ = ring::push_opening(clock::ticks(), fact);
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
        let cell = cell_of(slot);
        if (*cell).waits().is_inline(slot) {
            release(cell, ONE_INLINE);
        } else {
            slot.waiter.drop_waker();
            release(cell, ONE);
        }
    }
}
