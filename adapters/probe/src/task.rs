//! A task's own cell: its counters, its waker and its open waits.

use crate::cell_ref::{CellRef, Count};
use crate::executor::Executor;
use crate::raw::ToldTask;
use crate::ring::{self, Claim, Ended, Record, RecordKind};
use crate::slots::{Slot, Slots};
use crate::sync::{self, UnsafeCell};
use crate::{clock, current, ids, name, on, polls, trace};
use insight_protocol::{Outcome, TaskKind};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::{any, ptr};

/// What is known of a task when it is spawned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskMeta {
    /// Its executor.
    pub executor: &'static Executor,
    /// What it is to its executor.
    pub kind: Kind,
    /// Where it was spawned.
    pub location: &'static Location<'static>,
    /// Its future or closure.
    pub body: &'static Body,
}

/// A type of futures or closures.
#[derive(Debug)]
pub(crate) struct Body {
    /// By `std::any::type_name`; the readable name of its tasks is made of it.
    type_name: fn() -> &'static str,
    /// The size as it is spawned, in bytes.
    size: usize,
}

impl Body {
    /// Of which nothing is known.
    pub(crate) const UNKNOWN: &'static Body = &Body { type_name: || "", size: 0 };

    /// The type `F`, which is spawned in a wrapper of `size` bytes.
    pub(crate) const fn of<F>(size: usize) -> Body {
        Body { type_name: any::type_name::<F>, size }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

/// The kinds of tasks that an adapter spawns.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A future that may move between threads.
    Task,
    /// A future that stays on one thread.
    Local,
    /// A closure on a thread of its own.
    Blocking,
    /// A future that a thread runs to its end.
    BlockOn,
}

impl Kind {
    /// Of a word with the kind above an id.
    pub(crate) fn from_word(word: u64) -> Kind {
        match word >> KIND_SHIFT {
            0 => Kind::Task,
            1 => Kind::Local,
            2 => Kind::Blocking,
            _ => Kind::BlockOn,
        }
    }

    pub(crate) fn protocol(self) -> TaskKind {
        match self {
            Kind::Task => TaskKind::Task,
            Kind::Local => TaskKind::Local,
            Kind::Blocking => TaskKind::Blocking,
            Kind::BlockOn => TaskKind::BlockOn,
        }
    }
}

/// How many counts of the histogram of poll times a cell has: of 2^6 ns and less, to 2^25 ns (34 ms) and more.
pub(crate) const HISTOGRAM: std::ops::Range<u32> = 6..26;
const HISTOGRAM_LEN: usize = (HISTOGRAM.end - HISTOGRAM.start) as usize;
type Histogram = [AtomicU32; HISTOGRAM_LEN];
/// Of so many polls a cell has the times in place: most tasks have no more, and the histogram is larger.
const FIRST_POLLS: u64 = 8;

/// How long a partial task, whose end is not seen, is kept without a use: longer than a keep-alive connection's pauses
/// under load, and short enough that a list of tasks is not mostly of dead ones.
const FORGET_AFTER_NS: u64 = 5_000_000_000;

/// Where a word has the kind, above an id.
pub(crate) const KIND_SHIFT: u32 = 56;

/// The one who registers is at work.
const REGISTERING: u64 = u64::MAX;

/// The state of one task, written by the thread that polls it and, in a few fields, by who wakes it.
///
/// The recorder only reads it. No field is read to decide anything about the program. There is one a live task, so what
/// few tasks have lies elsewhere.
#[repr(C)]
pub struct TaskCell {
    pub(crate) refs: Count,
    /// 0 until recorded.
    id: AtomicU64,
    pub(crate) polls: AtomicU64,
    /// When the present poll began, in ticks; 0 when it is not being polled.
    pub(crate) poll_start: AtomicU64,
    /// When the last poll ended.
    pub(crate) poll_end: AtomicU64,
    /// Ticks in polls that have ended.
    pub(crate) running: AtomicU64,
    /// Ticks between a wake and its poll.
    pub(crate) scheduled: AtomicU64,
    /// When it was woken since its last poll began; 0 when it was not.
    pub(crate) woken_at: AtomicU64,
    /// The task that woke it last; 0 when no task did.
    pub(crate) woken_by: AtomicU64,

