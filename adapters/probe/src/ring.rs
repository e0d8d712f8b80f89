//! From the program's threads to the recorder: per thread one queue, with one producer and one consumer.
//!
//! A queue is a list of blocks. The producer fills the last block and publishes each record by its block's length; the
//! consumer reads what is published and frees the blocks that it has read. Nobody waits for anybody.
//!
//! What opens something (a spawn, a resource, an edge) is refused once the bound is reached: its caller then leaves
//! the thing unrecorded as a whole. What closes something that was recorded is always taken: there is at most one for
//! each that was opened, so the queues stay bounded by what is alive. Nothing that was recorded becomes untrue.
//!
//! A spawn goes with a reference to its task's cell. A task that ends before its spawn is read takes the reference back
//! (see [`take_back`]), so that what ends soon is freed soon, by the thread that has it in its cache. It may try that at
//! any later time: so blocks are used again, and not freed. Its end, if it came soon, lies in the place of the cell, and is
//! no record of its own.

use crate::cell_ref::CellRef;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize};
use crate::sync::{MODEL, Mutex, UnsafeCell, statics, thread_local};
use crate::task::TaskCell;
use crate::waker;
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
    pub words: [u64; 5],
}

/// A record as it is read.
#[derive(Debug)]
pub(crate) struct Read {
    pub record: Record,
    /// With a spawn.
    pub cell: Cell,
}

/// What there is of the task of a spawn.
#[derive(Debug)]
pub(crate) enum Cell {
    /// The record is not a spawn.
    None,
    /// Its cell.
    Here(CellRef),
    /// It has ended, and this was its id of its executor, if that is known.
    TakenBack(Option<u64>),
}

/// Where the cell of a spawn lies until it is read or taken back. What is known of the task's end takes its place.
pub(crate) type Claim = AtomicPtr<TaskCell>;

/// In the place of the cell of a task that has ended, in one word; odd, as the address of a cell is not.
///
/// From the lowest bit on: 1; two bits of the outcome, or 0 where the end is a record of its own. Then in 28 bits how many
/// ticks it lived (a tenth of a second) and in the rest the executor's id of it; without an outcome, that id alone. 0 is an
/// id that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended(usize);

const OUTCOME_SHIFT: u32 = 1;
const LIVED_SHIFT: u32 = 3;
const LIVED_BITS: u32 = 28;
const ID_SHIFT: u32 = LIVED_SHIFT + LIVED_BITS;

impl Ended {
    /// All that there is to say of the end; `None` where that is too much for one word.
    #[inline]
    pub(crate) fn in_place(executor_task_id: u64, lived: u64, outcome: u64) -> Option<Ended> {
        let fits =
            executor_task_id >> (u64::BITS - ID_SHIFT) == 0 && lived >> LIVED_BITS == 0 && matches!(outcome, 1..=3);
        let word = executor_task_id << ID_SHIFT | lived << LIVED_SHIFT | outcome << OUTCOME_SHIFT | 1;
        usize::try_from(word).ok().filter(|_| fits).map(Ended)
    }

    /// The end was recorded before.
    pub(crate) fn with_record(executor_task_id: u64) -> Ended {
        let id = usize::try_from(executor_task_id).ok().filter(|id| *id <= usize::MAX >> LIVED_SHIFT).unwrap_or(0);
        Ended(id << LIVED_SHIFT | 1)
    }

    /// The executor's id, and how long it lived until it ended how, if that is said here.
    fn parts(self) -> (Option<u64>, Option<(u64, u64)>) {
        let word = self.0 as u64;
        let (id, end) = match word >> OUTCOME_SHIFT & 3 {
            0 => (word >> LIVED_SHIFT, None),
            outcome => (word >> ID_SHIFT, Some((word >> LIVED_SHIFT & !(u64::MAX << LIVED_BITS), outcome))),
        };
        ((id != 0).then_some(id), end)
    }
}

#[repr(u64)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// `[task, parent, location, body, executor]`, and its cell beside it; above the parent the kind.
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
    entries: [Entry; BLOCK_RECORDS],
}

#[repr(C)]
struct Entry {
    record: UnsafeCell<MaybeUninit<Record>>,
    /// Null but for a spawn that is not read.
    cell: Claim,
}

