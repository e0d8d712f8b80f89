//! Single polls, at detail `polls`: from the program's threads to the recorder, one queue per thread.
//!
//! The queues are like those of the facts (see queue.rs and ring.rs). But each poll has a record, of 16 bytes. So a thread
//! takes used blocks one by one, and the number of blocks is fixed: a poll without room is counted, and not sent.
//!
//! A task's counters do not depend on this: they have every poll.

use crate::sync::atomic::AtomicUsize;
use crate::sync::{MODEL, Mutex, statics, thread_local};
use crate::{clock, order, queue, threads};
use insight_protocol::{TaskId, TaskPolls, with};
use std::cell::OnceCell;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Maximum number of polls in one message: fewer than the protocol allows, so that no message is large in a client's queue.
const TOLD: usize = 512;

/// The time at which a poll ended in ticks; and its task's ID, with its duration in the low bits.
type Record = [u64; 2];

const BLOCK_RECORDS: usize = if MODEL { 2 } else { 1023 };

type Block = queue::Block<Record, (), BLOCK_RECORDS>;
type FreeBlock = queue::Free<Record, (), BLOCK_RECORDS>;

/// Maximum number of attempts by a producer to lock the blocks that were read.
const TRIES: usize = if MODEL { 1 } else { 100 };

/// The blocks that were read. A producer that finds the lock taken tries a limited number of times.
struct Spare(Vec<FreeBlock>);

// SAFETY: these blocks are in no queue, and only this list has them.
unsafe impl Send for Spare {}

/// The consumer's end of one thread's queue.
struct Reader {
    queue: queue::Reader<Record, (), BLOCK_RECORDS>,
    thread: u64,
    /// The time at which the last sent poll ended.
    sent_ns: u64,
}

/// The producer's end. Empty as long as there was no room for the first block.
type Writer = OnceCell<queue::Writer<Record, (), BLOCK_RECORDS>>;

/// Whether single polls are recorded.
static TELLING: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

statics! {
    /// Number of blocks that may still be made.
    static ROOM: AtomicUsize = AtomicUsize::new(0);
    static LOST: AtomicUsize = AtomicUsize::new(0);
    static READERS: Mutex<Vec<Reader>> = Mutex::new(Vec::new());
    static SPARE: Mutex<Spare> = Mutex::new(Spare(Vec::new()));
}

thread_local! {
    static WRITER: Writer = Writer::default();
}

/// Starts to record single polls, with queues of this total size. A few threads get at least one block each.
pub(crate) fn start(bytes: usize) {
    static MADE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    // Blocks that were made before are never freed.
    let wanted = (bytes / size_of::<Block>()).max(16);
    let made = MADE.fetch_max(wanted, Ordering::Relaxed);
    ROOM.fetch_add(wanted.saturating_sub(made), Ordering::Relaxed);
    // Unread records from before belong to tasks that are unknown now.
    discard();
    TELLING.store(true, Ordering::SeqCst);
}

/// Stops recording single polls.
pub(crate) fn stop() {
    TELLING.store(false, Ordering::SeqCst);
}

/// Whether single polls are recorded.
#[inline]
pub(crate) fn telling() -> bool {
    TELLING.load(Ordering::Relaxed)
}

