//! A counted reference to a task's cell.
//!
//! What std's `Arc` is, without weak references, and so with nothing to pay where nobody else can have the cell: there the
//! count is read and written, and not exchanged. A locked instruction takes as long as a read of the clock, and a task
//! that is spawned and ends at once would have ten of them.

use crate::sync::atomic::{AtomicUsize, fence};
use crate::task::TaskCell;
use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::process::abort;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

/// More references than there can be, if none is leaked.
const TOO_MANY: usize = isize::MAX as usize;

/// A cell's count of references.
#[derive(Debug)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    /// Of a cell that is being made.
    pub(crate) fn one() -> Count {
        Count(AtomicUsize::new(1))
    }
}

/// Keeps a task's cell.
#[derive(Debug)]
pub(crate) struct CellRef(NonNull<TaskCell>);

// SAFETY: a `TaskCell` is Send and Sync, and what of the count needs an order has it.
unsafe impl Send for CellRef {}
// SAFETY: as above.
unsafe impl Sync for CellRef {}

// The program reads nothing of a cell: see `TaskCell`.
impl UnwindSafe for CellRef {}
impl RefUnwindSafe for CellRef {}

impl CellRef {
    /// The only reference to a new cell, which `write` writes where it is to lie: to be made and then moved there takes
    /// longer than all the rest.
    #[inline]
    pub(crate) fn new(write: impl FnOnce(&mut MaybeUninit<TaskCell>) -> &mut TaskCell) -> CellRef {
        let mut cell = Place::take();
        write(&mut cell);
        // SAFETY: `write` has returned a `TaskCell` that it can have nowhere but there, and its count is 1.
        CellRef(NonNull::from(Box::leak(unsafe { cell.assume_init() })))
    }

    /// The pointer, with which the cell can be freed.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const TaskCell {
        self.0.as_ptr()
    }

    /// Gives the reference away, to [`from_raw`](CellRef::from_raw).
    #[inline]
    pub(crate) fn into_raw(self) -> *const TaskCell {
        ManuallyDrop::new(self).as_ptr()
    }

    /// # Safety
    /// `cell` is of `as_ptr` or `into_raw`, and stands for a reference that is counted; if it is somebody else's, the result
    /// must not be dropped, nor outlive that one.
    #[inline]
    pub(crate) unsafe fn from_raw(cell: *const TaskCell) -> CellRef {
        // SAFETY: made of a `NonNull`.
        CellRef(unsafe { NonNull::new_unchecked(cell.cast_mut()) })
    }

    /// Whether both are references to one cell.
    #[inline]
    pub(crate) fn is(&self, other: &CellRef) -> bool {
        self.0 == other.0
    }

    /// How many references there are. What those that are gone have done is then seen.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.refs().0.load(Ordering::Acquire)
    }

    /// The cell, if this is the only reference.
    pub(crate) fn get_mut(&mut self) -> Option<&mut TaskCell> {
        if self.count() != 1 {
            return None;
        }
        // SAFETY: borrowed for as long as `self`, of which no clone can be made meanwhile.
        Some(unsafe { self.0.as_mut() })
    }

    /// A clone, of one that nobody else can be cloning where it is the only one.
    #[inline]
    pub(crate) fn another(&mut self) -> CellRef {
        if self.count() != 1 {
            return self.clone();
        }
        self.refs().0.store(2, Ordering::Relaxed);
        CellRef(self.0)
    }

    /// Drops `other`, a reference to the same cell.
    ///
    /// # Safety
    /// If the count is 2, so that it is these two: nobody else makes a third, such as of a waker or of a borrow.
    #[inline]
    pub(crate) unsafe fn drop_other(&self, other: CellRef) {
        debug_assert!(self.is(&other));
        if self.count() == 2 {
            self.refs().0.store(1, Ordering::Relaxed);
            std::mem::forget(other);
        }
    }

    #[inline]
    fn refs(&self) -> &Count {
        &self.refs
    }

    #[inline(never)]
    fn free(&mut self) {
        // SAFETY: made by `Box::leak`, and the last reference is being dropped. What it is afterwards is as good as new.
        let place = unsafe {
            self.0.drop_in_place();
            Box::from_raw(self.0.as_ptr().cast::<MaybeUninit<TaskCell>>())
        };
        Place::give(place);
    }
}

impl Deref for CellRef {
    type Target = TaskCell;

    #[inline]
    fn deref(&self) -> &TaskCell {
        // SAFETY: the cell lives while it is counted.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for CellRef {
    #[inline]
    fn clone(&self) -> CellRef {
        // Relaxed, as `Arc`'s: who clones has one.
        if self.refs().0.fetch_add(1, Ordering::Relaxed) > TOO_MANY {
            abort();
        }
        CellRef(self.0)
    }
}

impl Drop for CellRef {
    #[inline]
    fn drop(&mut self) {
        // Of the only reference nobody makes another one: the count is not needed any more.
        if self.count() == 1 {
            self.free();
        } else if self.refs().0.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            self.free();
        }
    }
}

/// Memory for a cell.
struct Place;

/// What a thread has of memory for cells: of tasks that end as soon as they are spawned, each takes what the one before
/// had, which is in the processor's cache. The allocator's own lists are as good until it is asked for aligned memory, as
/// executors do for each task: then it takes longer over both.
struct Places {
    free: Cell<Option<NonNull<Free>>>,
    count: Cell<usize>,
}

/// In the place of a cell that is gone.
struct Free {
    next: Option<NonNull<Free>>,
}

const _: () = assert!(size_of::<Free>() <= size_of::<TaskCell>() && align_of::<Free>() <= align_of::<TaskCell>());

/// So many are kept. None where a use of a cell that is gone is looked for: by tests, and what they are run with.
const KEPT: usize = if cfg!(any(debug_assertions, test, miri)) { 0 } else { 32 };

thread_local! {
    static PLACES: Places = const { Places { free: Cell::new(None), count: Cell::new(0) } };
}

impl Place {
    #[inline]
    fn take() -> Box<MaybeUninit<TaskCell>> {
        // A thread that ends may spawn in a destructor.
        PLACES.try_with(Places::take).ok().flatten().unwrap_or_else(Box::new_uninit)
    }

    #[inline]
    fn give(place: Box<MaybeUninit<TaskCell>>) {
        let mut place = Some(place);
        let _ = PLACES.try_with(|places| places.give(&mut place));
    }
}

impl Places {
    #[inline]
    fn take(&self) -> Option<Box<MaybeUninit<TaskCell>>> {
        let free = self.free.get()?;
        // SAFETY: `give` made it of a `Box` of this type and wrote a `Free` there, and it is in the list once.
        let place = unsafe {
            self.free.set(free.as_ref().next);
            Box::from_raw(free.as_ptr().cast::<MaybeUninit<TaskCell>>())
        };
        self.count.set(self.count.get() - 1);
        Some(place)
    }

    /// Takes it, unless there are enough.
    #[inline]
    fn give(&self, place: &mut Option<Box<MaybeUninit<TaskCell>>>) {
        if self.count.get() == KEPT {
            return;
        }
        if let Some(place) = place.take() {
            let free = NonNull::from(Box::leak(place)).cast::<Free>();
            // SAFETY: it is memory for a cell, in which a `Free` has room, and nobody else's.
            unsafe { free.write(Free { next: self.free.get() }) };
            self.free.set(Some(free));
            self.count.set(self.count.get() + 1);
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        while self.take().is_some() {}
    }
}

#[cfg(all(test, loom))]
mod loom_models;
