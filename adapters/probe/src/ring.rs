//! From the program's threads to the recorder: per thread one queue, with one producer and one consumer.
//!
//! A queue is a list of blocks. The producer fills the last block and publishes each record by its block's length; the
//! consumer reads what is published and frees the blocks that it has read. Nobody waits for anybody.
//!
//! What opens something (a spawn, a resource, an edge) is refused once the bound is reached: its caller then leaves
//! the thing unrecorded as a whole. What closes something that was recorded is always taken: there is at most one for
//! each that was opened, so the queues stay bounded by what is alive. Nothing that was recorded becomes untrue.

use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize};
use crate::sync::{MODEL, Mutex, UnsafeCell, statics, thread_local};
use crate::task::TaskCell;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

/// What happened, in a form that a debugger can read too.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// When, in ticks.
    pub ticks: u64,
    /// What.
    pub kind: RecordKind,
    /// Its parts, by the kind.
    pub words: [u64; 6],
}

#[repr(u64)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// `[task cell (an owned Arc)]`
    TaskSpawned = 1,
    /// `[task, outcome]`
    TaskCompleted = 2,
    /// `[resource cell (an owned Arc), task]`
    ResourceCreated = 3,
    /// `[resource]`
    ResourceDropped = 4,
    /// `[edge, task, resource, role, exclusive]`
    Party = 5,
    /// `[edge, task, resource, units, location]`
    Permit = 6,
    /// `[edge, outcome]`
    EdgeClosed = 7,
    /// `[what was told (an owned Box)]`
    Told = 8,
}

const BLOCK_RECORDS: usize = if MODEL { 2 } else { 127 };

#[repr(C)]
struct Block {
    /// How many records are published: only grows, up to `BLOCK_RECORDS`.
    len: AtomicU32,
    next: AtomicPtr<Block>,
    records: [UnsafeCell<MaybeUninit<Record>>; BLOCK_RECORDS],
}

/// What a block counts for: itself, and a cell of a task in each record, which lives until the record is read.
const BLOCK_BYTES: usize = size_of::<Block>() + BLOCK_RECORDS * size_of::<TaskCell>();

impl Block {
    fn allocate() -> *mut Block {
        BUFFERED_BYTES.fetch_add(BLOCK_BYTES, Ordering::Relaxed);
        Box::into_raw(Box::new(Block {
            len: AtomicU32::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            records: std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
        }))
    }
}

#[cfg(all(test, loom))]
impl Drop for Block {
    /// For loom to see that whoever frees it is the last to use it.
    fn drop(&mut self) {
        self.len.with_mut(|_| ());
        self.next.with_mut(|_| ());
        self.records.iter().for_each(|entry| entry.with_mut(|_| ()));
    }
}

/// The consumer's end of one thread's queue.
struct Reader {
    block: *mut Block,
    read: usize,
    producer_gone: Arc<AtomicBool>,
}

// SAFETY: the blocks are shared by exactly one reader and one writer; the reader touches a record only after the
// writer published it by a release store to `len`, and a block's memory only until it has moved on from it.
unsafe impl Send for Reader {}

