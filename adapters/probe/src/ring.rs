//! From the program's threads to the recorder: one queue per thread (see queue.rs).
//!
//! A record that opens something (a spawn, a resource, an edge) is refused once the bound is reached: its caller then
//! records nothing of the object. A record that closes a recorded object is always accepted: there is at most one for
//! each object, so the number of live objects bounds the queues. No recorded fact becomes untrue.
//!
//! A spawn has a reference to its task's cell. A task that ends before its spawn is read takes the reference back
//! (see [`take_back`]), so that a short task's cell is freed soon, by the thread that has it in its cache. It may try that at
//! any later time: so blocks are used again, and not freed. An end that comes soon is in the place of the cell, and needs
//! no record of its own.

use crate::cell::{Claim, TaskCell};
use crate::cell_ref::CellRef;
use crate::fact::{Fact, FactKind, Record, Spawn, TaskEnd};
use crate::sync::atomic::{AtomicPtr, AtomicUsize};
use crate::sync::{MODEL, Mutex, statics, thread_local};
use crate::{order, queue, threads};
use std::ptr::{self, NonNull};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

/// A fact as it is read.
#[derive(Debug)]
pub(crate) struct Read {
    /// The time of the fact, in ticks.
    pub ticks: u64,
    pub fact: Fact,
    /// The cell of a spawn.
    pub cell: Cell,
    /// The number of its thread.
    pub thread: u64,
}

impl Read {
    /// # Safety
    /// `record` is an encoded fact, and is read once.
    unsafe fn of(record: Record, cell: Cell, thread: u64) -> Read {
        // SAFETY: the caller's promise is the same.
        Read { ticks: record.ticks, fact: unsafe { Fact::decode(record) }, cell, thread }
    }
}

/// The cell of a spawned task, or the rest of it.
#[derive(Debug)]
pub(crate) enum Cell {
    /// The fact is not a spawn.
    None,
    /// Its cell.
    Here(CellRef),
    /// The task has ended. The executor's ID of it, if known.
    TakenBack(Option<u64>),
}

/// One word in the place of the cell of a task that has ended. It is odd, and the address of a cell is even.
///
/// From the lowest bit on: 1; two bits for the kind of end, or 0 if the end has a record of its own. Then the lifetime
/// in ticks in 28 bits (a tenth of a second), and in the rest the executor's ID of the task; without an end, only that ID.
/// An ID of 0 is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended(usize);

const END_SHIFT: u32 = 1;
const LIVED_SHIFT: u32 = 3;
const LIVED_BITS: u32 = 28;
const ID_SHIFT: u32 = LIVED_SHIFT + LIVED_BITS;

impl Ended {
    /// The whole end; `None` if it does not fit into one word.
    #[inline]
    pub(crate) fn in_place(executor_task_id: u64, lived: u64, end: TaskEnd) -> Option<Ended> {
        let fits =
            executor_task_id >> (u64::BITS - ID_SHIFT) == 0 && lived >> LIVED_BITS == 0 && end != TaskEnd::Unseen;
        let word = executor_task_id << ID_SHIFT | lived << LIVED_SHIFT | (end as u64) << END_SHIFT | 1;
        usize::try_from(word).ok().filter(|_| fits).map(Ended)
    }

    /// For an end with a record of its own.
    pub(crate) fn with_record(executor_task_id: u64) -> Ended {
        let id = usize::try_from(executor_task_id).ok().filter(|id| *id <= usize::MAX >> LIVED_SHIFT).unwrap_or(0);
        Ended(id << LIVED_SHIFT | 1)
    }

    /// The executor's ID if known, and the lifetime in ticks with the kind of end, if they are in this word.
    fn parts(self) -> (Option<u64>, Option<(u64, TaskEnd)>) {
        let word = self.0 as u64;
        let (id, end) = match TaskEnd::from_bits(word >> END_SHIFT & 3) {
            None => (word >> LIVED_SHIFT, None),
            Some(end) => (word >> ID_SHIFT, Some((word >> LIVED_SHIFT & !(u64::MAX << LIVED_BITS), end))),
        };
        ((id != 0).then_some(id), end)
    }
}

const BLOCK_RECORDS: usize = if MODEL { 2 } else { 127 };

/// Beside each record is the cell of a spawn that was not read, or null.
type Block = queue::Block<Record, Claim, BLOCK_RECORDS>;
type FreeBlock = queue::Free<Record, Claim, BLOCK_RECORDS>;

/// The consumer's end of a thread's queue.
struct Reader {
    queue: queue::Reader<Record, Claim, BLOCK_RECORDS>,
    thread: u64,
}

