//! A task's own cell: the memory in which its threads write its state, and from which the recorder reads it.
//!
//! Each field names its writers, its readers and the ordering. "Its thread" is the thread that polls the task. The program
//! never depends on a field. The events of a task's life are in task.rs, and the cell's lifetime is in cell_ref.rs.

use crate::cell_ref::Count;
use crate::executor::Executor;
use crate::ids::{self, REGISTERING};
use crate::kind::Kind;
use crate::meta::{Body, TaskMeta};
use crate::raw::ReportedTask;
use crate::slots::{Slot, Slots};
use crate::sync;
use crate::times::Times;
use crate::wakers::Wakers;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// A bit of `marks`: the next poll has to be traced.
const TRACE_WANTED: u8 = 1;
/// A bit of `marks`: a trace has woken the task, by its request or by the poll that it asked for. The next poll is not counted,
/// unless the program has woken the task too.
const WOKEN_BY_TRACE: u8 = 2;
/// A bit of `marks`: the task is in a poll that is not counted.
const UNCOUNTED: u8 = 4;
/// A bit of `marks`: the message of a panic has to be recorded.
const NOTES_PANIC: u8 = 8;

/// The place in a queue that has the cell of a spawn until the spawn is read or taken back. Then it has the facts of the
/// task's end.
pub(crate) type Claim = sync::atomic::AtomicPtr<TaskCell>;

/// The state of one task. Each live task has one, so state that few tasks have is elsewhere (`Rare`).
///
/// The fields that a poll uses come first, so that they take few cache lines. The last two of `times` are rarely used.
#[repr(C)]
pub struct TaskCell {
    /// See [`Count`].
    refs: Count,
    /// 0 until recorded, [`REGISTERING`] while a thread records the task. That thread took it from 0 by an exchange that
    /// acquires, and stores the id with release; the recorder stores 0 again when it forgets a partial task. A thread that
    /// waits for the id acquires it, others load it relaxed: the recorder knows the task from the queue.
    id: AtomicU64,
    /// See [`Wakers`].
    wakers: Wakers,
    /// The executor has polled with another waker than the first, and we do not follow that waker. Its thread stores it, the
    /// recorder loads it; relaxed, since it can only hide a problem.
    other_wakers: AtomicBool,
    /// Its last poll ended by a panic. Its thread stores it before it records the end, and loads it there; relaxed.
    panicked: AtomicBool,
    /// [`TRACE_WANTED`], [`WOKEN_BY_TRACE`], [`UNCOUNTED`] and [`NOTES_PANIC`]: a usual poll has none of them. A requesting thread
    /// and its thread change their bits, its thread loads it; relaxed, since the lock of the requests orders everything else. The
    /// recorder loads `UNCOUNTED`, which its thread sets before such a poll, and clears with release after it.
    marks: AtomicU8,
    /// Its last poll left a clone of its waker: there were more after the poll than before. (A clone from an earlier poll
    /// may live, too, and be stale.) Its thread stores it before the poll has ended, the recorder loads it; relaxed, since
    /// the end of the poll orders it.
    left_waker: AtomicBool,
    /// Code can cancel it that has none of its join handles. The thread that spawns it stores it, the recorder loads it; relaxed, since it
    /// orders no other memory.
    cancellable: AtomicBool,
    /// The task has ended. Its thread stores it, any thread loads it; relaxed, since it orders no other memory.
    ended: AtomicBool,
    /// Not written after the cell is shared.
    kind: Kind,
    /// We observe only its use of resources. Not written after the cell is shared.
    partial: bool,
    /// See [`Times`].
    times: Times,
    /// Number of tasks that it has spawned: each may have taken one of its handles along. Only compared. Its thread stores
    /// and loads it; relaxed.
    spawns: AtomicU32,
    /// The index of its hold of `held`. Writers, readers and ordering like `held`.
    held_index: AtomicU32,
    /// The resource with several holders that it acquired last; it may have a hold that outlives the task. Its thread stores
    /// it, the recorder loads it after the task's end; relaxed, since the queue of the end orders it.
    held: AtomicU64,
    /// The address of its future, from the first poll on; 0 before. Its thread stores it once, it and the recorder load it;
    /// relaxed, since nobody reads memory there by it.
    future_start: AtomicUsize,
    /// The number of its home (home.rs), from the first poll on; 0 if unknown. Its thread stores it once, the recorder loads it; relaxed,
    /// since it orders no other memory.
    home: AtomicU64,
    /// The executor's own ID; 0 if unknown. Its thread stores it at the first poll, others load it; relaxed.
    executor_task_id: AtomicU64,
    /// See [`Slots`].
    waits: Slots,
    /// One of `waits` that was opened in the present poll: it begins when that poll ends. Only its thread uses it; relaxed.
    opened: AtomicPtr<Slot>,
    /// The place of its spawn in the queue, if the cell may be taken back from there; null otherwise. The thread that records
    /// the task stores it, its thread loads it at its end; relaxed, since moving the task between the two threads orders it.
    claim: AtomicPtr<Claim>,
    /// Not written after the cell is shared.
    executor: &'static Executor,
    /// Not written after the cell is shared.
    location: &'static Location<'static>,
    /// Not written after the cell is shared.
    body: &'static Body,
    /// The ID of the task that spawned it, or 0. Not written after the cell is shared.
    parent: u64,
    /// Ticks; 0 before there is a clock. The thread that records the task stores it, the recorder loads it after it has read
    /// the task's spawn; relaxed, since the queue of the spawn orders it.
    spawned_at: AtomicU64,
    /// `None` for most tasks. Not written after the cell is shared, except for its atomic field.
    rare: Option<Box<Rare>>,
}

