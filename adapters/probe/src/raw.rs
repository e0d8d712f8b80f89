//! For an adapter that wraps nothing: it reports tasks, resources and edges by explicit calls.
//!
//! A reported task has a cell like any other, so its counters and states are sampled. We do not follow its waker: until
//! [`RawTask::set_foreign_wakers`] is called, we assume that something foreign may wake it, so that nothing is
//! ever proven of it. Each reported resource and edge has a record of its own.

mod beside;
mod edges;
mod reported;

#[cfg(not(all(test, loom)))]
pub(crate) use beside::lock_all;
pub(crate) use beside::{ObservedOperation, about_to_spawn, reported_capabilities, reported_executors, turned};
pub use beside::{in_observed_operation, is_observed_spawn, report_capability, report_executor, telling};
pub use edges::{RawEdge, RawResource, RawWait};
pub use reported::{Moment, RawLocation, RawRelation, RawResourceMeta, RawUpdate};
pub(crate) use reported::{Reported, ReportedTask};

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::clock;
use crate::current::{self, Swapped};
use crate::executor::Executor;
use crate::fact::TaskEnd;
use crate::kind::Kind;
use crate::meta::{Body, TaskMeta};
use insight_protocol::{Outcome, TaskKind};
use std::panic::Location;

/// The facts of a reported task at its spawn.
#[derive(Debug)]
pub struct RawMeta<'a> {
    /// Its executor.
    pub executor: &'static Executor,
    /// Its kind.
    pub kind: TaskKind,
    /// The name that the program gave it.
    pub name: Option<&'a str>,
    /// The type of its closure, by `std::any::type_name`, if known and if the task has no name.
    pub type_name: Option<&'a str>,
    /// The location of its spawn.
    pub place: Option<RawLocation>,
    /// The task that spawned it.
    pub parent: Parent<'a>,
    /// The executor's own ID of it.
    pub executor_task_id: Option<u64>,
    /// The size of its future.
    pub future_bytes: Option<u64>,
    /// Only its use of resources is reported.
    pub partial: bool,
}

/// The task that spawned another one.
#[derive(Clone, Copy, Debug)]
pub enum Parent<'a> {
    /// The task that is being polled on this thread, if there is one.
    Current,
    /// This one.
    Reported(&'a RawTask),
    /// Unknown.
    Unknown,
}

/// A task that an adapter reports by explicit calls.
#[derive(Clone, Debug)]
pub struct RawTask(pub(crate) CellRef);

impl RawTask {
    /// Records its spawn. Call it while recording is on.
    pub fn spawned(meta: RawMeta<'_>) -> RawTask {
        let kind = match &meta.kind {
            TaskKind::Local => Kind::Local,
            TaskKind::Blocking => Kind::Blocking,
            TaskKind::BlockOn => Kind::BlockOn,
            _ => Kind::Task,
        };
        // Its location is in `ReportedTask`: a `Location` cannot be made from a name and a line.
        let location = Location::caller();
        let cell_meta = TaskMeta { executor: meta.executor, kind, location, body: Body::UNKNOWN };
        let by_current = matches!(meta.parent, Parent::Current);
        let mut cell = TaskCell::spawned(cell_meta, !by_current);
        let task = cell.get_mut().expect("nobody else has it yet");
        if let Parent::Reported(parent) = meta.parent {
            task.set_parent(parent.0.recorded_id());
            parent.0.one_more_spawn();
        }
        let type_name = || meta.type_name.map(crate::name::readable).filter(|name| !name.is_empty());
        let name = meta.name.map(str::to_owned).or_else(type_name);
        let reported_task = ReportedTask { kind: meta.kind, place: meta.place, future_bytes: meta.future_bytes };
        let executor_task_id = meta.executor_task_id.unwrap_or(0);
        task.set_reported(reported_task, meta.partial, name.map(String::into_boxed_str), executor_task_id);
        cell.id();
        RawTask(cell)
    }

    /// The innermost task that is being polled on this thread, observed or reported.
    pub fn current() -> Option<RawTask> {
        current::innermost(|cell| RawTask(cell.clone()))
    }

    /// The ID of the current task; 0 if there is none.
    pub fn current_id() -> u64 {
        current::recorded_id()
    }

    /// Its ID; 0 if it is not recorded.
    pub fn id(&self) -> u64 {
        self.0.recorded_id()
    }

    /// Whether both are the same task.
    pub fn is(&self, other: &RawTask) -> bool {
        self.0.is(&other.0)
    }

    /// Records that a poll of it begins on this thread. The poll ends when the result is dropped.
    pub fn poll(&self) -> RawPoll {
        if !self.0.is_partial() {
            if !self.0.has_ended() {
                self.0.id();
            }
            self.0.begin();
        }
        RawPoll { swapped: Swapped::new(self.0.clone()), was_panicking: std::thread::panicking() }
    }

    /// Records a wake by the current task, or by no task.
    pub fn woken(&self) {
        self.note_wake(current::recorded_id(), current::is(&self.0));
    }

    /// Records a wake by this task, or by no task.
    pub fn woken_by(&self, by: Option<&RawTask>) {
        self.note_wake(by.map_or(0, |by| by.0.recorded_id()), by.is_some_and(|by| by.is(self)));
    }

    fn note_wake(&self, by: u64, by_itself: bool) {
        self.0.times().wake(by, by != 0 && by_itself, clock::ticks);
    }

    /// Sets the number of its live wakers that something unreported holds.
    pub fn set_foreign_wakers(&self, count: u64) {
        self.0.wakers().set_foreign(count);
        self.0.set_other_wakers(false);
    }

    /// Records its end. Only the first call counts. If a poll of it panicked, that is the outcome.
    pub fn completed(&self, outcome: Outcome) {
        if !self.0.swap_ended() {
            self.0.completed(TaskEnd::of(&outcome));
        }
    }
}

/// An open poll, which ends when this is dropped. Drop it on the thread where the poll began.
#[derive(Debug)]
pub struct RawPoll {
    swapped: Swapped,
    was_panicking: bool,
}

impl Drop for RawPoll {
    fn drop(&mut self) {
        let cell = self.swapped.cell();
        if std::thread::panicking() && !self.was_panicking {
            cell.set_panicked();
        }
        if !cell.is_partial() {
            let ticks = cell.end();
            cell.count_poll(ticks);
        }
    }
}
