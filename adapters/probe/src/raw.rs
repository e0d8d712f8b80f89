//! For an adapter that wraps nothing, and is only told what happens: tasks, resources and edges by explicit calls.
//!
//! A task of this kind has a cell like any other, so its counters and states are sampled. Its waker is not followed: until
//! [`RawTask::set_foreign_wakers`] says otherwise it counts as one that something foreign may wake, so that nothing is
//! ever proven of it. Resources and edges are recorded as they are told, each in a record of its own.

mod beside;
mod edges;

pub(crate) use beside::{ObservedOperation, about_to_spawn, told_capabilities, told_executors, turned};
pub use beside::{in_observed_operation, is_observed_spawn, telling, told_capability, told_executor};
pub(crate) use edges::Told;
pub use edges::{RawEdge, RawRelation, RawResource, RawResourceMeta, RawUpdate, RawWait};

use crate::cell_ref::CellRef;
use crate::clock;
use crate::current::{self, Swapped};
use crate::executor::Executor;
use crate::task::{Body, Kind, TaskCell, TaskMeta};
use crate::waker;
use insight_protocol::{Outcome, TaskKind};
use std::panic::Location;
use std::sync::atomic::Ordering;

/// A place in the source, as something other than the compiler names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file as the compiler names it.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// A time of the recorder's clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub(crate) u64);

impl Moment {
    /// Now.
    pub fn now() -> Moment {
        Moment(clock::ticks())
    }
}

/// What is told of a task when it is spawned.
#[derive(Debug)]
pub struct RawMeta<'a> {
    /// Its executor.
    pub executor: &'static Executor,
    /// What it is to its executor.
    pub kind: TaskKind,
    /// The name that the program gave it.
    pub name: Option<&'a str>,
    /// The type of its closure, by `std::any::type_name`, where that is known and it has no name.
    pub type_name: Option<&'a str>,
    /// Where it was spawned.
    pub place: Option<Place>,
    /// Who spawned it.
    pub parent: Parent<'a>,
    /// The executor's own id of it.
    pub executor_task_id: Option<u64>,
    /// The size of its future.
    pub future_bytes: Option<u64>,
    /// Only its use of resources is told.
    pub partial: bool,
}

/// Who spawned a task.
#[derive(Clone, Copy, Debug)]
pub enum Parent<'a> {
    /// The task that is being polled on this thread, if there is one.
    Current,
    /// This one.
    Told(&'a RawTask),
    /// Not known.
    Unknown,
}

/// What the cell of such a task has besides.
#[derive(Debug)]
pub(crate) struct ToldTask {
    pub(crate) kind: TaskKind,
    pub(crate) place: Option<Place>,
    pub(crate) future_bytes: Option<u64>,
}

/// A task of which somebody tells what happens to it.
#[derive(Clone, Debug)]
pub struct RawTask(pub(crate) CellRef);

impl RawTask {
    /// It was spawned. To be called while recording is on.
    pub fn spawned(meta: RawMeta<'_>) -> RawTask {
        let kind = match &meta.kind {
            TaskKind::Local => Kind::Local,
            TaskKind::Blocking => Kind::Blocking,
            TaskKind::BlockOn => Kind::BlockOn,
            _ => Kind::Task,
        };
        // Its place is in `ToldTask`: a `Location` cannot be made of a name and a line.
        let location = Location::caller();
        let cell_meta = TaskMeta { executor: meta.executor, kind, location, body: Body::UNKNOWN };
        let by_current = matches!(meta.parent, Parent::Current);
        let mut cell = TaskCell::spawned(cell_meta, !by_current);
        let told = cell.get_mut().expect("nobody else has it yet");
        told.partial = meta.partial;
        if let Parent::Told(parent) = meta.parent {
            told.parent = parent.0.recorded_id();
            parent.0.one_more_spawn();
        }
        let type_name = || meta.type_name.map(crate::intern::readable).filter(|name| !name.is_empty());
        let name = meta.name.map(str::to_owned).or_else(type_name);
        let told_task = ToldTask { kind: meta.kind, place: meta.place, future_bytes: meta.future_bytes };
        told.set_told(told_task, name.map(String::into_boxed_str));
        *told.executor_task_id.get_mut() = meta.executor_task_id.unwrap_or(0);
        // Its wakers are not followed.
        *told.other_wakers.get_mut() = true;
        cell.id();
        RawTask(cell)
    }

    /// The innermost task that is being polled on this thread, observed or told.
    pub fn current() -> Option<RawTask> {
        current::innermost(|cell| RawTask(cell.clone()))
    }

    /// The id of the current task; 0 when there is none.
    pub fn current_id() -> u64 {
        current::recorded_id()
    }

    /// Its id; 0 when it is not recorded.
    pub fn id(&self) -> u64 {
        self.0.recorded_id()
    }

    /// Whether both are the same task.
    pub fn is(&self, other: &RawTask) -> bool {
        self.0.is(&other.0)
    }

    /// A poll of it begins on this thread, and lasts until the result is dropped.
    pub fn poll(&self) -> RawPoll {
        if !self.0.partial {
            if !self.0.ended.load(Ordering::Relaxed) {
                self.0.id();
            }
            self.0.begin();
        }
        RawPoll { swapped: Swapped::new(self.0.clone()), was_panicking: std::thread::panicking() }
    }

    /// It was woken by the current task, or by no task.
    pub fn woken(&self) {
        self.note_wake(current::recorded_id(), current::is(&self.0));
    }

    /// It was woken by this task, or by no task.
    pub fn woken_by(&self, by: Option<&RawTask>) {
        self.note_wake(by.map_or(0, |by| by.0.recorded_id()), by.is_some_and(|by| by.is(self)));
    }

    fn note_wake(&self, by: u64, by_itself: bool) {
        let cell = &self.0;
        cell.count_wake(by != 0 && by_itself);
        if cell.woken_at.load(Ordering::Relaxed) == 0 {
            cell.woken_by.store(by, Ordering::Relaxed);
            cell.woken_at.store(clock::ticks(), Ordering::Relaxed);
        }
    }

    /// How many live wakers of it are held by something that is not told.
    pub fn set_foreign_wakers(&self, count: u64) {
        waker::set_foreign_count(&self.0, count);
        self.0.other_wakers.store(false, Ordering::Relaxed);
    }

    /// It has ended. Only the first call counts. When a poll of it was left by a panic, the outcome is that.
    pub fn completed(&self, outcome: Outcome) {
        if !self.0.ended.swap(true, Ordering::Relaxed) {
            self.0.completed(outcome);
        }
    }
}

/// A poll that goes on; dropping it ends the poll. To be dropped on the thread where it began.
#[derive(Debug)]
pub struct RawPoll {
    swapped: Swapped,
    was_panicking: bool,
}

impl Drop for RawPoll {
    fn drop(&mut self) {
        let cell = self.swapped.cell();
        if std::thread::panicking() && !self.was_panicking {
            cell.panicked();
        }
        if !cell.partial {
            let ticks = cell.end();
            cell.count_poll(ticks);
        }
    }
}
