//! A queue from one thread to the recorder: one producer, one consumer, and neither waits for the other.
//!
//! A queue is a list of blocks. The producer fills the last block and publishes each value by its block's length; the
//! consumer reads the published values, and gives a block away when both have moved on from it.
//!
//! Blocks are used again, and never freed: a queue's two ends, and pointers into a block, may read one at any time.
//! All `unsafe` here rests on that, and on the order in each block: only the producer writes an entry, before it publishes
//! it by a release store to `len`; the consumer reads the entry after an acquire load of that `len`; and no producer gets the
//! block again before the consumer has moved on.

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// `N` values of the type `T`, each with a `B` beside it that its user may change at any time.
#[repr(C)]
pub(crate) struct Block<T, B, const N: usize> {
    /// Number of published values. It only grows, up to `N`, until the block is taken again. The producer writes it
    /// with release, the consumer reads it with acquire.
    len: AtomicU32,
    /// The next block of the queue; for a block in no queue, the next one of its list. In a queue the producer writes
    /// it once with release, and the consumer reads it with acquire.
    next: AtomicPtr<Block<T, B, N>>,
    entries: [Entry<T, B>; N],
}

#[repr(C)]
struct Entry<T, B> {
    value: UnsafeCell<MaybeUninit<T>>,
    beside: B,
}

/// A block that is in no queue. Its only owner may put it into one.
pub(crate) type Free<T, B, const N: usize> = NonNull<Block<T, B, N>>;

impl<T, B, const N: usize> Block<T, B, N> {
    /// A new block, with a result of `beside` beside each value.
    pub(crate) fn fresh(beside: impl Fn() -> B) -> Free<T, B, N> {
        let entry = |_| Entry { value: UnsafeCell::new(MaybeUninit::uninit()), beside: beside() };
        NonNull::from(Box::leak(Box::new(Block {
            len: AtomicU32::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            entries: std::array::from_fn(entry),
        })))
    }

    /// Makes a used block an empty one.
    pub(crate) fn empty(&self) {
        self.next.store(ptr::null_mut(), Ordering::Relaxed);
        self.len.store(0, Ordering::Relaxed);
    }

    /// The next block in the list of a free one. Relaxed: the publication of the list orders it.
    pub(crate) fn next_free(&self) -> *mut Block<T, B, N> {
        self.next.load(Ordering::Relaxed)
    }

    /// Sets the next block in the list of a free one. Relaxed: the publication of the list orders it.
    pub(crate) fn set_next_free(&self, next: *mut Block<T, B, N>) {
        self.next.store(next, Ordering::Relaxed);
    }
}

/// The producer's end of a queue.
pub(crate) struct Writer<T, B, const N: usize> {
    block: Cell<NonNull<Block<T, B, N>>>,
    /// Written once, with release, when this is dropped.
    gone: Arc<AtomicBool>,
}

/// The consumer's end of a queue.
pub(crate) struct Reader<T, B, const N: usize> {
    block: NonNull<Block<T, B, N>>,
    read: usize,
    writer_gone: Arc<AtomicBool>,
}

// SAFETY: it shares its blocks with one writer, in the order of the module's documentation. `take` gets a shared reference
// to a `B`.
unsafe impl<T: Send, B: Sync, const N: usize> Send for Reader<T, B, N> {}

/// The two ends of a queue that begins with this block.
pub(crate) fn queue<T, B, const N: usize>(first: Free<T, B, N>) -> (Writer<T, B, N>, Reader<T, B, N>) {
    let gone = Arc::new(AtomicBool::new(false));
    let reader = Reader { block: first, read: 0, writer_gone: gone.clone() };
    (Writer { block: Cell::new(first), gone }, reader)
}

impl<T, B, const N: usize> Writer<T, B, N> {
    /// Appends a value, lets `beside` change the `B` beside it, and publishes both. Returns that `B`. If the last block is
    /// full, `take` gives another one; `None` if it has none.
    #[inline]
    pub(crate) fn push(
        &self,
        value: T,
        beside: impl FnOnce(&B),
        take: impl FnOnce() -> Option<Free<T, B, N>>,
    ) -> Option<&B> {
        // SAFETY: blocks are never freed; the reader gives this one away only after `next` is set, and this writer alone sets
        // it and moves on in the same call.
        let mut block = unsafe { self.block.get().as_ref() };
        let mut len = block.len.load(Ordering::Relaxed) as usize;
        if len == N {
            block = self.append(block, take()?);
            len = 0;
        }
        let entry = &block.entries[len];
        // SAFETY: entry `len` is not published, so the reader does not touch it, and there is one writer.
        entry.value.with_mut(|place| unsafe { (*place).write(value) });
        beside(&entry.beside);
        block.len.store(len as u32 + 1, Ordering::Release);
        Some(&entry.beside)
    }

    #[cold]
    fn append(&self, full: &Block<T, B, N>, fresh: Free<T, B, N>) -> &Block<T, B, N> {
        full.next.store(fresh.as_ptr(), Ordering::Release);
        self.block.set(fresh);
        // SAFETY: blocks are never freed, and the reader gives this one away only after this writer has moved on from it.
        unsafe { fresh.as_ref() }
    }
}

impl<T, B, const N: usize> Drop for Writer<T, B, N> {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

impl<T: Copy, B, const N: usize> Reader<T, B, N> {
    /// Calls `take` with each published value, in order, up to the first one that is not due; and `give` with each block
    /// that is in no queue any more. False if there will never be another value.
    pub(crate) fn drain(
        &mut self,
        is_due: impl Fn(&T) -> bool,
        mut take: impl FnMut(T, &B),
        give: impl Fn(Free<T, B, N>),
    ) -> bool {
        // Acquired before the values are read, so that all values of a dropped writer are visible.
        let gone = self.writer_gone.load(Ordering::Acquire);
        loop {
            let current = self.block;
            // SAFETY: blocks are never freed, and this reader gives one away only when it moves on from it.
            let block = unsafe { current.as_ref() };
            let len = block.len.load(Ordering::Acquire) as usize;
            while self.read < len {
                let entry = &block.entries[self.read];
                // SAFETY: entries below `len` were written before `len` was published, and are not written again before the
                // block is given away.
                let value = entry.value.with(|place| unsafe { (*place).assume_init() });
                if !is_due(&value) {
                    return true;
                }
                self.read += 1;
                take(value, &entry.beside);
            }
            let Some(next) = NonNull::new(block.next.load(Ordering::Acquire)).filter(|_| len == N) else {
                if gone {
                    give(current);
                }
                return !gone;
            };
            give(current);
            self.block = next;
            self.read = 0;
        }
    }
}

/// For models: a process has its blocks for ever, a model to its end.
#[cfg(all(test, loom))]
impl<T, B, const N: usize> Block<T, B, N> {
    /// Frees the block; the next one of its list.
    ///
    /// # Safety
    /// No other thread has it, or loom fails.
    pub(crate) unsafe fn free(block: Free<T, B, N>) -> *mut Block<T, B, N> {
        // SAFETY: made by `fresh`, and the caller's alone.
        let mut last = unsafe { Box::from_raw(block.as_ptr()) };
        last.len.with_mut(|_| ());
        last.entries.iter().for_each(|entry| entry.value.with_mut(|_| ()));
        crate::sync::owned(&mut last.next)
    }
}