    /// By others than itself.
    pub(crate) wakes: AtomicU64,
    pub(crate) self_wakes: AtomicU64,
    /// Ticks of the present poll in which another task was polled, on the same thread.
    polling_others: AtomicU64,
    /// Its live wakers; see waker.rs.
    pub(crate) wakers: sync::atomic::AtomicU64,
    /// The executor's waker: set before the first poll, dropped with the last of `wakers`.
    pub(crate) inner: UnsafeCell<Option<Waker>>,
    /// Once the executor has come with another waker than `inner`: that one is not followed.
    pub(crate) other_wakers: AtomicBool,
    panicked: AtomicBool,
    /// The next poll is to be traced. Beside `inner`, which each poll reads.
    pub(crate) trace_wanted: AtomicBool,
    /// Whether its last poll left a clone of its waker. One of an earlier poll may live, too, and be of no use any more: only
    /// more than before the poll are its own.
    pub(crate) left_waker: AtomicBool,
    pub(crate) ended: AtomicBool,
    pub(crate) kind: Kind,
    pub(crate) partial: bool,
    /// How many tasks it has spawned: each may have taken a handle of its with it. Only compared.
    pub(crate) spawns: AtomicU32,
    /// The place of the hold of `held`.
    held_index: AtomicU32,
    /// The resource, of those that several can hold, that it acquired last: where to look for a hold that outlives it.
    held: AtomicU64,
    /// Where its future lies while it is being polled; 0 before.
    pub(crate) future_start: AtomicUsize,
    pub(crate) executor_task_id: AtomicU64,

    /// The entries of the histogram in which its first polls are counted: in each byte one, and 1 more.
    first_polls: AtomicU64,
    /// Of the polls after those; null before.
    histogram: AtomicPtr<Histogram>,
    pub(crate) waits: Slots,
    /// One of `waits` that was opened in the present poll, of which the time is when that poll ends.
    opened: AtomicPtr<Slot>,

    /// Where its spawn lies in its queue, if the cell may be taken back from there; null else.
    claim: AtomicPtr<Claim>,

    pub(crate) executor: &'static Executor,
    pub(crate) location: &'static Location<'static>,
    pub(crate) body: &'static Body,
    pub(crate) parent: u64,
    pub(crate) spawned_at: AtomicU64,
    /// None for most.
    rare: Option<Box<Rare>>,
}

/// What a cell of few tasks has.
#[derive(Default)]
struct Rare {
    /// What the program calls it.
    name: Option<Box<str>>,
    /// For a task of which somebody tells: what there is no other place for.
    told: Option<ToldTask>,
    /// For a partial task: when it was last seen.
    last_use: AtomicU64,
}

// SAFETY: all but `inner` is Sync by itself. `inner` is written by the polling thread before the first waker is handed
// out and by whoever drops the last one, and read in between only (see waker.rs).
unsafe impl Sync for TaskCell {}
// SAFETY: as above; `Waker` is Send.
unsafe impl Send for TaskCell {}

// The program reads nothing of a cell, so it cannot see one that a panic left half written.
impl std::panic::UnwindSafe for TaskCell {}
impl std::panic::RefUnwindSafe for TaskCell {}

impl std::fmt::Debug for TaskCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskCell").field("id", &self.id).field("location", &self.location).finish_non_exhaustive()
    }
}

impl TaskCell {
    pub(crate) fn spawned(meta: TaskMeta, partial: bool) -> CellRef {
        let parent = if partial { 0 } else { current::spawns() };
        // After the parent is recorded, if that is done just now.
        let now = clock::ticks();
        let name = if partial { None } else { name::take_task_name() };
        let rare = Rare { name, told: None, last_use: AtomicU64::new(now) };
        CellRef::new(|cell| {
            cell.write(TaskCell {
                refs: Count::one(),
                id: AtomicU64::new(0),
                polls: AtomicU64::new(0),
                poll_start: AtomicU64::new(0),
                poll_end: AtomicU64::new(now),
                running: AtomicU64::new(0),
                scheduled: AtomicU64::new(0),
                woken_at: AtomicU64::new(now),
                woken_by: AtomicU64::new(0),
                wakes: AtomicU64::new(0),
                self_wakes: AtomicU64::new(0),
                polling_others: AtomicU64::new(0),
                wakers: sync::atomic::AtomicU64::new(0),
                inner: UnsafeCell::new(None),
                other_wakers: AtomicBool::new(false),
                panicked: AtomicBool::new(false),
                trace_wanted: AtomicBool::new(false),
                left_waker: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                kind: meta.kind,
                partial,
                spawns: AtomicU32::new(0),
                held_index: AtomicU32::new(0),
                held: AtomicU64::new(0),
                future_start: AtomicUsize::new(0),
                executor_task_id: AtomicU64::new(0),
                first_polls: AtomicU64::new(0),
                histogram: AtomicPtr::new(ptr::null_mut()),
                waits: Slots::new(),
                opened: AtomicPtr::new(ptr::null_mut()),
                claim: AtomicPtr::new(ptr::null_mut()),
                executor: meta.executor,
                location: meta.location,
                body: meta.body,
                parent,
                spawned_at: AtomicU64::new(now),
                rare: (partial || rare.name.is_some()).then(|| Box::new(rare)),
            })
        })
    }

