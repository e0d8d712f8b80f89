//! The number of a task's wakers, by kind, and the executor's waker that they share.
//!
//! The executor's waker is written while no waker of the task lives, and only read while one does. So the number of wakers
//! orders it: the thread that makes the first one publishes it by a release store, and the thread that drops the last one
//! takes it after a decrement with acquire and release, so it observes everything that the others did.

use crate::sync::UnsafeCell;
use crate::sync::atomic::AtomicU64;
use std::process::abort;
use std::sync::atomic::Ordering;
use std::task::Waker;

/// One word counts a cell's wakers. The low half counts all of them; the last one gives back their shared reference. The
/// bits above it count the wakers that something foreign holds, and the highest bits those that point to the task's wait in
/// place. If one of these two counts overflows, the counts above it, and so the facts sent, are wrong until it falls again.
/// The low half never overflows: it keeps the cell alive, so past [`TOO_MANY`] the process ends.
pub(crate) const ONE: u64 = 1;
pub(crate) const ONE_FOREIGN: u64 = 1 << FOREIGN_SHIFT | ONE;
pub(crate) const ONE_INLINE: u64 = 1 << INLINE_SHIFT | ONE;
const FOREIGN_SHIFT: u32 = 32;
const INLINE_SHIFT: u32 = 58;
const MOST_FOREIGN: u64 = (1 << (INLINE_SHIFT - FOREIGN_SHIFT)) - 1;
/// More wakers than can exist, unless some are leaked. The other half of the range is for concurrent additions.
pub(crate) const TOO_MANY: u32 = u32::MAX / 2;

/// The wakers of one task.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Wakers {
    /// Any thread that has a waker writes it. The first waker is stored with release, and the last one is subtracted with
    /// acquire and release: see the module's documentation. Readers that need the effects of dropped wakers load it with
    /// acquire, others relaxed.
    counts: AtomicU64,
    /// Set before the first waker exists, and taken with the last one.
    executors: UnsafeCell<Option<Waker>>,
}

// SAFETY: `executors` is written only while there is no waker, by the one thread that may make the first or has dropped the
// last one, and read only while there is one; `counts` orders that.
unsafe impl Sync for Wakers {}
// SAFETY: `Waker` is Send.
unsafe impl Send for Wakers {}

impl Wakers {
    pub(crate) fn new() -> Wakers {
        Wakers { counts: AtomicU64::new(0), executors: UnsafeCell::new(None) }
    }

    /// Whether the first waker was made, and the last one was not dropped.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.counts.load(Ordering::Relaxed) as u32 != 0
    }

    /// Stores the executor's waker, and counts the first waker.
    ///
    /// # Safety
    /// No waker of the cell was made yet, and only the calling thread makes the first one.
    pub(crate) unsafe fn install(&self, executors: Waker) {
        // SAFETY: no waker exists, so nothing else reads or writes it.
        self.executors.with_mut(|place| unsafe { *place = Some(executors) });
        // Release, so that a thread that finds a waker in `share` finds `executors`, too.
        self.counts.store(ONE, Ordering::Release);
    }

    /// Adds a waker, if there is one. Returns whether there was.
    pub(crate) fn share(&self) -> bool {
        let mut count = self.counts.load(Ordering::Relaxed);
        while count as u32 != 0 {
            match self.counts.compare_exchange_weak(count, count + ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
        false
    }

    /// Adds a waker of the kind `one`. The caller has one already.
    #[inline]
    pub(crate) fn add(&self, one: u64) {
        // Like `Arc`: if the count overflowed, the cell would be freed while wakers live.
        if self.counts.fetch_add(one, Ordering::Relaxed) as u32 > TOO_MANY {
            abort();
        }
    }

    /// Subtracts a waker of the kind `one`, and returns whether that was the last one of all kinds.
    #[inline]
    pub(crate) fn remove(&self, one: u64) -> bool {
        self.counts.fetch_sub(one, Ordering::AcqRel) as u32 == 1
    }

    /// Calls `f` with the executor's waker.
    ///
    /// # Safety
    /// One of the cell's wakers is live until `f` returns.
    #[inline]
    pub(crate) unsafe fn with_executors<R>(&self, f: impl FnOnce(Option<&Waker>) -> R) -> R {
        // SAFETY: it is set while a waker lives, and then only read.
        self.executors.with(|executors| f(unsafe { (*executors).as_ref() }))
    }

    /// Takes the executor's waker out.
    ///
    /// # Safety
    /// No waker is left, nor can one be made; and only one caller finds that.
    #[inline]
    pub(crate) unsafe fn take_executors(&self) -> Option<Waker> {
        // SAFETY: no waker is left, so nothing else reads it.
        self.executors.with_mut(|executors| unsafe { (*executors).take() })
    }

    /// Number of live wakers, including the one of `Observed`. The effects of dropped wakers are visible (acquire).
    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.counts.load(Ordering::Acquire) as u32
    }

    /// Number of live wakers that something foreign holds.
    pub(crate) fn foreign(&self) -> u64 {
        self.counts.load(Ordering::Relaxed) >> FOREIGN_SHIFT & MOST_FOREIGN
    }

    /// For a reported task (`RawTask`): sets the number of wakers that something foreign holds.
    pub(crate) fn set_foreign(&self, count: u64) {
        // The low half stays 0, since there is no waker of ours to share.
        self.counts.store(count.min(MOST_FOREIGN) << FOREIGN_SHIFT, Ordering::Relaxed);
    }

    /// Number of live wakers that point to the task's wait in place. The writes of dropped ones are visible (acquire).
    #[inline]
    pub(crate) fn inline(&self) -> u64 {
        self.counts.load(Ordering::Acquire) >> INLINE_SHIFT
    }

    #[cfg(all(test, not(loom), unix))]
    pub(crate) fn set_counts(&self, counts: u64) {
        self.counts.store(counts, Ordering::Relaxed);
    }

    #[cfg(all(test, loom))]
    pub(crate) fn counts(&self) -> u64 {
        self.counts.load(Ordering::Relaxed)
    }
}