/// The producer's end.
struct Writer {
    block: Cell<*mut Block>,
    gone: Arc<AtomicBool>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

statics! {
    static READERS: Mutex<Vec<Reader>> = Mutex::new(Vec::new());
    /// Records of threads whose thread-locals are gone already.
    static LATE: Mutex<Vec<Record>> = Mutex::new(Vec::new());
    static BUFFERED_BYTES: AtomicUsize = AtomicUsize::new(0);
    static MAX_BUFFERED_BYTES: AtomicUsize = AtomicUsize::new(64 << 20);
}
/// By kind; that of a record that is none is 0.
const KINDS: usize = RecordKind::Told as usize + 1;
static REFUSED: [AtomicU64; KINDS] = [const { AtomicU64::new(0) }; KINDS];

thread_local! {
    static WRITER: Writer = register();
}

fn register() -> Writer {
    let block = Block::allocate();
    let gone = Arc::new(AtomicBool::new(false));
    let reader = Reader { block, read: 0, producer_gone: gone.clone() };
    READERS.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    Writer { block: Cell::new(block), gone }
}

/// Sets how many bytes the queues may take before openings are refused.
pub(crate) fn set_bound(bytes: usize) {
    MAX_BUFFERED_BYTES.store(bytes, Ordering::Relaxed);
}

/// Records something that opens. False when the bound is reached: it is counted, and is not recorded.
#[must_use]
pub(crate) fn push_opening(record: Record) -> bool {
    if BUFFERED_BYTES.load(Ordering::Relaxed) > MAX_BUFFERED_BYTES.load(Ordering::Relaxed) {
        REFUSED[record.kind as usize].fetch_add(1, Ordering::Relaxed);
        return false;
    }
    push(record);
    true
}

/// Records the end of something whose opening was recorded.
pub(crate) fn push_closing(record: Record) {
    push(record);
}

fn push(record: Record) {
    let written = WRITER.try_with(|writer| writer.push(record));
    if written.is_err() {
        LATE.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

impl Writer {
    fn push(&self, record: Record) {
        // SAFETY: the writer's block is freed by the reader only after `next` is set, and this writer alone sets it and
        // moves on in the same call.
        let mut block = unsafe { &*self.block.get() };
        let mut len = block.len.load(Ordering::Relaxed) as usize;
        if len == BLOCK_RECORDS {
            let fresh = Block::allocate();
            block.next.store(fresh, Ordering::Release);
            self.block.set(fresh);
            // SAFETY: just allocated, and freed by the reader only after the writer has moved on from it.
            block = unsafe { &*fresh };
            len = 0;
        }
        // SAFETY: entry `len` is not published, so the reader does not touch it, and there is one writer.
        block.records[len].with_mut(|entry| unsafe { (*entry).write(record) });
        block.len.store(len as u32 + 1, Ordering::Release);
    }
}

/// Takes every record up to the time `cutoff`, sorted by time.
///
/// A record that was caused by another one, on whatever thread, comes after it: the cause was published before
/// `cutoff` was read when its effect's time is not after `cutoff`, and what is later is left for the next call.
pub(crate) fn drain(cutoff: u64, out: &mut Vec<Record>) {
    let start = out.len();
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    readers.retain_mut(|reader| reader.drain(cutoff, out));
    drop(readers);
    let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
    late.retain(|record| {
        let due = record.ticks <= cutoff;
        if due {
            out.push(*record);
        }
        !due
    });
    drop(late);
    out[start..].sort_by_key(|record| record.ticks);
}

impl Reader {
    /// False when there will never be more.
    fn drain(&mut self, cutoff: u64, out: &mut Vec<Record>) -> bool {
        // Read before the records are: what was published before the producer went is then seen.
        let gone = self.producer_gone.load(Ordering::Acquire);
        loop {
            // SAFETY: the reader frees a block only when it moves on from it.
            let block = unsafe { &*self.block };
            let len = block.len.load(Ordering::Acquire) as usize;
            while self.read < len {
                // SAFETY: entries below `len` were written before `len` was published, and are never written again.
                let record = block.records[self.read].with(|entry| unsafe { (*entry).assume_init() });
                if record.ticks > cutoff {
                    return true;
                }
                out.push(record);
                self.read += 1;
            }
            let next = block.next.load(Ordering::Acquire);
            if len < BLOCK_RECORDS || next.is_null() {
                if gone {
                    self.free_block();
                }
                return !gone;
            }
            self.free_block();
            self.block = next;
            self.read = 0;
        }
    }

    fn free_block(&mut self) {
        BUFFERED_BYTES.fetch_sub(BLOCK_BYTES, Ordering::Relaxed);
        // SAFETY: allocated by `Block::allocate`; the writer has set `next` and moved on, or is gone.
        drop(unsafe { Box::from_raw(self.block) });
    }
}

/// How many openings of each kind were refused since the last call.
pub(crate) fn take_refused() -> [u64; KINDS] {
    std::array::from_fn(|kind| REFUSED[kind].swap(0, Ordering::Relaxed))
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn record(ticks: u64, value: u64) -> Record {
        Record { ticks, kind: RecordKind::EdgeClosed, words: [value, 0, 0, 0, 0, 0] }
    }

    /// The queues are one a process, so one test uses them.
    #[test]
    fn in_order_once_and_up_to_the_cutoff() {
        let threads = if cfg!(miri) { 2 } else { 4 };
        let count = if cfg!(miri) { 300 } else { 50_000 };
        let clock = Arc::new(AtomicU64::new(1));
        let running = Arc::new(AtomicU64::new(threads));
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (clock, running) = (clock.clone(), running.clone());
                std::thread::spawn(move || {
                    for n in 0..count {
                        push_closing(record(clock.fetch_add(1, Ordering::SeqCst), thread << 32 | n));
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        let mut seen = Vec::new();
        loop {
            let last = running.load(Ordering::SeqCst) == 0;
            let cutoff = clock.load(Ordering::SeqCst).saturating_sub(1);
            let before = seen.len();
            drain(cutoff, &mut seen);
            assert!(seen[before..].is_sorted_by_key(|record| record.ticks));
            assert!(seen[before..].iter().all(|record| record.ticks <= cutoff));
            if last {
                break;
            }
        }
        for worker in workers {
            worker.join().unwrap();
        }
        drain(u64::MAX, &mut seen);
        for thread in 0..threads {
            let values: Vec<u64> =
                seen.iter().map(|record| record.words[0]).filter(|value| value >> 32 == thread).collect();
            let expect: Vec<u64> = (0..count).map(|n| thread << 32 | n).collect();
            assert_eq!(values, expect, "all of thread {thread}, once, in order");
        }
        assert_eq!(READERS.lock().unwrap().len(), 0, "the queues of ended threads are gone");
        assert_eq!(BUFFERED_BYTES.load(Ordering::Relaxed), 0);

        set_bound(0);
        assert!(push_opening(record(1, 1)), "the first block is not counted before it is there");
        assert!(!push_opening(record(2, 2)));
        push_closing(record(3, 3));
        assert_eq!(take_refused()[RecordKind::EdgeClosed as usize], 1);
        seen.clear();
        drain(2, &mut seen);
        drain(9, &mut seen);
        assert_eq!(seen.iter().map(|record| record.words[0]).collect::<Vec<_>>(), [1, 3]);
    }
}
