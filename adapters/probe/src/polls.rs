//! Polls one by one, at detail `polls`: from the program's threads to the recorder, per thread one queue.
//!
//! As in [`ring`](crate::ring) a queue is a list of blocks, of which the producer fills the last one. But a record has 16
//! bytes and there is one a poll, so the blocks that were read are taken one by one by who needs one, and there is a fixed
//! number of them: a poll that finds no room is counted, and not told.
//!
//! Of a task's counters nothing depends on this: they have every poll.

use crate::clock;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize};
use crate::sync::{MODEL, Mutex, UnsafeCell, statics, thread_local};
use insight_protocol::{Message, TaskId, TaskPolls};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

/// How many polls are told in one message: fewer than the protocol allows, so that none is large in a client's queue.
const TOLD: usize = 512;

/// When a poll ended, and which task's it was, with how long it took.
type Record = [u64; 2];

const BLOCK_RECORDS: usize = if MODEL { 2 } else { 1023 };

struct Block {
    /// How many records are published: only grows, until the block is taken again.
    len: AtomicU32,
    next: AtomicPtr<Block>,
    records: [UnsafeCell<MaybeUninit<Record>>; BLOCK_RECORDS],
}

/// The blocks that were read. A producer that finds another one here does not wait for it.
struct Spare(Vec<*mut Block>);

// SAFETY: nobody else has these blocks.
unsafe impl Send for Spare {}

/// The consumer's end of one thread's queue.
struct Reader {
    block: *mut Block,
    read: usize,
    thread: u64,
    /// When the last poll that was told ended.
    told_ns: u64,
    producer_gone: Arc<AtomicBool>,
}

// SAFETY: the blocks are shared by exactly one reader and one writer; the reader touches a record only after the writer
// published it by a release store to `len`, and gives a block away only when both have moved on from it.
unsafe impl Send for Reader {}