/// Bytes counted for a block. Each thread that has recorded anything has one.
const BLOCK_BYTES: usize = size_of::<Block>();
/// Additional bytes counted for a full block: a task's cell for each record, which lives until the record is read.
const CELLS_BYTES: usize = BLOCK_RECORDS * size_of::<TaskCell>();

/// An empty block, from `spare` or from the blocks that were read, if there are any.
fn take_block(spare: &std::cell::Cell<*mut Block>) -> FreeBlock {
    let mut block = spare.get();
    if block.is_null() {
        // All of them: taking one could not detect that the stack below it has changed.
        block = READ.swap(ptr::null_mut(), Ordering::Acquire);
    }
    let Some(free) = NonNull::new(block) else { return Block::fresh(|| Claim::new(ptr::null_mut())) };
    // SAFETY: only this thread has the block, and blocks are never freed.
    let block = unsafe { free.as_ref() };
    spare.set(block.next_free());
    block.empty();
    free
}

/// Returns a block, for any thread to use again.
fn give_block(block: FreeBlock) {
    // SAFETY: blocks are never freed.
    let given = unsafe { block.as_ref() };
    let mut head = READ.load(Ordering::Relaxed);
    loop {
        given.set_next_free(head);
        match READ.compare_exchange_weak(head, block.as_ptr(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

/// The producer's end of a thread's queue.
struct Writer {
    queue: queue::Writer<Record, Claim, BLOCK_RECORDS>,
    /// Blocks to take next.
    spare: std::cell::Cell<*mut Block>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        while let Some(spare) = NonNull::new(self.spare.get()) {
            // SAFETY: only this writer has the block, and blocks are never freed.
            self.spare.set(unsafe { spare.as_ref() }.next_free());
            give_block(spare);
        }
    }
}

statics! {
    static READERS: Mutex<Vec<Reader>> = Mutex::new(Vec::new());
    /// Records that are in no queue: from threads whose thread-locals are gone already, and ends that were read with their
    /// spawn but are later than the cutoff.
    static LATE: Mutex<Vec<Read>> = Mutex::new(Vec::new());
    /// A stack of the blocks that were read.
    static READ: AtomicPtr<Block> = AtomicPtr::new(ptr::null_mut());
    static BUFFERED_BYTES: AtomicUsize = AtomicUsize::new(0);
    static MAX_BUFFERED_BYTES: AtomicUsize = AtomicUsize::new(64 << 20);
}
/// By kind.
static REFUSED: [AtomicU64; FactKind::COUNT] = [const { AtomicU64::new(0) }; FactKind::COUNT];

thread_local! {
    static WRITER: Writer = register();
}

fn register() -> Writer {
    let spare = std::cell::Cell::new(ptr::null_mut());
    BUFFERED_BYTES.fetch_add(BLOCK_BYTES, Ordering::Relaxed);
    let (queue, reader) = queue::queue(take_block(&spare));
    let reader = Reader { queue: reader, thread: threads::number() };
    READERS.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    Writer { queue, spare }
}

/// Sets the size of the queues, in bytes, above which openings are refused.
pub(crate) fn set_bound(bytes: usize) {
    MAX_BUFFERED_BYTES.store(bytes, Ordering::Relaxed);
}

/// Records a fact that opens something. False if the bound is reached: the fact is counted, and not recorded.
#[must_use]
pub(crate) fn push_opening(ticks: u64, fact: Fact) -> bool {
    let taken = !refuses(fact.kind());
    if taken {
        push(fact.encode(ticks), None);
    }
    taken
}

/// Records a spawn of the task of `cell`. `None` if the bound is reached. Otherwise the place from which the cell may be
/// taken back, or null if it cannot be.
#[inline]
pub(crate) fn push_spawned(ticks: u64, spawn: Spawn, cell: CellRef) -> Option<*const Claim> {
    (!refuses(FactKind::TaskSpawned)).then(|| push(spawn.encode(ticks), Some(cell)))
}

/// Takes back the reference that `push_spawned` took, unless the spawn was read, and leaves `ended` there: then the recorder
/// knows only the task's spawn and its end. False if the spawn was read.
///
/// # Safety
/// `claim` is the result of `push_spawned` for this cell, and not null. No other thread uses this reference `cell`; it may
/// use others of its own.
#[inline]
pub(crate) unsafe fn take_back(claim: *const Claim, cell: &CellRef, ended: Ended) -> bool {
    let address = cell.as_ptr().cast_mut();
    // SAFETY: blocks are never freed.
    let claim = unsafe { &*claim };
    // A later spawn in this place has another cell: this one is alive, and was recorded once.
    let ended = ptr::without_provenance_mut(ended.0);
    if claim.compare_exchange(address, ended, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return false;
    }
    // SAFETY: `push` put the reference there, and after the exchange no other thread can take it.
    let taken = unsafe { CellRef::from_raw(address) };
    // First the wakers: a thread that has dropped its waker has made its references before that.
    if cell.wakers().count() <= 1 {
        // SAFETY: a third reference is made from one of these two, which only this call has, or with a waker. The only
        // waker is the task's own, which has `cell`.
        unsafe { cell.drop_other(taken) };
    }
    true
}

/// Whether the bound is reached, so that openings are refused.
pub(crate) fn is_full() -> bool {
    BUFFERED_BYTES.load(Ordering::Relaxed) > MAX_BUFFERED_BYTES.load(Ordering::Relaxed)
}

/// Whether an opening of this kind is refused. If so, it is counted.
pub(crate) fn refuses(kind: FactKind) -> bool {
    let full = is_full();
    if full {
        REFUSED[kind as usize].fetch_add(1, Ordering::Relaxed);
    }
    full
}

/// Records the end of something whose opening was recorded.
#[inline]
pub(crate) fn push_closing(ticks: u64, fact: Fact) {
    push(fact.encode(ticks), None);
}

#[inline]
fn push(record: Record, cell: Option<CellRef>) -> *const Claim {
    let (mut record, mut cell) = (record, cell);
    if order::is_on() {
        record.ticks = order::next(record.ticks);
    }
    let written = WRITER.try_with(|writer| writer.push(record, cell.take()));
    written.unwrap_or_else(|_| {
        let cell = cell.map_or(Cell::None, Cell::Here);
        // SAFETY: the caller has just encoded it, and the queue has not taken it.
        let read = unsafe { Read::of(record, cell, threads::number()) };
        LATE.lock().unwrap_or_else(PoisonError::into_inner).push(read);
        ptr::null()
    })
}

impl Writer {
    #[inline]
    fn push(&self, record: Record, cell: Option<CellRef>) -> *const Claim {
        let beside = |claim: &Claim| {
            if let Some(cell) = cell {
                claim.store(cell.into_raw().cast_mut(), Ordering::Relaxed);
            }
        };
        self.queue.push(record, beside, || Some(self.another_block())).map_or(ptr::null(), ptr::from_ref)
    }

    #[cold]
    #[inline(never)]
    fn another_block(&self) -> FreeBlock {
        // The block before is full.
        BUFFERED_BYTES.fetch_add(CELLS_BYTES + BLOCK_BYTES, Ordering::Relaxed);
        take_block(&self.spare)
    }
}

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    locks.push(Box::new(READERS.lock().unwrap_or_else(PoisonError::into_inner)));
    locks.push(Box::new(LATE.lock().unwrap_or_else(PoisonError::into_inner)));
}

/// Takes every record up to the time `cutoff`, sorted by time.
///
/// A record that another one caused, on any thread, comes after it: if the effect's time is not after `cutoff`, then the
/// cause was published before `cutoff` was read. Later records are left for the next call.
///
/// At detail `operations` the times and `cutoff` are from `order::next`. There the same is true of any record that was published
/// before the time of another one was taken: `order::next` of the later record, and so that of `cutoff`, shows it. Only a record
/// whose thread is still about to publish it can come in a later call than one with a later time. Neither is before the other then.
pub(crate) fn drain(cutoff: u64, out: &mut Vec<Read>) {
    let start = out.len();
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut later = Vec::new();
    readers.retain_mut(|reader| drain_one(reader, cutoff, out, &mut later));
    drop(readers);
    let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
    let (due, rest) = std::mem::take(&mut *late).into_iter().partition(|read| read.ticks <= cutoff);
    out.extend::<Vec<Read>>(due);
    *late = rest;
    late.append(&mut later);
    drop(late);
    // A task's own records come before its end, which was read with its spawn.
    out[start..].sort_by_key(|read| (read.ticks, matches!(read.fact, Fact::TaskCompleted { .. })));
}

/// Reads the records up to `cutoff`. An end after `cutoff` goes to `later`. False if the queue has ended.
fn drain_one(reader: &mut Reader, cutoff: u64, out: &mut Vec<Read>, later: &mut Vec<Read>) -> bool {
    let Reader { queue, thread } = reader;
    let thread = *thread;
    let take = |record: Record, claim: &Claim| {
        let (cell, end) = if record.kind == FactKind::TaskSpawned { take_cell(claim) } else { (Cell::None, None) };
        // SAFETY: `Writer::push` was given an encoded fact, and each record is read once.
        let read = unsafe { Read::of(record, cell, thread) };
        let ended = match (&read.fact, end) {
            (Fact::TaskSpawned(spawn), Some((lived, end))) => {
                let fact = Fact::TaskCompleted { task: spawn.task, end };
                Some(Read { ticks: read.ticks + lived, fact, cell: Cell::None, thread })
            }
            _ => None,
        };
        out.push(read);
        if let Some(ended) = ended {
            let of = if ended.ticks <= cutoff { &mut *out } else { &mut *later };
            of.push(ended);
        }
    };
    let give = |block: FreeBlock| {
        // SAFETY: blocks are never freed.
        let was_followed = !unsafe { block.as_ref() }.next_free().is_null();
        let bytes = if was_followed { BLOCK_BYTES + CELLS_BYTES } else { BLOCK_BYTES };
        BUFFERED_BYTES.fetch_sub(bytes, Ordering::Relaxed);
        give_block(block);
    };
    queue.drain(|record| record.ticks <= cutoff, take, give)
}

/// For the reader of a spawn: takes the task's cell, or its end.
fn take_cell(claim: &Claim) -> (Cell, Option<(u64, TaskEnd)>) {
    let cell = claim.swap(ptr::null_mut(), Ordering::AcqRel);
    if cell.addr() & 1 == 1 {
        let (executor_task_id, end) = Ended(cell.addr()).parts();
        return (Cell::TakenBack(executor_task_id), end);
    }
    // SAFETY: `push` put the reference there for a spawn, and after the swap no other thread can take it.
    (Cell::Here(unsafe { CellRef::from_raw(cell) }), None)
}

/// Number of refused openings of each kind since the last call.
pub(crate) fn take_refused() -> [u64; FactKind::COUNT] {
    std::array::from_fn(|kind| REFUSED[kind].swap(0, Ordering::Relaxed))
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::fact::EdgeEnd;
    use std::sync::Arc;

    fn closed(edge: u64) -> Fact {
        Fact::EdgeClosed { edge, end: EdgeEnd::Unsaid }
    }

    fn edge(read: &Read) -> u64 {
        match read.fact {
            Fact::EdgeClosed { edge, .. } => edge,
            _ => unreachable!("there is nothing else"),
        }
    }

    #[test]
    fn an_end_is_whole_or_not_in_its_spawns_place() {
        const MOST_LIVED: u64 = (1 << LIVED_BITS) - 1;
        const MOST_ID: u64 = (1 << (u64::BITS - ID_SHIFT)) - 1;
        use TaskEnd::{Cancelled, Panicked, Returned, Unseen};
        let check = |id, lived, end, expect| {
            let fits = cfg!(target_pointer_width = "64");
            let parts = Ended::in_place(id, lived, end).map(Ended::parts);
            assert_eq!(parts, if fits { expect } else { None }, "{id} {lived} {end:?}");
        };
        check(0, 0, Returned, Some((None, Some((0, Returned)))));
        check(7, 1000, Panicked, Some((Some(7), Some((1000, Panicked)))));
        check(MOST_ID, MOST_LIVED, Cancelled, Some((Some(MOST_ID), Some((MOST_LIVED, Cancelled)))));
        check(MOST_ID + 1, 0, Returned, None);
        check(7, MOST_LIVED + 1, Returned, None);
        check(7, u64::MAX, Returned, None);
        // There is no number for it in two bits.
        check(7, 0, Unseen, None);
        assert_eq!(Ended::with_record(0).parts(), (None, None));
        assert_eq!(Ended::with_record(MOST_ID).parts(), (Some(MOST_ID), None));
        assert_eq!(Ended::with_record(u64::MAX).parts(), (None, None));
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
                        push_closing(clock.fetch_add(1, Ordering::SeqCst), closed(thread << 32 | n));
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
            assert!(seen[before..].is_sorted_by_key(|read| read.ticks));
            assert!(seen[before..].iter().all(|read| read.ticks <= cutoff));
            if last {
                break;
            }
        }
        for worker in workers {
            worker.join().unwrap();
        }
        drain(u64::MAX, &mut seen);
        for thread in 0..threads {
            let values: Vec<u64> = seen.iter().map(edge).filter(|value| value >> 32 == thread).collect();
            let expect: Vec<u64> = (0..count).map(|n| thread << 32 | n).collect();
            assert_eq!(values, expect, "all of thread {thread}, once, in order");
        }
        assert_eq!(READERS.lock().unwrap().len(), 0, "the queues of ended threads are gone");
        assert_eq!(BUFFERED_BYTES.load(Ordering::Relaxed), 0);

        set_bound(0);
        assert!(push_opening(1, closed(1)), "the first block is not counted before it is there");
        assert!(!push_opening(2, closed(2)));
        push_closing(3, closed(3));
        assert_eq!(take_refused()[FactKind::EdgeClosed as usize], 1);
        seen.clear();
        drain(2, &mut seen);
        drain(9, &mut seen);
        assert_eq!(seen.iter().map(edge).collect::<Vec<_>>(), [1, 3]);
    }
}