/// State that few tasks have.
#[derive(Default)]
struct Rare {
    /// The program's name for the task.
    name: Option<Box<str>>,
    /// For a reported task (`RawTask`): the state that no other field has.
    reported: Option<ReportedTask>,
    /// For a partial task: ticks of its last use of a resource. Any thread stores it, the recorder loads it; relaxed.
    last_use: AtomicU64,
}

// The program reads nothing of a cell, so it cannot observe one that a panic left half written.
impl std::panic::UnwindSafe for TaskCell {}
impl std::panic::RefUnwindSafe for TaskCell {}

impl std::fmt::Debug for TaskCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskCell").field("id", &self.id).field("location", &self.location).finish_non_exhaustive()
    }
}

/// Making a cell, and changes before it is shared.
impl TaskCell {
    /// Writes the cell of a task that `parent` spawns now.
    #[inline]
    pub(crate) fn write(
        place: &mut MaybeUninit<TaskCell>,
        meta: TaskMeta,
        partial: bool,
        parent: u64,
        now: u64,
        name: Option<Box<str>>,
    ) -> &mut TaskCell {
        let rare = Rare { name, reported: None, last_use: AtomicU64::new(now) };
        place.write(TaskCell {
            refs: Count::one(),
            id: AtomicU64::new(0),
            times: Times::spawned(now),
            wakers: Wakers::new(),
            other_wakers: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            marks: AtomicU8::new(0),
            left_waker: AtomicBool::new(false),
            cancellable: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            kind: meta.kind,
            partial,
            spawns: AtomicU32::new(0),
            held_index: AtomicU32::new(0),
            held: AtomicU64::new(0),
            future_start: AtomicUsize::new(0),
            home: AtomicU64::new(0),
            executor_task_id: AtomicU64::new(0),
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
    }

    /// Makes it the cell of an observed task with this name, which is not new: its join handles do not have its ID.
    pub(crate) fn set_observed(&mut self, name: Option<Box<str>>) {
        self.partial = false;
        *self.cancellable.get_mut() = true;
        if let Some(rare) = &mut self.rare {
            rare.name = name;
        }
    }

    /// Makes it the cell of a reported task (`RawTask`), with this name if it has one. We do not follow its wakers.
    pub(crate) fn set_reported(
        &mut self,
        reported: ReportedTask,
        partial: bool,
        name: Option<Box<str>>,
        executor_task_id: u64,
    ) {
        let rare = self.rare.get_or_insert_default();
        rare.name = name.or(rare.name.take());
        rare.reported = Some(reported);
        *rare.last_use.get_mut() = *self.spawned_at.get_mut();
        self.partial = partial;
        *self.executor_task_id.get_mut() = executor_task_id;
        *self.other_wakers.get_mut() = true;
    }

    pub(crate) fn set_parent(&mut self, parent: u64) {
        self.parent = parent;
    }
}

/// The constant fields.
impl TaskCell {
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    #[inline]
    pub(crate) fn is_partial(&self) -> bool {
        self.partial
    }

    #[inline]
    pub(crate) fn executor(&self) -> &'static Executor {
        self.executor
    }

    #[inline]
    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.location
    }

