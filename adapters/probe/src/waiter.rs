//! A pending operation itself: how often it was polled, whether its task still polls it, and whether its wake has fired.
//!
//! It is beside the open wait in its slot (see slots.rs). The thread that polls the operation writes it with plain stores;
//! other threads write only wakes. The recorder samples it.

use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use std::ptr;
use std::sync::atomic::Ordering;

/// No observed poll by its task: a combinator polls it with wakers of its own, or it blocks its thread. Odd, like the number
/// of a poll that has not ended.
const UNSEEN: u64 = u64::MAX;

/// A flag beside the number of polls: wakes of this slot may belong to an earlier wait, so none is recorded.
const NOT_FOLLOWED: u32 = 1 << 31;

/// The pending operation of a slot, and the wakers that point to the slot.
///
/// If no ordering is named, it is relaxed: the recorder reads each field by itself.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Waiter {
    /// In which poll of its task it was polled last, by that poll's number, twice; one more while it is being polled. The
    /// thread that polls the operation stores it, before the task's poll is counted, which the recorder acquires.
    polled: AtomicU64,
    /// When its wake fired; 0 when it did not since the last poll. A waker's thread stores a time, the thread that polls the
    /// operation 0, the recorder loads it.
    granted: AtomicU64,
    /// How often it was polled, below [`NOT_FOLLOWED`]; stays where it is at the end of its range. The
    /// thread that polls the operation stores it, a waker's thread and the recorder load it.
    polls: AtomicU32,
    /// Number of wakers that point to the slot, if its cell does not count them. Any thread that has one adds, and subtracts
    /// with release; a thread that takes the slot acquires it. While there is one, no other wait that follows wakes uses
    /// the slot.
    wakers: AtomicU32,
    /// The cell of the slot, as in a waker's data. Set before a waker points to the slot, and always the same cell. The
    /// thread that makes the waker stores it, a waker's thread loads it; passing the waker between them orders that.
    cell: AtomicPtr<()>,
}

/// The sampled state of a pending operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WaiterFacts {
    /// Number of polls; 0 if not observed.
    pub polls: u32,
    /// Whether it was polled in its task's last poll.
    pub polled: Option<bool>,
    /// The time at which its wake fired, in ticks, if it was not polled since.
    pub granted: Option<u64>,
}

impl Waiter {
    pub(crate) fn new() -> Waiter {
        Waiter {
            polled: AtomicU64::new(UNSEEN),
            granted: AtomicU64::new(0),
            polls: AtomicU32::new(0),
            wakers: AtomicU32::new(0),
            cell: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Whether a waker points here. If not, the writes of dropped wakers are visible (acquire).
    pub(crate) fn has_wakers(&self) -> bool {
        self.wakers.load(Ordering::Acquire) != 0
    }

    /// The slot is another wait's from now on. Called by the thread that has reserved it.
    pub(crate) fn begin(&self, follows: bool) {
        self.polled.store(UNSEEN, Ordering::Relaxed);
        // A waker of an earlier wait cannot undo this, and we ignore its other writes.
        self.polls.store(if follows { 0 } else { NOT_FOLLOWED }, Ordering::Relaxed);
        self.granted.store(0, Ordering::Relaxed);
    }

    /// Whether wakers of the wait may point here: no other wait's do.
    pub(crate) fn follows(&self) -> bool {
        self.polls.load(Ordering::Relaxed) & NOT_FOLLOWED == 0
    }

    /// Begins a poll of it, in the task's poll of this number; it can claim its grant now.
    #[inline]
    pub(crate) fn begin_poll(&self, number: u64, cell: *const ()) {
        self.cell.store(cell.cast_mut(), Ordering::Relaxed);
        self.polled.store(number << 1 | 1, Ordering::Relaxed);
        if self.granted.load(Ordering::Relaxed) != 0 {
            self.granted.store(0, Ordering::Relaxed);
        }
    }

    /// Ends a poll of it that was pending.
    #[inline]
    pub(crate) fn end_poll(&self, number: Option<u64>) {
        self.polled.store(number.map_or(UNSEEN, |number| number << 1), Ordering::Relaxed);
        let polls = self.polls.load(Ordering::Relaxed);
        if polls & !NOT_FOLLOWED != !NOT_FOLLOWED {
            self.polls.store(polls + 1, Ordering::Relaxed);
        }
    }

    /// Number of its polls, for [`set_polls`](Waiter::set_polls). By the thread that polls the operation.
    pub(crate) fn polls(&self) -> u32 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Takes back polls of it that are not counted. By the thread that polls the operation.
    pub(crate) fn set_polls(&self, polls: u32) {
        self.polls.store(polls, Ordering::Relaxed);
    }

    /// The task to which it belongs; to be asked of a waker that points here.
    pub(crate) fn cell(&self) -> *const () {
        self.cell.load(Ordering::Relaxed)
    }

    /// A waker is to point here, of this cell.
    #[inline]
    pub(crate) fn set_cell(&self, cell: *const ()) {
        self.cell.store(cell.cast_mut(), Ordering::Relaxed);
    }

    /// Counts another waker that points here.
    pub(crate) fn add_waker(&self) {
        self.wakers.fetch_add(1, Ordering::Relaxed);
    }

    /// One waker less points here; the caller has counted it.
    pub(crate) fn drop_waker(&self) {
        self.wakers.fetch_sub(1, Ordering::Release);
    }

    /// A waker that points here has fired. Returns the time of the grant, if it is one. A wake by the task's own thread
    /// within the operation's poll is no grant: with it an operation that has used up its budget asks to be polled again.
    pub(crate) fn fired(&self, by_its_task: bool, ticks: impl FnOnce() -> u64) -> Option<u64> {
        let yields = by_its_task && self.polled.load(Ordering::Relaxed) & 1 == 1;
        if yields || self.granted.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let now = ticks();
        // No exchange: another wait may have the slot by now, but that wait does not follow its wakes.
        self.granted.store(now, Ordering::Relaxed);
        Some(now)
    }

    /// Its state, in a task with this number of polls.
    pub(crate) fn read(&self, task_polls: u64) -> WaiterFacts {
        let polled = self.polled.load(Ordering::Relaxed);
        let granted = self.granted.load(Ordering::Relaxed);
        let polls = self.polls.load(Ordering::Relaxed);
        WaiterFacts {
            polls: polls & !NOT_FOLLOWED,
            polled: (polled != UNSEEN).then_some(polled >> 1 >= task_polls),
            granted: (granted != 0 && polls & NOT_FOLLOWED == 0).then_some(granted),
        }
    }
}
