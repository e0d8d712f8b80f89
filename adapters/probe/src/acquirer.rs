//! The operation that has acquired a guard.

use crate::cell::TaskCell;
use std::ptr;

/// The operation that has acquired a guard, by its address.
///
/// It decides whether the task can give the guard away unobserved: see [`Lock::acquired`](crate::Lock::acquired).
#[derive(Clone, Copy, Debug)]
pub struct Acquirer(usize);

impl Acquirer {
    /// The guard is owned, or no operation has acquired it, such as after `try_lock`.
    pub const NONE: Acquirer = Acquirer(0);

    /// `operation` is a future, or a part of one, that has just acquired a guard which borrows its lock.
    #[inline]
    pub fn operation<T>(operation: &T) -> Acquirer {
        Acquirer(ptr::from_ref(operation).addr())
    }

    #[inline]
    pub(crate) fn to_bits(self) -> usize {
        self.0
    }

    /// `bits` is what [`to_bits`](Acquirer::to_bits) has returned.
    pub(crate) fn from_bits(bits: usize) -> Acquirer {
        Acquirer(bits)
    }

    /// Whether only this task can have the guard. The task's thread calls it, or the recorder.
    #[inline]
    pub(crate) fn is_kept_by(self, task: &TaskCell) -> bool {
        task.keeps(self.0)
    }
}