/// What a block counts for: itself, and a cell of a task in each record, which lives until the record is read.
const BLOCK_BYTES: usize = size_of::<Block>() + BLOCK_RECORDS * size_of::<TaskCell>();

impl Block {
    /// An empty block; of `spare`, or those that were read, if there are any.
    fn take(spare: &std::cell::Cell<*mut Block>) -> *mut Block {
        BUFFERED_BYTES.fetch_add(BLOCK_BYTES, Ordering::Relaxed);
        let mut block = spare.get();
        if block.is_null() {
            // All of them: to take one could not tell whether the others are still what they were.
            block = READ.swap(ptr::null_mut(), Ordering::Acquire);
        }
        // SAFETY: null, or one of those that nobody else has: blocks are never freed.
        let Some(used) = (unsafe { block.as_ref() }) else {
            return Box::into_raw(Box::new(Block {
                len: AtomicU32::new(0),
                next: AtomicPtr::new(ptr::null_mut()),
                entries: std::array::from_fn(|_| Entry {
                    record: UnsafeCell::new(MaybeUninit::uninit()),
                    cell: AtomicPtr::new(ptr::null_mut()),
                }),
            }));
        };
        spare.set(used.next.load(Ordering::Relaxed));
        used.next.store(ptr::null_mut(), Ordering::Relaxed);
        used.len.store(0, Ordering::Relaxed);
        block
    }

