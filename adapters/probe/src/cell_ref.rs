//! A counted reference to a task's cell.
//!
//! It is std's `Arc` without weak references. So it costs less while only one owner can have the cell: then the count is
//! read and written, and not exchanged. A locked instruction takes as long as a read of the clock, and a task that is
//! spawned and ends at once would have ten of them.
//!
//! # The lifetime of a cell
//!
//! A cell lives as long as one reference to it is counted, and is freed with the last one. Code that has a plain pointer to a
//! cell, or to a part of one, may use it for one of these reasons. Its SAFETY comment names the reason.
//!
//! - **Counted.** A [`CellRef`] is one reference of the [`Count`]. A borrow of a `CellRef` is a borrow of the cell.
//! - **Wakers.** All wakers of a task share one counted reference, the one that `OwnWaker::new` was given. They have a count
//!   of their own (wakers.rs); the last of them gives the shared reference back, in `end_of_wakers`. So the pointer in a
//!   waker's data is valid as long as that waker is live, and so is the executor's waker in the cell. A waker is made from a
//!   live one, or by `OwnWaker::install` before there is any, or by `OwnWaker::share`, which makes none if there is none:
//!   after the last one is dropped, no other is made.
//! - **Lent.** A waker that is lent for a poll is not counted. It is used within a borrow of an `OwnWaker`, which is a live
//!   waker; or of a `Polling`, which borrows a `CellRef` and is polled with a live waker. It is never dropped.
//! - **Slots.** The slots of a task's waits, with the blocks of further slots, are parts of the cell and are freed with it, not
//!   before. A waker that points to a slot is one of the cell's wakers; an open wait has a `CellRef`.
//! - **Current.** The pointer to the task that runs on a thread (current.rs) is set by an `Entered`, which borrows a `CellRef`
//!   until it has restored the previous pointer; or by a `Swapped`, which owns a `CellRef`, and leaks it if polls end in the
//!   wrong order.
//! - **Queue.** The queue of a spawn owns a reference, until the recorder reads the spawn or the task takes it back, by one
//!   exchange of the claim (ring.rs): one of them has it, and never both. A claim itself is in a block, which is never
//!   freed.
//!
//! While the count is 1, its only owner needs no exchange: no other thread has a reference to clone. If that is the wakers'
//! shared reference, this also needs that no waker is left except the owner's. So the wakers are counted first: a dropped
//! waker has made its references before.

mod count;

pub(crate) use count::Count;

use crate::cell::TaskCell;
use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

/// Keeps a task's cell alive.
#[derive(Debug)]
pub(crate) struct CellRef(NonNull<TaskCell>);

// SAFETY: a `TaskCell` is Send and Sync, and the count has the orderings that it needs (`Count`).
unsafe impl Send for CellRef {}
// SAFETY: a shared `CellRef` gives a shared `TaskCell`, which is Sync, and clones, which are Send.
unsafe impl Sync for CellRef {}

// The program reads nothing of a cell (`TaskCell`).
impl UnwindSafe for CellRef {}
impl RefUnwindSafe for CellRef {}

impl CellRef {
    /// The only reference to a new cell, which `write` writes in its final place: moving it there would take longer than
    /// everything else.
    #[inline]
    pub(crate) fn new(write: impl FnOnce(&mut MaybeUninit<TaskCell>) -> &mut TaskCell) -> CellRef {
        let mut cell = Memory::take();
        write(&mut cell);
        // SAFETY: `write` has returned a `TaskCell` that can only be there, and its count is 1.
        CellRef(NonNull::from(Box::leak(unsafe { cell.assume_init() })))
    }

