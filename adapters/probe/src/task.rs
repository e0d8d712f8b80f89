//! The life of a task in its cell: it is spawned, recorded, polled, waits and ends. A partial task is forgotten.

use crate::cell::{Claim, TaskCell};
use crate::cell_ref::CellRef;
use crate::fact::{Fact, Spawn, TaskEnd};
use crate::ids::REGISTERING;
use crate::kind::Kind;
use crate::meta::TaskMeta;
use crate::ring::{self, Ended};
use crate::slots::Slot;
use crate::{clock, current, ids, name, on, order, polls, trace};
use std::ptr;

/// Time in nanoseconds without a use after which a partial task, whose end we do not observe, is forgotten. It is longer
/// than the pauses of a keep-alive connection under load, and short enough that few tasks in a list are dead.
const FORGET_AFTER_NS: u64 = 5_000_000_000;

/// The spawn.
impl TaskCell {
    pub(crate) fn spawned(meta: TaskMeta, partial: bool) -> CellRef {
        let parent = if partial { 0 } else { spawns() };
        // After `spawns`, which may just have recorded the parent.
        let now = clock::ticks();
        let name = if partial { None } else { name::take_task_name() };
        CellRef::new(|place| TaskCell::write(place, meta, partial, parent, now, name))
    }

    /// For a task that is not new any more: its parent is unknown, and usually its name, too.
    pub(crate) fn new_late(meta: TaskMeta, name: Option<Box<str>>) -> CellRef {
        let mut cell = TaskCell::spawned(meta, true);
        cell.get_mut().expect("nobody else has it yet").set_observed(name);
        cell
    }
}

/// Records that the current task spawns another one. Returns the current task's ID, or 0 if there is none.
fn spawns() -> u64 {
    current::innermost(|cell| {
        cell.one_more_spawn();
        cell.id()
    })
    .unwrap_or(0)
}

/// Records the current task, if there is one.
pub(crate) fn record_current() {
    current::innermost(CellRef::id);
}

/// The registration with the recorder.
impl CellRef {
    /// Returns the ID, and records the task first if necessary. 0 if recording is off, or the queue refused it.
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
        let before = self.any_id();
        if before != 0 && before != REGISTERING {
            // A polled task gets a new cell with its next poll, since parts of this one are outdated.
            if self.is_followed() && self.kind() != Kind::Blocking {
                return 0;
            }
            // The claim belongs to the spawn before this registration.
            self.set_claim(ptr::null());
        }
        if before == REGISTERING || !self.begin_registration(before) {
            return self.wait_for_registration();
        }
        let now = clock::ticks();
        // A root from before recording began is in its first poll.
        if self.spawned_at() == 0 {
            self.set_spawned_at(now);
            self.times().restart(now, current::is(self));
        }
        self.record(now, self.clone()).map_or(0, |_| self.recorded_id())
    }

    /// Records a cell that is not shared yet.
    #[inline]
    pub(crate) fn register_new(&mut self) {
        // Without a spawn time, it was made before recording began.
        let spawned_at = self.spawned_at();
        if spawned_at == 0 {
            self.id();
        } else if on() {
            let for_queue = self.another();
            let claim = self.record(spawned_at, for_queue);
            if self.is_plain() {
                self.set_claim(claim.unwrap_or(ptr::null()));
            }
        }
    }

    /// Called by the registering thread. Returns the place of `for_queue` in the queue, or `None` if the queue is full.
    #[inline]
    fn record(&self, now: u64, for_queue: CellRef) -> Option<*const Claim> {
        let id = ids::next_task();
        let spawn = Spawn {
            task: id,
            parent: self.parent(),
            kind: self.kind(),
            location: self.location(),
            body: self.body(),
            executor: self.executor(),
        };
        let claim = ring::push_spawned(now, spawn, for_queue);
        self.set_id(if claim.is_some() { id } else { 0 });
        claim
    }
}

/// Polls and waits. Only the task's own thread calls these.
impl TaskCell {
    /// Begins a run, now. Returns the time in ticks.
    #[inline]
    pub(crate) fn begin(&self) -> u64 {
        let now = clock::ticks();
        self.times().begin(now);
        now
    }