    /// To be used again, by whoever needs one.
    fn give(block: *mut Block) {
        // SAFETY: blocks are never freed.
        let given = unsafe { &*block };
        let mut head = READ.load(Ordering::Relaxed);
        loop {
            given.next.store(head, Ordering::Relaxed);
            match READ.compare_exchange_weak(head, block, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
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
    block: std::cell::Cell<*mut Block>,
    /// Blocks to take next.
    spare: std::cell::Cell<*mut Block>,
    gone: Arc<AtomicBool>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut spare = self.spare.get();
        // SAFETY: null, or one that this writer alone has.
        while let Some(block) = unsafe { spare.as_ref() } {
            let next = block.next.load(Ordering::Relaxed);
            Block::give(spare);
            spare = next;
        }
        self.gone.store(true, Ordering::Release);
    }
}

statics! {
    static READERS: Mutex<Vec<Reader>> = Mutex::new(Vec::new());
    /// What is in no queue: records of threads whose thread-locals are gone already, and ends of which the spawn was read
    /// before their time.
    static LATE: Mutex<Vec<Read>> = Mutex::new(Vec::new());
    /// A stack of the blocks that were read.
    static READ: AtomicPtr<Block> = AtomicPtr::new(ptr::null_mut());
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
    let spare = std::cell::Cell::new(ptr::null_mut());
    let block = Block::take(&spare);
    let gone = Arc::new(AtomicBool::new(false));
    let reader = Reader { block, read: 0, producer_gone: gone.clone() };
    READERS.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    Writer { block: std::cell::Cell::new(block), spare, gone }
}

/// Sets how many bytes the queues may take before openings are refused.
pub(crate) fn set_bound(bytes: usize) {
    MAX_BUFFERED_BYTES.store(bytes, Ordering::Relaxed);
}

/// Records something that opens. False when the bound is reached: it is counted, and is not recorded.
#[must_use]
pub(crate) fn push_opening(record: Record) -> bool {
    let taken = !refuses(record.kind);
    if taken {
        push(record, None);
    }
    taken
}

/// Records a spawn, of the task of `cell`. `None` when the bound is reached; else where the cell may be taken back, which
/// is null where it cannot be.
#[inline]
pub(crate) fn push_spawned(record: Record, cell: CellRef) -> Option<*const Claim> {
    (!refuses(record.kind)).then(|| push(record, Some(cell)))
}

/// Takes back what `push_spawned` took of `cell`, if it was not read, and leaves `ended` there: then the recorder knows no
/// more of the task than its spawn and its end. False if it was read.
///
/// # Safety
/// `claim` is what `push_spawned` returned for this cell, and not null. No other thread uses this `cell`, but for others
/// that it may have.
#[inline]
pub(crate) unsafe fn take_back(claim: *const Claim, cell: &CellRef, ended: Ended) -> bool {
    let address = cell.as_ptr().cast_mut();
    // SAFETY: blocks are never freed.
    let claim = unsafe { &*claim };
    // By another spawn's time there is another cell: this one lives, and was recorded once.
    let ended = ptr::without_provenance_mut(ended.0);
    if claim.compare_exchange(address, ended, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return false;
    }
    // SAFETY: the reference that `push` put there, and that nobody else can take now.
    let taken = unsafe { CellRef::from_raw(address) };
    // First the wakers: who has none any more, and had one, made further references before.
    if waker::count(cell) <= 1 {
        // SAFETY: a third reference is made of one of these two, which this call alone has, or with a waker. There is
        // none but the task's own, which is where `cell` is.
        unsafe { cell.drop_other(taken) };
    }
    true
}

/// Whether the bound is reached: what opens is refused now.
pub(crate) fn is_full() -> bool {
    BUFFERED_BYTES.load(Ordering::Relaxed) > MAX_BUFFERED_BYTES.load(Ordering::Relaxed)
}

/// Whether what would open is refused; then it is counted.
pub(crate) fn refuses(kind: RecordKind) -> bool {
    let full = is_full();
    if full {
        REFUSED[kind as usize].fetch_add(1, Ordering::Relaxed);
    }
    full
}

/// Records the end of something whose opening was recorded.
pub(crate) fn push_closing(record: Record) {
    push(record, None);
}

#[inline]
fn push(record: Record, cell: Option<CellRef>) -> *const Claim {
    let mut cell = cell;
    let written = WRITER.try_with(|writer| writer.push(record, cell.take()));
    written.unwrap_or_else(|_| {
        let cell = cell.map_or(Cell::None, Cell::Here);
        LATE.lock().unwrap_or_else(PoisonError::into_inner).push(Read { record, cell });
        ptr::null()
    })
}

impl Writer {
    #[inline]
    fn push(&self, record: Record, cell: Option<CellRef>) -> *const Claim {
        // SAFETY: the writer's block is given away by the reader only after `next` is set, and this writer alone sets it and
        // moves on in the same call.
        let mut block = unsafe { &*self.block.get() };
        let mut len = block.len.load(Ordering::Relaxed) as usize;
        if len == BLOCK_RECORDS {
            block = self.next_block(block);
            len = 0;
        }
        let entry = &block.entries[len];
        // SAFETY: entry `len` is not published, so the reader does not touch it, and there is one writer.
        entry.record.with_mut(|entry| unsafe { (*entry).write(record) });
        if let Some(cell) = cell {
            entry.cell.store(cell.into_raw().cast_mut(), Ordering::Relaxed);
        }
        block.len.store(len as u32 + 1, Ordering::Release);
        &raw const entry.cell
    }

    #[cold]
    fn next_block(&self, full: &Block) -> &Block {
        let fresh = Block::take(&self.spare);
        full.next.store(fresh, Ordering::Release);
        self.block.set(fresh);
        // SAFETY: blocks are never freed, and given away by the reader only after the writer has moved on from it.
        unsafe { &*fresh }
    }
}

/// Takes every record up to the time `cutoff`, sorted by time.
///
/// A record that was caused by another one, on whatever thread, comes after it: the cause was published before
/// `cutoff` was read when its effect's time is not after `cutoff`, and what is later is left for the next call.
pub(crate) fn drain(cutoff: u64, out: &mut Vec<Read>) {
    let start = out.len();
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut later = Vec::new();
    readers.retain_mut(|reader| reader.drain(cutoff, out, &mut later));
    drop(readers);
    let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
    let (due, rest) = std::mem::take(&mut *late).into_iter().partition(|read| read.record.ticks <= cutoff);
    out.extend::<Vec<Read>>(due);
    *late = rest;
    late.append(&mut later);
    drop(late);
    // What a task has recorded comes before its end, which was read with its beginning.
    out[start..].sort_by_key(|read| (read.record.ticks, read.record.kind == RecordKind::TaskCompleted));
}

impl Reader {
    /// False when there will never be more. An end of after `cutoff` goes to `later`.
    fn drain(&mut self, cutoff: u64, out: &mut Vec<Read>, later: &mut Vec<Read>) -> bool {
        // Read before the records are: what was published before the producer went is then seen.
        let gone = self.producer_gone.load(Ordering::Acquire);
        loop {
            // SAFETY: blocks are never freed, and the reader gives one away only when it moves on from it.
            let block = unsafe { &*self.block };
            let len = block.len.load(Ordering::Acquire) as usize;
            while self.read < len {
                let entry = &block.entries[self.read];
                // SAFETY: entries below `len` were written before `len` was published, and are not written again before
                // the block is given away.
                let record = entry.record.with(|entry| unsafe { (*entry).assume_init() });
                if record.ticks > cutoff {
                    return true;
                }
                self.read += 1;
                if record.kind != RecordKind::TaskSpawned {
                    out.push(Read { record, cell: Cell::None });
                    continue;
                }
                let (cell, end) = entry.take_cell();
                out.push(Read { record, cell });
                if let Some((lived, outcome)) = end {
                    let ticks = record.ticks + lived;
                    let words = [record.words[0], outcome, 0, 0, 0];
                    let record = Record { ticks, kind: RecordKind::TaskCompleted, words };
                    let of = if ticks <= cutoff { &mut *out } else { &mut *later };
                    of.push(Read { record, cell: Cell::None });
                }
            }
            let next = block.next.load(Ordering::Acquire);
            if len < BLOCK_RECORDS || next.is_null() {
                if gone {
                    self.give_block();
                }
                return !gone;
            }
            self.give_block();
            self.block = next;
            self.read = 0;
        }
    }

    /// The writer has set `next` and moved on, or is gone.
    fn give_block(&mut self) {
        BUFFERED_BYTES.fetch_sub(BLOCK_BYTES, Ordering::Relaxed);
        Block::give(self.block);
    }
}

impl Entry {
    /// For the reader of a spawn: what there is of its task, and of its end.
    fn take_cell(&self) -> (Cell, Option<(u64, u64)>) {
        let cell = self.cell.swap(ptr::null_mut(), Ordering::AcqRel);
        if cell.addr() & 1 == 1 {
            let (executor_task_id, end) = Ended(cell.addr()).parts();
            return (Cell::TakenBack(executor_task_id), end);
        }
        // SAFETY: the reference that `push` put there for a spawn, and that nobody else can take now.
        (Cell::Here(unsafe { CellRef::from_raw(cell) }), None)
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
        Record { ticks, kind: RecordKind::EdgeClosed, words: [value, 0, 0, 0, 0] }
    }

    #[test]
    fn an_end_is_whole_or_not_in_its_spawns_place() {
        const MOST_LIVED: u64 = (1 << LIVED_BITS) - 1;
        const MOST_ID: u64 = (1 << (u64::BITS - ID_SHIFT)) - 1;
        let check = |id, lived, outcome, expect| {
            let fits = cfg!(target_pointer_width = "64");
            let parts = Ended::in_place(id, lived, outcome).map(Ended::parts);
            assert_eq!(parts, if fits { expect } else { None }, "{id} {lived} {outcome}");
        };
        check(0, 0, 1, Some((None, Some((0, 1)))));
        check(7, 1000, 2, Some((Some(7), Some((1000, 2)))));
        check(MOST_ID, MOST_LIVED, 3, Some((Some(MOST_ID), Some((MOST_LIVED, 3)))));
        check(MOST_ID + 1, 0, 1, None);
        check(7, MOST_LIVED + 1, 1, None);
        check(7, u64::MAX, 1, None);
        // An outcome that there is no number for.
        check(7, 0, 4, None);
        check(7, 0, 0, None);
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
            assert!(seen[before..].is_sorted_by_key(|read| read.record.ticks));
            assert!(seen[before..].iter().all(|read| read.record.ticks <= cutoff));
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
                seen.iter().map(|read| read.record.words[0]).filter(|value| value >> 32 == thread).collect();
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
        assert_eq!(seen.iter().map(|read| read.record.words[0]).collect::<Vec<_>>(), [1, 3]);
    }
}
