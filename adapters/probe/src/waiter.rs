//! A pending operation itself: how often it was polled, whether its task still polls it, and whether its wake has fired.
//!
//! It lies beside the open wait in its slot (see slots.rs), and is written with plain stores by the thread that polls the
//! operation. Only a wake comes from elsewhere. The recorder looks at it when it samples.

use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use crate::task::TaskCell;
use std::ptr;
use std::sync::atomic::Ordering;

/// It was not polled by its task, as far as is seen: by a combinator that has wakers of its own, or it blocks its thread.
/// Odd, as what is being polled.
const UNSEEN: u64 = u64::MAX;

/// Beside how often it was polled: wakes of this slot may be those of an earlier wait, so none is noted.
const NOT_FOLLOWED: u32 = 1 << 31;

/// The pending operation of a slot, and the wakers that point to the slot.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Waiter {
    /// In which poll of its task it was polled last, by that poll's number, twice; one more while it is being polled.
    polled: AtomicU64,
    /// When its wake fired; 0 when it did not since the last poll.
    granted: AtomicU64,
    /// How often it was polled, below [`NOT_FOLLOWED`]; stays where it is at the end of its range.
    polls: AtomicU32,
    /// How many wakers point to the slot, where its cell does not count them. While there is one, the slot is not used for
    /// another wait that follows wakes.
    wakers: AtomicU32,
    /// Whose slot it is, as `Arc::as_ptr` says; set before a waker points to the slot, and never another one's.
    cell: AtomicPtr<TaskCell>,
}

/// What is seen of a pending operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WaiterFacts {
    /// How often it was polled; 0 when that is not seen.
    pub polls: u32,
    /// Whether it was polled in its task's last poll.
    pub polled: Option<bool>,
    /// When its wake fired, in ticks; it was not polled since.
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

    /// Whether a waker points here. What a waker that is gone has written is then seen.
    pub(crate) fn has_wakers(&self) -> bool {
        self.wakers.load(Ordering::Acquire) != 0
    }

    /// The slot is another wait's from now on. To be called by who has reserved it.
    pub(crate) fn begin(&self, follows: bool) {
        self.polled.store(UNSEEN, Ordering::Relaxed);
        // A waker of an earlier wait cannot undo this, and what else it writes is not looked at.
        self.polls.store(if follows { 0 } else { NOT_FOLLOWED }, Ordering::Relaxed);
        self.granted.store(0, Ordering::Relaxed);
    }

    /// Whether wakers of the wait may point here: no other wait's do.
    pub(crate) fn follows(&self) -> bool {
        self.polls.load(Ordering::Relaxed) & NOT_FOLLOWED == 0
    }

    /// It is about to be polled, in the poll of this number; what it was granted, it can claim now.
    #[inline]
    pub(crate) fn begin_poll(&self, number: u64, cell: *const TaskCell) {
        self.cell.store(cell.cast_mut(), Ordering::Relaxed);
        self.polled.store(number << 1 | 1, Ordering::Relaxed);
        if self.granted.load(Ordering::Relaxed) != 0 {
            self.granted.store(0, Ordering::Relaxed);
        }
    }

    /// It was polled, and is pending.
    #[inline]
    pub(crate) fn end_poll(&self, number: Option<u64>) {
        self.polled.store(number.map_or(UNSEEN, |number| number << 1), Ordering::Relaxed);
        let polls = self.polls.load(Ordering::Relaxed);
        if polls & !NOT_FOLLOWED != !NOT_FOLLOWED {
            self.polls.store(polls + 1, Ordering::Relaxed);
        }
    }

    /// The task to which it belongs; to be asked of a waker that points here.
    pub(crate) fn cell(&self) -> *const TaskCell {
        self.cell.load(Ordering::Relaxed)
    }

    /// A waker is to point here, of this cell.
    #[inline]
    pub(crate) fn set_cell(&self, cell: *const TaskCell) {
        self.cell.store(cell.cast_mut(), Ordering::Relaxed);
    }

    /// One more waker points here.
    pub(crate) fn add_waker(&self) {
        self.wakers.fetch_add(1, Ordering::Relaxed);
    }

    /// One waker less points here; the caller has counted it.
    pub(crate) fn drop_waker(&self) {
        self.wakers.fetch_sub(1, Ordering::Release);
    }

    /// A waker that points here has fired. One that the task's own thread fires within the operation's poll is no grant:
    /// so an operation asks to be polled again, as one does that has used up its budget. When it
    /// was granted, if it is.
    pub(crate) fn fired(&self, by_its_task: bool, ticks: impl FnOnce() -> u64) -> Option<u64> {
        let yields = by_its_task && self.polled.load(Ordering::Relaxed) & 1 == 1;
        if yields || self.granted.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let now = ticks();
        // No exchange: the slot may be another wait's by now, but that one does not follow its wakes.
        self.granted.store(now, Ordering::Relaxed);
        Some(now)
    }

    /// What is seen of it, where its task has been polled so many times.
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