    /// Ends the run. Returns its duration in ticks.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        self.end_poll(clock::ticks())
    }

    /// The time in ticks at which a wait in this slot begins. 0 if it begins with the end of the present poll, which then sets
    /// its time.
    #[inline]
    pub(crate) fn opens(&self, slot: &Slot) -> u64 {
        if self.times().is_running() && self.begins_with_end_of_poll(slot) { 0 } else { clock::ticks() }
    }

    /// Records that another task was polled within the present poll, from `began` until now.
    #[cold]
    pub(crate) fn polled_another(&self, began: u64) {
        // 0 is a time before the recorder started.
        if began != 0 && self.times().is_running() {
            self.times().add_polling_others(clock::ticks().saturating_sub(began));
        }
    }

    /// Counts a poll of this duration in ticks.
    #[inline]
    pub(crate) fn count_poll(&self, ticks: u64) {
        if polls::telling() {
            self.count_and_tell_poll(ticks);
        } else {
            self.times().count_poll(ticks);
        }
    }

    /// Counts the poll before it queues its record, so there are never more records than counted polls.
    #[cold]
    #[inline(never)]
    fn count_and_tell_poll(&self, ticks: u64) {
        self.times().count_poll(ticks);
        let id = self.recorded_id();
        // A reader expects no polls of a task after its end.
        if id != 0 && !self.has_ended() {
            polls::tell(id, self.times().poll_end(), ticks);
        }
    }

    /// The time in ticks at which the present poll began; now, for a task whose polls we do not observe.
    pub(crate) fn poll_time(&self) -> u64 {
        match self.times().poll_start() {
            0 => clock::ticks(),
            start => start,
        }
    }
}

/// The end.
impl CellRef {
    /// Records the task's end, now.
    pub(crate) fn completed(&self, end: TaskEnd) {
        self.completed_at(end, clock::ticks());
    }

    /// Records the task's end at `ticks`. This thread has recorded nothing since that time.
    #[inline]
    pub(crate) fn completed_at(&self, end: TaskEnd, ticks: u64) {
        self.set_ended();
        if self.is_trace_wanted() {
            trace::ended(self);
        }
        let id = self.recorded_id();
        if id != 0 {
            let end = if self.has_panicked() { TaskEnd::Panicked } else { end };
            self.record_end(id, end, ticks);
        }
    }

    /// Records its end. If its spawn was not read yet, the end goes into the spawn's place, and the cell is not needed any more.
    #[inline]
    fn record_end(&self, id: u64, end: TaskEnd, ticks: u64) {
        let claim = self.claim();
        // The recorder still needs the cell of a task with holds.
        let claim = if self.has_held() { ptr::null() } else { claim };
        let executor_task_id = self.executor_task_id();
        let lived = ticks.wrapping_sub(self.spawned_at());
        // An ordered end has a record of its own.
        let whole = !claim.is_null() && !order::is_on();
        let in_place = if whole { Ended::in_place(executor_task_id, lived, end) } else { None };
        // SAFETY: `register_new` got the claim from `push_spawned`, for this cell. The task has ended, in a call by the owner
        // of its future: no other thread has this reference.
        if in_place.is_some_and(|ended| unsafe { ring::take_back(claim, self, ended) }) {
            return;
        }
        ring::push_closing(ticks, Fact::TaskCompleted { task: id, end });
        if !claim.is_null() && in_place.is_none() {
            // SAFETY: as for the `take_back` above: the claim is this cell's, and no other thread has this reference.
            unsafe { ring::take_back(claim, self, Ended::with_record(executor_task_id)) };
        }
    }
}

/// Forgetting a partial task.
impl TaskCell {
    /// Forgets a partial task without an open edge if it has used nothing for [`FORGET_AFTER_NS`], and returns whether it did.
    /// If the task uses a resource again, it is recorded as another task.
    pub(crate) fn forget_if_unused(&self) -> bool {
        let unused = clock::ticks().saturating_sub(self.last_use());
        let forget = clock::duration_ns(unused) > FORGET_AFTER_NS;
        if forget {
            self.forget();
        }
        forget
    }
}