/// The producer's end.
struct Writer {
    /// Null as long as there was no room for the first one.
    block: std::cell::Cell<*mut Block>,
    gone: Arc<AtomicBool>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Whether polls are told one by one.
static TELLING: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
static THREADS: AtomicU64 = AtomicU64::new(0);

statics! {
    /// How many more blocks may be made.
    static ROOM: AtomicUsize = AtomicUsize::new(0);
    static LOST: AtomicUsize = AtomicUsize::new(0);
    static READERS: Mutex<Vec<Reader>> = Mutex::new(Vec::new());
    static SPARE: Mutex<Spare> = Mutex::new(Spare(Vec::new()));
}

thread_local! {
    static WRITER: Writer = Writer {
        block: std::cell::Cell::new(ptr::null_mut()),
        gone: Arc::new(AtomicBool::new(false)),
    };
}

/// From now on polls are told one by one, from queues of so many bytes together, at least one for each of a few threads.
pub(crate) fn start(bytes: usize) {
    static MADE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    // Those that were made before are never freed.
    let wanted = (bytes / size_of::<Block>()).max(16);
    let made = MADE.fetch_max(wanted, Ordering::Relaxed);
    ROOM.fetch_add(wanted.saturating_sub(made), Ordering::Relaxed);
    // What nobody has read since it was told last is of tasks that nobody knows any more.
    discard();
    TELLING.store(true, Ordering::SeqCst);
}

/// No more polls are told.
pub(crate) fn stop() {
    TELLING.store(false, Ordering::SeqCst);
}

/// Whether polls are told one by one.
#[inline]
pub(crate) fn telling() -> bool {
    TELLING.load(Ordering::Relaxed)
}

/// Tells a poll of so many ticks, which has ended on this thread.
#[inline(never)]
pub(crate) fn tell(task: u64, ended: u64, ticks: u64) {
    let record = [ended, task << TICKS_BITS | short(ticks)];
    let told = task < 1 << (u64::BITS - TICKS_BITS) && WRITER.try_with(|writer| writer.push(record)).unwrap_or(false);
    if !told {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many were not told since the last call.
pub(crate) fn take_lost() -> u64 {
    LOST.swap(0, Ordering::Relaxed) as u64
}

/// A record has the id of the task above so many bits.
const TICKS_BITS: u32 = 24;
/// Of these, how many are the number; the others are by how many bits it was shifted.
const NUMBER_BITS: u32 = 19;

/// Ticks in 24 bits: less than 2^19 as they are, more to within four millionths, up to 2^50.
#[inline]
fn short(ticks: u64) -> u64 {
    let shift = (u64::BITS - ticks.leading_zeros()).saturating_sub(NUMBER_BITS);
    match shift {
        0..32 => ticks >> shift | u64::from(shift) << NUMBER_BITS,
        _ => (1 << TICKS_BITS) - 1,
    }
}

fn long(short: u64) -> u64 {
    (short & ((1 << NUMBER_BITS) - 1)) << (short >> NUMBER_BITS)
}

impl Block {
    /// An empty one; `None` when there are as many as there may be.
    fn take() -> Option<*mut Block> {
        // One that waits would be one that the recorder delays.
        let spare = SPARE.try_lock().ok().and_then(|mut spare| spare.0.pop());
        if let Some(block) = spare {
            // SAFETY: made below, never freed, and nobody else has it.
            let used = unsafe { &*block };
            used.next.store(ptr::null_mut(), Ordering::Relaxed);
            used.len.store(0, Ordering::Relaxed);
            return Some(block);
        }
        let one_less = |room: usize| room.checked_sub(1);
        ROOM.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
        Some(Box::into_raw(Box::new(Block {
            len: AtomicU32::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            records: std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
        })))
    }

    /// To be used again, by whoever needs one.
    fn give(block: *mut Block) {
        SPARE.lock().unwrap_or_else(PoisonError::into_inner).0.push(block);
    }
}

impl Writer {
    /// False when there is no room.
    #[inline]
    fn push(&self, record: Record) -> bool {
        // SAFETY: null, or a block that the reader gives away only after `next` is set, which this writer alone does before
        // it moves on; blocks are never freed.
        let block = unsafe { self.block.get().as_ref() };
        let with_room = block.map(|block| (block, block.len.load(Ordering::Relaxed)));
        let with_room = with_room.filter(|(_, len)| (*len as usize) < BLOCK_RECORDS);
        let Some((block, len)) = with_room.or_else(|| self.next_block(block)) else { return false };
        // SAFETY: record `len` is not published, so the reader does not touch it, and there is one writer.
        block.records[len as usize].with_mut(|place| unsafe { (*place).write(record) });
        block.len.store(len + 1, Ordering::Release);
        true
    }

    #[cold]
    fn next_block(&self, full: Option<&Block>) -> Option<(&Block, u32)> {
        let fresh = Block::take()?;
        match full {
            Some(full) => full.next.store(fresh, Ordering::Release),
            None => {
                let thread = THREADS.fetch_add(1, Ordering::Relaxed) + 1;
                let producer_gone = self.gone.clone();
                let reader = Reader { block: fresh, read: 0, thread, told_ns: 0, producer_gone };
                // Once a thread: as with its other queue, this may wait for the recorder to look at the others.
                READERS.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            }
        }
        self.block.set(fresh);
        // SAFETY: just made or taken, and given away only after this writer has moved on from it.
        unsafe { fresh.as_ref() }.map(|block| (block, 0))
    }
}

/// Tells every poll that ended up to the time `cutoff`, of each thread in order; but those of tasks with an id below `from`,
/// which were recorded before recording was turned off.
pub(crate) fn drain(cutoff: u64, from: u64, out: &mut Vec<Message>) {
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    readers.retain_mut(|reader| reader.drain(cutoff, from, out));
}

/// Forgets those that were not told.
pub(crate) fn discard() {
    drain(u64::MAX, u64::MAX, &mut Vec::new());
    take_lost();
}

impl Reader {
    /// False when there will never be more.
    fn drain(&mut self, cutoff: u64, from: u64, out: &mut Vec<Message>) -> bool {
        // Read before the records are: what was published before the producer went is then seen.
        let gone = self.producer_gone.load(Ordering::Acquire);
        let mut polls = TaskPolls { thread: self.thread, ..TaskPolls::default() };
        let more = loop {
            // SAFETY: blocks are never freed, and the reader gives one away only when it moves on from it.
            let block = unsafe { &*self.block };
            let len = block.len.load(Ordering::Acquire) as usize;
            let mut later = false;
            while self.read < len {
                // SAFETY: records below `len` were written before `len` was published, and are not written again before the
                // block is given away.
                let record = block.records[self.read].with(|place| unsafe { (*place).assume_init() });
                later = record[0] > cutoff;
                if later {
                    break;
                }
                self.read += 1;
                if record[1] >> TICKS_BITS >= from {
                    self.tell(record, &mut polls, out);
                }
            }
            let next = block.next.load(Ordering::Acquire);
            if later || len < BLOCK_RECORDS || next.is_null() {
                if !later && gone {
                    Block::give(self.block);
                }
                break later || !gone;
            }
            Block::give(self.block);
            self.block = next;
            self.read = 0;
        };
        if !polls.tasks.is_empty() {
            out.push(polls.into());
        }
        more
    }

    fn tell(&mut self, [ended, poll]: Record, polls: &mut TaskPolls, out: &mut Vec<Message>) {
        // The counters of two processors may differ by a little.
        let ended_ns = clock::time_ns(ended).max(self.told_ns);
        if polls.tasks.len() == TOLD {
            let full = std::mem::replace(polls, TaskPolls { thread: self.thread, ..TaskPolls::default() });
            out.push(full.into());
        }
        if polls.tasks.is_empty() {
            for column in [&mut polls.after_ns, &mut polls.running_ns] {
                column.reserve_exact(TOLD);
            }
            polls.tasks.reserve_exact(TOLD);
            polls.at_ns = ended_ns;
            self.told_ns = ended_ns;
        }
        polls.tasks.push(TaskId(poll >> TICKS_BITS));
        polls.after_ns.push(ended_ns - self.told_ns);
        polls.running_ns.push(clock::duration_ns(long(poll & ((1 << TICKS_BITS) - 1))));
        self.told_ns = ended_ns;
    }
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_exact_or_nearly() {
        for exact in [0, 1, 185, (1 << NUMBER_BITS) - 1, 1 << NUMBER_BITS, 1 << 40, (1 << 50) - (1 << 31)] {
            assert_eq!(long(short(exact)), exact);
        }
        for nearly in [(1 << NUMBER_BITS) + 1, 3_123_456_789, 987_654_321_987, (1 << 50) - 1] {
            let kept = long(short(nearly));
            assert!(kept <= nearly && nearly - kept <= nearly >> (NUMBER_BITS - 1), "{nearly}: {kept}");
        }
        for too_long in [1 << 50, u64::MAX] {
            assert_eq!(long(short(too_long)), (1 << 50) - (1 << 31));
        }
    }
}