    /// The pointer to the cell, valid for freeing it.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const TaskCell {
        self.0.as_ptr()
    }

    /// Turns the reference into a pointer for [`from_raw`](CellRef::from_raw).
    #[inline]
    pub(crate) fn into_raw(self) -> *const TaskCell {
        ManuallyDrop::new(self).as_ptr()
    }

    /// # Safety
    /// `cell` is from `as_ptr` or `into_raw`, and a counted reference belongs to it. If another owner has that reference, the
    /// result must not be dropped, nor outlive it.
    #[inline]
    pub(crate) unsafe fn from_raw(cell: *const TaskCell) -> CellRef {
        // SAFETY: the pointer is from a `NonNull`.
        CellRef(unsafe { NonNull::new_unchecked(cell.cast_mut()) })
    }

    /// Whether both are references to one cell.
    #[inline]
    pub(crate) fn is(&self, other: &CellRef) -> bool {
        self.0 == other.0
    }

    /// Number of references. The effects of dropped ones are visible (acquire).
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.refs().get()
    }

    /// The cell, if this is the only reference.
    pub(crate) fn get_mut(&mut self) -> Option<&mut TaskCell> {
        if self.count() != 1 {
            return None;
        }
        // SAFETY: borrowed for as long as `self`, which cannot be cloned meanwhile.
        Some(unsafe { self.0.as_mut() })
    }

    /// A clone. `&mut` makes sure that no other thread clones a reference that is the only one.
    #[inline]
    pub(crate) fn another(&mut self) -> CellRef {
        if self.count() != 1 {
            return self.clone();
        }
        self.refs().one_to_two();
        CellRef(self.0)
    }

    /// Drops `other`, a reference to the same cell.
    ///
    /// # Safety
    /// If the count is 2, for these two references, then no other thread makes a third one, from a waker or a borrow.
    #[inline]
    pub(crate) unsafe fn drop_other(&self, other: CellRef) {
        debug_assert!(self.is(&other));
        if self.count() == 2 {
            self.refs().two_to_one();
            std::mem::forget(other);
        }
    }

    #[inline(never)]
    fn free(&mut self) {
        // SAFETY: made by `Box::leak`, and the last reference is being dropped. Afterwards it is uninitialized memory.
        let place = unsafe {
            self.0.drop_in_place();
            Box::from_raw(self.0.as_ptr().cast::<MaybeUninit<TaskCell>>())
        };
        Memory::give(place);
    }
}

impl Deref for CellRef {
    type Target = TaskCell;

    #[inline]
    fn deref(&self) -> &TaskCell {
        // SAFETY: "counted", in the documentation of this module.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for CellRef {
    #[inline]
    fn clone(&self) -> CellRef {
        self.refs().add();
        CellRef(self.0)
    }
}

impl Drop for CellRef {
    #[inline]
    fn drop(&mut self) {
        // If it is the only reference, no thread makes another one, so the count needs no change.
        if self.count() == 1 || self.refs().remove() {
            self.free();
        }
    }
}

/// Memory for a cell.
struct Memory;

/// A thread's free memory for cells. If tasks end as soon as they are spawned, each takes the memory of the one before, which
/// is in the processor's cache. The allocator's own lists are as fast until it is asked for aligned memory, as executors
/// do for each task: then both kinds of allocation take longer.
struct FreeMemory {
    free: Cell<Option<NonNull<Free>>>,
    count: Cell<usize>,
}

/// In the memory of a freed cell.
struct Free {
    next: Option<NonNull<Free>>,
}

const _: () = assert!(size_of::<Free>() <= size_of::<TaskCell>() && align_of::<Free>() <= align_of::<TaskCell>());

/// Maximum number of free cells per thread. 0 in tests and under Miri, so that they can detect the use of a freed cell.
const KEPT: usize = if cfg!(any(debug_assertions, test, miri)) { 0 } else { 32 };

thread_local! {
    static FREE_MEMORY: FreeMemory = const { FreeMemory { free: Cell::new(None), count: Cell::new(0) } };
}

impl Memory {
    #[inline]
    fn take() -> Box<MaybeUninit<TaskCell>> {
        // A thread that ends may spawn in a destructor.
        FREE_MEMORY.try_with(FreeMemory::take).ok().flatten().unwrap_or_else(Box::new_uninit)
    }

    #[inline]
    fn give(place: Box<MaybeUninit<TaskCell>>) {
        let mut place = Some(place);
        let _ = FREE_MEMORY.try_with(|places| places.give(&mut place));
    }
}

impl FreeMemory {
    #[inline]
    fn take(&self) -> Option<Box<MaybeUninit<TaskCell>>> {
        let free = self.free.get()?;
        // SAFETY: `give` made it from a `Box` of this type and wrote a `Free` there, and it is in the list once.
        let place = unsafe {
            self.free.set(free.as_ref().next);
            Box::from_raw(free.as_ptr().cast::<MaybeUninit<TaskCell>>())
        };
        self.count.set(self.count.get() - 1);
        Some(place)
    }

    /// Keeps `place`, unless there are [`KEPT`] already.
    #[inline]
    fn give(&self, place: &mut Option<Box<MaybeUninit<TaskCell>>>) {
        if self.count.get() == KEPT {
            return;
        }
        if let Some(place) = place.take() {
            let free = NonNull::from(Box::leak(place)).cast::<Free>();
            // SAFETY: it is memory for a cell, which has room for a `Free`, and only this list has it.
            unsafe { free.write(Free { next: self.free.get() }) };
            self.free.set(Some(free));
            self.count.set(self.count.get() + 1);
        }
    }
}

impl Drop for FreeMemory {
    fn drop(&mut self) {
        while self.take().is_some() {}
    }
}

#[cfg(all(test, loom))]
mod loom_models;
