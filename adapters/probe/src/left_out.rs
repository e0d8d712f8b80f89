//! The tasks that are alive and not recorded, for lack of room.

use std::sync::atomic::{AtomicU64, Ordering};

/// Their number. Written by any thread, read by the recorder; no other memory depends on it.
static TASKS: AtomicU64 = AtomicU64::new(0);

/// Whether a task is one of them. Counts it from [`mark`](LeftOut::mark) until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct LeftOut(bool);

impl LeftOut {
    /// A task that is not, yet.
    pub(crate) const NO: LeftOut = LeftOut(false);

    /// A task for which there was no room.
    pub(crate) fn marked() -> LeftOut {
        let mut left_out = LeftOut::NO;
        left_out.mark();
        left_out
    }

    /// Counts the task, once.
    pub(crate) fn mark(&mut self) {
        if !self.0 {
            self.0 = true;
            TASKS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for LeftOut {
    #[inline]
    fn drop(&mut self) {
        if self.0 {
            TASKS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The number of tasks that are left out now.
pub(crate) fn tasks() -> u64 {
    TASKS.load(Ordering::Relaxed)
}