    /// It spawns another task.
    pub(crate) fn one_more_spawn(&self) {
        self.spawns.store(self.spawns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Of a task that is not new any more: who spawned it is not known, and what the program calls it mostly not.
    pub(crate) fn new_late(meta: TaskMeta, name: Option<Box<str>>) -> CellRef {
        let mut cell = TaskCell::spawned(meta, true);
        let late = cell.get_mut().expect("nobody else has it yet");
        late.partial = false;
        if let Some(rare) = &mut late.rare {
            rare.name = name;
        }
        cell
    }

    /// What the program calls it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.rare.as_ref()?.name.as_deref()
    }

    /// Whether its polls are: the one whose cell is the current one on a thread is being polled there, and nowhere else.
    #[inline]
    pub(crate) fn is_followed(&self) -> bool {
        !self.partial && self.told().is_none()
    }

    /// What there is of a task of which somebody tells.
    pub(crate) fn told(&self) -> Option<&ToldTask> {
        self.rare.as_ref()?.told.as_ref()
    }

    /// Makes it one of which somebody tells, under this name if it has one. Of a cell that nobody else has yet.
    pub(crate) fn set_told(&mut self, told: ToldTask, name: Option<Box<str>>) {
        let rare = self.rare.get_or_insert_default();
        rare.name = name.or(rare.name.take());
        rare.told = Some(told);
        *rare.last_use.get_mut() = *self.spawned_at.get_mut();
    }

    /// A partial task is seen to use something.
    pub(crate) fn used(&self, now: u64) {
        if let Some(rare) = &self.rare {
            rare.last_use.store(now, Ordering::Relaxed);
        }
    }

    /// The id, if the task is recorded.
    #[inline]
    pub(crate) fn recorded_id(&self) -> u64 {
        let id = self.id.load(Ordering::Relaxed);
        if id != REGISTERING && ids::is_recorded(id) { id } else { 0 }
    }

    /// Whether it was recorded before recording was last turned off.
    pub(crate) fn was_recorded(&self) -> bool {
        let id = self.id.load(Ordering::Relaxed);
        id != 0 && id != REGISTERING && !ids::is_recorded(id)
    }

    /// For a partial task without an open edge: whether it has used nothing for so long that it may as well have ended.
    /// Then its id is gone: should it use something once more, it is recorded as another task.
    pub(crate) fn forget_if_unused(&self) -> bool {
        let last_use = self.rare.as_ref().map_or(0, |rare| rare.last_use.load(Ordering::Relaxed));
        let unused = clock::ticks().saturating_sub(last_use);
        let forget = clock::duration_ns(unused) > FORGET_AFTER_NS;
        if forget {
            self.id.store(0, Ordering::Relaxed);
        }
        forget
    }

    pub(crate) fn panicked(&self) {
        self.panicked.store(true, Ordering::Relaxed);
    }

    /// The task begins to run. Only its own thread calls this.
    #[inline]
    pub(crate) fn begin(&self) -> u64 {
        let now = clock::ticks();
        let woken_at = self.woken_at.load(Ordering::Relaxed);
        if woken_at != 0 {
            // A wake that comes in just here is one of before this poll, which the poll answers.
            self.woken_at.store(0, Ordering::Relaxed);
            let since = woken_at.max(self.poll_end.load(Ordering::Relaxed));
            add(&self.scheduled, now.saturating_sub(since));
        }
        self.poll_start.store(now, Ordering::Relaxed);
        now
    }

    /// The task stops running. Only its own thread calls this.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        let now = clock::ticks();
        let start = self.poll_start.load(Ordering::Relaxed);
        let mut ticks = if start == 0 { 0 } else { now.saturating_sub(start) };
        let others = self.polling_others.load(Ordering::Relaxed);
        if others != 0 {
            self.polling_others.store(0, Ordering::Relaxed);
            ticks = ticks.saturating_sub(others);
        }
        add(&self.running, ticks);
        // In this order: a reader that sees no poll sees when the last one ended, and since when there is a wait.
        if let Some(opened) = self.opened_slot() {
            opened.wait_since(now);
            self.opened.store(ptr::null_mut(), Ordering::Relaxed);
        }
        self.poll_end.store(now, Ordering::Relaxed);
        self.poll_start.store(0, Ordering::Release);
        ticks
    }

