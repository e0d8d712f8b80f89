//! The number of references to a cell.

use crate::sync::atomic::{AtomicUsize, fence};
use std::process::abort;
use std::sync::atomic::Ordering;

/// More references than can exist, unless some are leaked.
const TOO_MANY: usize = isize::MAX as usize;

/// Each thread that has a reference writes and reads it. A thread gives its reference back with release, and a thread that
/// finds the others gone reads with acquire: then it observes everything that they did with the cell.
#[derive(Debug)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    /// For a cell that is being made.
    pub(crate) fn one() -> Count {
        Count(AtomicUsize::new(1))
    }

    #[inline]
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Makes it 2. It has to be 1, and the caller has the only reference.
    #[inline]
    pub(super) fn one_to_two(&self) {
        self.0.store(2, Ordering::Relaxed);
    }

    /// Makes it 1. It has to be 2, and the caller has both references.
    #[inline]
    pub(super) fn two_to_one(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// Adds one. Relaxed, as in `Arc`: the caller has a reference.
    #[inline]
    pub(super) fn add(&self) {
        if self.0.fetch_add(1, Ordering::Relaxed) > TOO_MANY {
            abort();
        }
    }

    /// Subtracts one, and returns whether that was the last reference. If so, all that the other threads did with the cell is
    /// visible to this one (acquire).
    #[inline]
    pub(super) fn remove(&self) -> bool {
        let last = self.0.fetch_sub(1, Ordering::Release) == 1;
        if last {
            fence(Ordering::Acquire);
        }
        last
    }
}
