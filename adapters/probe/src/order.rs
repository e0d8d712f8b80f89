//! One order of all facts, over all threads, at detail `operations`.
//!
//! Two threads may read the same time, so times alone do not order their facts. At this detail each fact takes a time that is
//! later than that of each fact before, from one word that all threads share. If one fact was recorded before another one began,
//! then its exchange of the word is before the other's, and so is its time (see `ring::drain` for the reader's part). At any other
//! detail, no thread touches the word.

use crate::sync::atomic::AtomicU64;
use crate::sync::statics;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether operations are recorded. The recorder's thread stores it, the program's threads load it, relaxed: an operation at that
/// moment may be recorded or not.
static ON: AtomicBool = AtomicBool::new(false);

statics! {
    /// The last time that was taken, in ticks. Any thread exchanges it: release, so that a later time shows the records before
    /// it, and acquire.
    static LAST: AtomicU64 = AtomicU64::new(0);
}

/// Starts or stops the order.
pub(crate) fn set_on(on: bool) {
    ON.store(on, Ordering::SeqCst);
}

/// Whether facts are ordered, and operations recorded.
#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The time of a fact that is being recorded, in ticks: `ticks` if possible, and later than each time before.
pub(crate) fn next(ticks: u64) -> u64 {
    let mut last = LAST.load(Ordering::Relaxed);
    loop {
        // Odd, as ticks are.
        let now = ticks.max(last + 2);
        match LAST.compare_exchange_weak(last, now, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return now,
            Err(other) => last = other,
        }
    }
}