    #[inline]
    pub(crate) fn body(&self) -> &'static Body {
        self.body
    }

    #[inline]
    pub(crate) fn parent(&self) -> u64 {
        self.parent
    }

    /// The program's name for it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.rare.as_ref()?.name.as_deref()
    }

    /// The state of a reported task; `None` for others.
    pub(crate) fn reported(&self) -> Option<&ReportedTask> {
        self.rare.as_ref()?.reported.as_ref()
    }

    /// Whether it has neither a name nor anything else that few tasks have.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.rare.is_none()
    }

    /// Whether we observe its polls. If so, and its cell is the current one of a thread, then that thread polls it.
    #[inline]
    pub(crate) fn is_followed(&self) -> bool {
        !self.partial && self.reported().is_none()
    }
}

/// The parts with a file of their own.
impl TaskCell {
    #[inline]
    pub(crate) fn refs(&self) -> &Count {
        &self.refs
    }

    #[inline]
    pub(crate) fn times(&self) -> &Times {
        &self.times
    }

    #[inline]
    pub(crate) fn wakers(&self) -> &Wakers {
        &self.wakers
    }

    #[inline]
    pub(crate) fn waits(&self) -> &Slots {
        &self.waits
    }
}

/// Its id, and its place in the queue.
impl TaskCell {
    /// The ID, or 0 if the task is not recorded.
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