    /// When a wait begins that its task opens in this slot in the present poll; 0 if that is said when the poll ends: then
    /// it begins to wait. Only its own thread calls this.
    #[inline]
    pub(crate) fn opens(&self, slot: &Slot) -> u64 {
        let is_other = |opened: &Slot| !ptr::eq(opened, slot);
        if !self.is_running() || self.opened_slot().is_some_and(is_other) {
            return clock::ticks();
        }
        self.opened.store(ptr::from_ref(slot).cast_mut(), Ordering::Relaxed);
        0
    }

    #[inline]
    fn opened_slot(&self) -> Option<&Slot> {
        // SAFETY: null, or a slot of `waits`, where it stays as long as `self`.
        unsafe { self.opened.load(Ordering::Relaxed).as_ref() }
    }

    /// Within the present poll another task was polled, since `began`. Only its own thread calls this.
    #[cold]
    pub(crate) fn polled_another(&self, began: u64) {
        // Before a recorder started there was no time.
        if began != 0 && self.is_running() {
            add(&self.polling_others, clock::ticks().saturating_sub(began));
        }
    }

    /// Between [`begin`](TaskCell::begin) and [`end`](TaskCell::end).
    pub(crate) fn is_running(&self) -> bool {
        self.poll_start.load(Ordering::Relaxed) != 0
    }

    /// Counts a poll of so many ticks. Only its own thread calls this.
    #[inline]
    pub(crate) fn count_poll(&self, ticks: u64) {
        if polls::telling() {
            self.count_and_tell_poll(ticks);
        } else {
            self.count_one_poll(ticks);
        }
    }