/// Records a poll of this duration in ticks, which has ended on this thread.
#[inline(never)]
pub(crate) fn tell(task: u64, ended: u64, ticks: u64) {
    // After the spawn of its task, whose time may be a little later than the clock's.
    let ended = if order::is_on() { order::next(ended) } else { ended };
    let record = [ended, task << TICKS_BITS | short(ticks)];
    let is_sent =
        task < 1 << (u64::BITS - TICKS_BITS) && WRITER.try_with(|writer| push(writer, record)).unwrap_or(false);
    if !is_sent {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// Number of polls without room since the last call.
pub(crate) fn take_lost() -> u64 {
    LOST.swap(0, Ordering::Relaxed) as u64
}

/// Number of low bits of a record's second word for the duration. The task's ID is above them.
const TICKS_BITS: u32 = 24;
/// Number of these bits for the shifted duration; the others have the number of bits by which it was shifted.
const NUMBER_BITS: u32 = 19;

/// Ticks in 24 bits: exact below 2^19, and to within four millionths up to 2^50.
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

/// An empty block; `None` if the maximum number of blocks is in use.
#[cold]
fn take_block() -> Option<FreeBlock> {
    // Another thread has the lock for a few instructions only. If that thread does not run, we do not wait for it.
    let spare = (0..TRIES).find_map(|_| match SPARE.try_lock() {
        Ok(mut spare) => Some(spare.0.pop()),
        Err(_) => {
            std::hint::spin_loop();
            None
        }
    });
    if let Some(block) = spare.flatten() {
        // SAFETY: blocks are never freed, and only this thread has it.
        unsafe { block.as_ref() }.empty();
        return Some(block);
    }
    let one_less = |room: usize| room.checked_sub(1);
    ROOM.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
    Some(Block::fresh(|| ()))
}

/// Returns a block, for any thread to use again.
fn give_block(block: FreeBlock) {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).0.push(block);
}

/// False if there is no room.
#[inline]
fn push(writer: &Writer, record: Record) -> bool {
    let Some(queue) = writer.get().or_else(|| register(writer)) else { return false };
    queue.push(record, |()| (), take_block).is_some()
}

/// Called once per thread. Like `ring::register`, it may wait while the recorder reads the other queues.
#[cold]
fn register(writer: &Writer) -> Option<&queue::Writer<Record, (), BLOCK_RECORDS>> {
    let (queue, reader) = queue::queue(take_block()?);
    let thread = threads::number();
    READERS.lock().unwrap_or_else(PoisonError::into_inner).push(Reader { queue: reader, thread, sent_ns: 0 });
    Some(writer.get_or_init(|| queue))
}

/// Takes every poll that ended up to the time `cutoff`, in order for each thread. It leaves out tasks with an ID below `from`,
/// which were recorded before recording was turned off.
pub(crate) fn drain(cutoff: u64, from: u64) -> Vec<TaskPolls> {
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut taken = Vec::new();
    readers.retain_mut(|reader| reader.drain(cutoff, from, &mut taken));
    taken
}

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    locks.push(Box::new(READERS.lock().unwrap_or_else(PoisonError::into_inner)));
    locks.push(Box::new(SPARE.lock().unwrap_or_else(PoisonError::into_inner)));
}

/// Drops the unread polls.
pub(crate) fn discard() {
    drain(u64::MAX, u64::MAX);
    take_lost();
}

impl Reader {
    /// False if the queue has ended.
    fn drain(&mut self, cutoff: u64, from: u64, taken: &mut Vec<TaskPolls>) -> bool {
        let Reader { queue, thread, sent_ns } = self;
        let mut polls = Polls { of: with!(TaskPolls::default(), thread = *thread), sent_ns, full: taken };
        let take = |record: Record, (): &()| {
            if record[1] >> TICKS_BITS >= from {
                polls.push(record);
            }
        };
        let more = queue.drain(|[ended, _]| *ended <= cutoff, take, give_block);
        if !polls.of.tasks.is_empty() {
            polls.full.push(polls.of);
        }
        more
    }
}

/// The message that is being filled with a thread's polls, and the full messages.
struct Polls<'a> {
    of: TaskPolls,
    sent_ns: &'a mut u64,
    full: &'a mut Vec<TaskPolls>,
}

impl Polls<'_> {
    fn push(&mut self, [ended, poll]: Record) {
        let polls = &mut self.of;
        // The counters of two processors may differ by a little.
        let ended_ns = clock::time_ns(ended).max(*self.sent_ns);
        if polls.tasks.len() == TOLD {
            let next = with!(TaskPolls::default(), thread = polls.thread);
            self.full.push(std::mem::replace(polls, next));
        }
        if polls.tasks.is_empty() {
            for column in [&mut polls.after_ns, &mut polls.running_ns] {
                column.reserve_exact(TOLD);
            }
            polls.tasks.reserve_exact(TOLD);
            polls.at_ns = ended_ns;
            *self.sent_ns = ended_ns;
        }
        polls.tasks.push(TaskId(poll >> TICKS_BITS));
        polls.after_ns.push(ended_ns - *self.sent_ns);
        polls.running_ns.push(clock::duration_ns(long(poll & ((1 << TICKS_BITS) - 1))));
        *self.sent_ns = ended_ns;
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