    /// The id, or 0, or [`REGISTERING`].
    pub(crate) fn any_id(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    /// Makes the caller the one thread that records the task, if the ID is still `before`.
    pub(crate) fn begin_registration(&self, before: u64) -> bool {
        self.id.compare_exchange(before, REGISTERING, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Waits for the ID that another thread gives it now.
    pub(crate) fn wait_for_registration(&self) -> u64 {
        ids::wait_for_registration(&self.id)
    }

    /// Sets its ID; 0 if it could not be recorded. Called by the thread that records it.
    #[inline]
    pub(crate) fn set_id(&self, id: u64) {
        self.id.store(id, Ordering::Release);
    }

    /// Removes its ID. If the task uses a resource again, it is recorded as another one. Called by the recorder.
    pub(crate) fn forget(&self) {
        self.id.store(0, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn claim(&self) -> *const Claim {
        self.claim.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_claim(&self, claim: *const Claim) {
        self.claim.store(claim.cast_mut(), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn spawned_at(&self) -> u64 {
        self.spawned_at.load(Ordering::Relaxed)
    }

    /// Sets the spawn time of a task from before there was a clock. Called by the thread that records it.
    pub(crate) fn set_spawned_at(&self, now: u64) {
        self.spawned_at.store(now, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn executor_task_id(&self) -> u64 {
        self.executor_task_id.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_executor_task_id(&self, id: u64) {
        self.executor_task_id.store(id, Ordering::Relaxed);
    }
}

/// Its polls and its waits.
impl TaskCell {
    /// Records the address of its future.
    #[inline]
    pub(crate) fn set_future_start(&self, address: usize) {
        self.future_start.store(address, Ordering::Relaxed);
    }

    /// Whether its future was polled, or its closure called.
    pub(crate) fn has_begun(&self) -> bool {
        self.future_start.load(Ordering::Relaxed) != 0
    }

    /// The number of its home; 0 if unknown.
    pub(crate) fn home(&self) -> u64 {
        self.home.load(Ordering::Relaxed)
    }

    /// Records its home.
    #[inline]
    pub(crate) fn set_home(&self, home: u64) {
        self.home.store(home, Ordering::Relaxed);
    }

    /// The addresses of its own future, from the first poll on; `None` before, and for a closure.
    pub(crate) fn own_future(&self) -> Option<Range<usize>> {
        let start = self.future_start.load(Ordering::Relaxed);
        (start != 0 && self.kind != Kind::Blocking).then(|| start..start + self.body.size())
    }

    /// Whether `address` lies in the task's own future, so that no other task can reach a value there.
    pub(crate) fn contains(&self, address: usize) -> bool {
        let start = self.future_start.load(Ordering::Relaxed);
        match self.kind {
            Kind::Blocking => {
                // The stack of its thread, from the closure's frame down to this one.
                let here = &raw const address as usize;
                start != 0 && (here..start).contains(&address)
            }
            _ => self.own_future().is_some_and(|own| own.contains(&address)),
        }
    }

    /// Whether only this task can have the guard or the wait of an operation at `address`: the operation lies in the task's own
    /// future, which is pinned, and not in a box, which can move. And the task was spawned with a `'static` bound, so it cannot
    /// pass on a guard that borrows. r[edge.hold.transferable]
    #[inline]
    pub(crate) fn keeps(&self, address: usize) -> bool {
        address != 0 && matches!(self.kind, Kind::Task | Kind::Local) && self.contains(address)
    }

    /// Ends a poll, and begins a wait that was opened in it. Returns the duration of the poll in ticks.
    #[inline]
    pub(crate) fn end_poll(&self, now: u64) -> u64 {
        self.times.end(now, || {
            if let Some(opened) = self.opened_slot() {
                opened.wait_since(now);
                self.opened.store(ptr::null_mut(), Ordering::Relaxed);
            }
        })
    }

    /// Records that the wait in this slot begins when the present poll ends. False if another slot is recorded already.
    #[inline]
    pub(crate) fn begins_with_end_of_poll(&self, slot: &Slot) -> bool {
        let is_other = |opened: &Slot| !ptr::eq(opened, slot);
        if self.opened_slot().is_some_and(is_other) {
            return false;
        }
        self.opened.store(ptr::from_ref(slot).cast_mut(), Ordering::Relaxed);
        true
    }

    #[inline]
    fn opened_slot(&self) -> Option<&Slot> {
        // SAFETY: null, or a slot of `waits`, which lives as long as `self` (cell_ref.rs, "slots").
        unsafe { self.opened.load(Ordering::Relaxed).as_ref() }
    }

    #[inline]
    pub(crate) fn left_waker(&self) -> bool {
        self.left_waker.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_left_waker(&self, left: bool) {
        self.left_waker.store(left, Ordering::Relaxed);
    }

    pub(crate) fn has_other_wakers(&self) -> bool {
        self.other_wakers.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_other_wakers(&self, other: bool) {
        self.other_wakers.store(other, Ordering::Relaxed);
    }

    /// Number of its observed live wakers that something foreign holds, plus one if we do not follow all its wakers.
    pub(crate) fn foreign_wakers(&self) -> u64 {
        self.wakers.foreign() + u64::from(self.has_other_wakers())
    }

    #[inline]
    pub(crate) fn is_trace_wanted(&self) -> bool {
        self.marks.load(Ordering::Relaxed) & TRACE_WANTED != 0
    }

    pub(crate) fn want_trace(&self, wanted: bool) {
        match wanted {
            true => self.marks.fetch_or(TRACE_WANTED, Ordering::Relaxed),
            false => self.marks.fetch_and(!TRACE_WANTED, Ordering::Relaxed),
        };
    }

    /// Takes back the request for a trace. The executor may still poll the task for it: that poll is not counted.
    pub(crate) fn leave_trace(&self) {
        // A poll with a waker that we do not follow may have any cause.
        if !self.has_other_wakers() {
            self.marks.fetch_or(WOKEN_BY_TRACE, Ordering::Relaxed);
        }
        self.want_trace(false);
    }

    /// Whether the next poll is unusual: it has to be traced, follows a poll that only a trace asked for, or notes a panic.
    #[inline]
    pub(crate) fn has_marks(&self) -> bool {
        self.marks.load(Ordering::Relaxed) != 0
    }

    /// Whether the task is in a poll that is not counted. If not, the effects of earlier ones were taken back (acquire).
    pub(crate) fn is_uncounted(&self) -> bool {
        self.marks.load(Ordering::Acquire) & UNCOUNTED != 0
    }

    /// Begins or ends a poll that is not counted. By its thread.
    pub(crate) fn set_uncounted(&self, begins: bool) {
        match begins {
            true => self.marks.fetch_or(UNCOUNTED, Ordering::Relaxed),
            false => self.marks.fetch_and(!UNCOUNTED, Ordering::Release),
        };
    }

    /// Whether this wake is an effect of the trace, and not one of the program's. A future may wake its old waker when it
    /// gets another one, as those of async-io do. The task is then polled once more, and that poll is not counted either.
    /// By the task's thread.
    #[cold]
    pub(crate) fn takes_wake_of_trace(&self) -> bool {
        let by_trace = self.is_trace_wanted() && !self.times.is_running();
        if by_trace {
            self.marks.fetch_or(WOKEN_BY_TRACE, Ordering::Relaxed);
        }
        by_trace
    }

    /// Whether an effect of the last trace asked for this poll. By the task's thread.
    pub(crate) fn take_woken_by_trace(&self) -> bool {
        let woken = self.marks.load(Ordering::Relaxed) & WOKEN_BY_TRACE != 0;
        if woken {
            self.marks.fetch_and(!WOKEN_BY_TRACE, Ordering::Relaxed);
        }
        woken
    }

    /// Makes each poll note the message of a panic. By the task's thread.
    #[cold]
    pub(crate) fn note_panic(&self) {
        self.marks.fetch_or(NOTES_PANIC, Ordering::Relaxed);
    }

    /// Whether a poll has to note the message of a panic.
    pub(crate) fn notes_panic(&self) -> bool {
        self.marks.load(Ordering::Relaxed) & NOTES_PANIC != 0
    }
}

/// Its use of resources.
impl TaskCell {
    /// Counts a task that it spawns.
    pub(crate) fn one_more_spawn(&self) {
        self.spawns.store(self.spawns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn spawns(&self) -> u32 {
        self.spawns.load(Ordering::Relaxed)
    }

    /// Records that it has acquired a resource with several holders, and the hold's index there.
    #[inline]
    pub(crate) fn note_hold(&self, resource: u64, index: u32) {
        self.held.store(resource, Ordering::Relaxed);
        self.held_index.store(index, Ordering::Relaxed);
    }

    /// Records that it has acquired a resource with one holder.
    #[inline]
    pub(crate) fn note_lock(&self, resource: u64) {
        self.held.store(resource, Ordering::Relaxed);
    }

    /// The last recorded resource, and the index if that has several holders; the resource is 0 if none was recorded.
    pub(crate) fn last_hold(&self) -> (u64, u32) {
        (self.held.load(Ordering::Relaxed), self.held_index.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn has_held(&self) -> bool {
        self.held.load(Ordering::Relaxed) != 0
    }

    /// Records a use of a resource by a partial task.
    pub(crate) fn used(&self, now: u64) {
        if let Some(rare) = &self.rare {
            rare.last_use.store(now, Ordering::Relaxed);
        }
    }

    /// The time of a partial task's last use of a resource, in ticks.
    pub(crate) fn last_use(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.last_use.load(Ordering::Relaxed))
    }
}

/// Its end.
impl TaskCell {
    /// Whether code can cancel it that has none of its join handles.
    pub(crate) fn is_cancellable(&self) -> bool {
        self.cancellable.load(Ordering::Relaxed)
    }

    /// Records that such code can cancel it.
    pub(crate) fn set_cancellable(&self) {
        self.cancellable.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_panicked(&self) {
        self.panicked.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_ended(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Records its end, and returns whether it was recorded before.
    pub(crate) fn swap_ended(&self) -> bool {
        self.ended.swap(true, Ordering::Relaxed)
    }
}