    #[inline]
    fn count_one_poll(&self, ticks: u64) {
        let log2 = (clock::rough_ns(ticks) | 1).ilog2().clamp(HISTOGRAM.start, HISTOGRAM.end - 1);
        let entry = log2 - HISTOGRAM.start;
        let polls = self.polls.load(Ordering::Relaxed);
        if polls < FIRST_POLLS {
            let first = self.first_polls.load(Ordering::Relaxed);
            self.first_polls.store(first | u64::from(entry + 1) << (polls * 8), Ordering::Relaxed);
        } else {
            let count = &self.histogram()[entry as usize];
            count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        // With this number a reader sees which operations were polled in the poll, and its place in the histogram: so a
        // task of which the number has not changed has no other histogram.
        self.polls.store(polls.wrapping_add(1), Ordering::Release);
    }

    /// Told after it was counted: so no more are told than there were.
    #[cold]
    #[inline(never)]
    fn count_and_tell_poll(&self, ticks: u64) {
        self.count_one_poll(ticks);
        let id = self.recorded_id();
        // Of one whose end was told before, nobody expects more.
        if id != 0 && !self.ended.load(Ordering::Relaxed) {
            polls::tell(id, self.poll_end.load(Ordering::Relaxed), ticks);
        }
    }

    #[inline]
    fn histogram(&self) -> &Histogram {
        let histogram = self.histogram.load(Ordering::Relaxed);
        // SAFETY: null, or made by `add_histogram`, and freed with `self`.
        unsafe { histogram.as_ref() }.unwrap_or_else(|| self.add_histogram())
    }

    #[cold]
    fn add_histogram(&self) -> &Histogram {
        let fresh = Box::into_raw(Box::new([const { AtomicU32::new(0) }; HISTOGRAM_LEN]));
        self.histogram.store(fresh, Ordering::Release);
        // SAFETY: just made, and freed with `self`.
        unsafe { &*fresh }
    }

    /// How many polls took how long, by the entries of [`HISTOGRAM`].
    pub(crate) fn poll_times(&self) -> [u64; HISTOGRAM_LEN] {
        // SAFETY: null, or made by `add_histogram`, and freed with `self`.
        let histogram = unsafe { self.histogram.load(Ordering::Acquire).as_ref() };
        let mut counts = histogram.map_or([0; HISTOGRAM_LEN], |counts| {
            std::array::from_fn(|entry| u64::from(counts[entry].load(Ordering::Relaxed)))
        });
        for entry in self.first_polls.load(Ordering::Relaxed).to_le_bytes() {
            if let Some(count) = usize::from(entry).checked_sub(1).and_then(|entry| counts.get_mut(entry)) {
                *count += 1;
            }
        }
        counts
    }

    /// Counts a wake; of itself only its own thread does.
    #[inline]
    pub(crate) fn count_wake(&self, by_itself: bool) {
        if by_itself {
            add(&self.self_wakes, 1);
        } else {
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of the poll in which it is, from 1; that of the last one, in a poll that is not counted.
    #[inline]
    pub(crate) fn poll_number(&self) -> u64 {
        self.polls.load(Ordering::Relaxed) + u64::from(self.is_running())
    }

    /// Notes that it has acquired a resource, and the place among its holds where several can hold it.
    #[inline]
    pub(crate) fn note_hold(&self, resource: u64, index: u32) {
        self.held.store(resource, Ordering::Relaxed);
        self.held_index.store(index, Ordering::Relaxed);
    }

    /// What was last noted.
    pub(crate) fn last_hold(&self) -> (u64, u32) {
        (self.held.load(Ordering::Relaxed), self.held_index.load(Ordering::Relaxed))
    }

    /// When the present poll began; now, for a task whose polls are not seen.
    pub(crate) fn poll_time(&self) -> u64 {
        match self.poll_start.load(Ordering::Relaxed) {
            0 => clock::ticks(),
            start => start,
        }
    }

    /// Whether `address` lies in the task's own future, so that no other task can reach what is there.
    pub(crate) fn contains(&self, address: usize) -> bool {
        match self.kind {
            Kind::Blocking => {
                // The stack of its thread, from the closure's frame down to this one.
                let top = self.future_start.load(Ordering::Relaxed);
                let here = &raw const address as usize;
                top != 0 && (here..top).contains(&address)
            }
            _ => {
                let start = self.future_start.load(Ordering::Relaxed);
                start != 0 && (start..start + self.body.size).contains(&address)
            }
        }
    }
}

impl CellRef {
    /// The id; records the task first if that is not done. 0 when recording is off, or could not take it.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        match self.recorded_id() {
            0 => self.register(),
            id => id,
        }
    }

    #[cold]
    fn register(&self) -> u64 {
        if !on() {
            return 0;
        }
        let before = self.id.load(Ordering::Relaxed);
        if before != 0 && before != REGISTERING {
            // One that is polled gets another cell with its next poll: of this one not all is what it would be.
            if self.is_followed() && self.kind != Kind::Blocking {
                return 0;
            }
            // The spawn that it points to is not this one's.
            self.claim.store(ptr::null_mut(), Ordering::Relaxed);
        }
        if before == REGISTERING
            || self.id.compare_exchange(before, REGISTERING, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return wait_for_registration(&self.id);
        }
        let now = clock::ticks();
        // A root that was there before recording began is in its first poll.
        if self.spawned_at.load(Ordering::Relaxed) == 0 {
            self.spawned_at.store(now, Ordering::Relaxed);
            self.poll_end.store(now, Ordering::Relaxed);
            self.woken_at.store(0, Ordering::Relaxed);
            if current::is(self) {
                self.poll_start.store(now, Ordering::Relaxed);
            }
        }
        self.record(now, self.clone()).map_or(0, |_| self.recorded_id())
    }

    /// Records a cell that nobody else has yet.
    #[inline]
    pub(crate) fn register_new(&mut self) {
        // Without a time it was made before recording began.
        let spawned_at = self.spawned_at.load(Ordering::Relaxed);
        if spawned_at == 0 {
            self.id();
        } else if on() {
            let for_queue = self.another();
            let claim = self.record(spawned_at, for_queue);
            if self.rare.is_none() {
                self.claim.store(claim.unwrap_or(ptr::null()).cast_mut(), Ordering::Relaxed);
            }
        }
    }

    /// By the one who registers; where the queue has `for_queue`, or `None` where that is full.
    #[inline]
    fn record(&self, now: u64, for_queue: CellRef) -> Option<*const Claim> {
        let id = ids::next_task();
        let words = [
            id,
            self.parent | (self.kind as u64) << KIND_SHIFT,
            ptr::from_ref(self.location) as usize as u64,
            ptr::from_ref(self.body) as usize as u64,
            ptr::from_ref(self.executor) as usize as u64,
        ];
        let claim = ring::push_spawned(Record { ticks: now, kind: RecordKind::TaskSpawned, words }, for_queue);
        self.id.store(if claim.is_some() { id } else { 0 }, Ordering::Release);
        claim
    }

    /// If its spawn was not read yet, its end is put there, and this cell is not needed any more.
    #[inline]
    fn record_end(&self, id: u64, outcome: u64, ticks: u64) {
        let claim = self.claim.load(Ordering::Relaxed);
        // What it holds, and what it waits for, is looked for in the cell.
        let claim = if self.held.load(Ordering::Relaxed) == 0 { claim } else { ptr::null_mut() };
        let executor_task_id = self.executor_task_id.load(Ordering::Relaxed);
        let lived = ticks.wrapping_sub(self.spawned_at.load(Ordering::Relaxed));
        let in_place = if claim.is_null() { None } else { Ended::in_place(executor_task_id, lived, outcome) };
        // SAFETY: `register_new` had it of `push_spawned`, for this cell. The task has ended, in a call of whoever spawned
        // it as its own: nobody else has this reference.
        if in_place.is_some_and(|ended| unsafe { ring::take_back(claim, self, ended) }) {
            return;
        }
        let words = [id, outcome, 0, 0, 0];
        ring::push_closing(Record { ticks, kind: RecordKind::TaskCompleted, words });
        if !claim.is_null() && in_place.is_none() {
            // SAFETY: as above.
            unsafe { ring::take_back(claim, self, Ended::with_record(executor_task_id)) };
        }
    }

    /// Records how the task ended, now.
    pub(crate) fn completed(&self, outcome: Outcome) {
        self.completed_at(outcome, clock::ticks());
    }

    /// Records how the task ended, at a time since which this thread has recorded nothing.
    #[inline]
    pub(crate) fn completed_at(&self, outcome: Outcome, ticks: u64) {
        self.ended.store(true, Ordering::Relaxed);
        if self.trace_wanted.load(Ordering::Relaxed) {
            trace::ended(self);
        }
        let id = self.recorded_id();
        if id != 0 {
            let outcome = if self.panicked.load(Ordering::Relaxed) { Outcome::Panicked } else { outcome };
            self.record_end(id, outcome_word(&outcome), ticks);
        }
    }
}

impl Drop for TaskCell {
    fn drop(&mut self) {
        let histogram = *self.histogram.get_mut();
        if !histogram.is_null() {
            // SAFETY: made by `Box::into_raw` in `add_histogram`, and nobody else is left.
            drop(unsafe { Box::from_raw(histogram) });
        }
    }
}

/// Waits the few nanoseconds until another thread has given out an id.
pub(crate) fn wait_for_registration(id: &AtomicU64) -> u64 {
    loop {
        match id.load(Ordering::Acquire) {
            REGISTERING => std::thread::yield_now(),
            id => return id,
        }
    }
}

/// Adds to a counter that has one writer: no read-modify-write is needed.
#[inline]
pub(crate) fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}

fn outcome_word(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Returned => 1,
        Outcome::Panicked => 2,
        Outcome::Cancelled => 3,
        _ => 4,
    }
}

pub(crate) fn outcome_from_word(word: u64) -> Outcome {
    match word {
        1 => Outcome::Returned,
        2 => Outcome::Panicked,
        3 => Outcome::Cancelled,
        _ => Outcome::Unseen,
    }
}
