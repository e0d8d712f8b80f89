//! The task's wakers, in every order of the threads' steps: the counts, the executor's waker and its end.

use super::task::borrowed;
use super::*;
use crate::Executor;
use crate::cell_ref::CellRef;
use crate::kind::Kind;
use crate::meta::{Body, TaskMeta};
use crate::slots::{Slot, WaitFacts};
use crate::sync::model::model;
use crate::{clock, current};
use loom::cell::UnsafeCell;
use loom::thread;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Wake;

const PREEMPTIONS: usize = 4;

static EXECUTOR: Executor = Executor::new("loom", "1", || None);

/// The object that the executor's waker keeps alive. A wake reads it, its end writes it: loom sees the one beside the other.
struct Executors {
    alive: UnsafeCell<bool>,
    log: Arc<Log>,
}

// SAFETY: `alive` is written by `drop` only, and loom says if that is not so.
unsafe impl Sync for Executors {}
// SAFETY: `alive` is written by `drop` only, and loom says if that is not so.
unsafe impl Send for Executors {}

#[derive(Default)]
struct Log {
    wakes: AtomicU32,
    drops: AtomicU32,
}

impl Wake for Executors {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // SAFETY: no thread writes, or loom fails.
        assert!(self.alive.with(|alive| unsafe { *alive }), "a wake of a task that is gone");
        self.log.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Executors {
    fn drop(&mut self) {
        // SAFETY: no other thread has it, or loom fails.
        self.alive.with_mut(|alive| unsafe { *alive = false });
        self.log.drops.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task, of which the test keeps no more than a look at its end.
struct Task {
    cell: CellRef,
    executors: Waker,
    log: Arc<Log>,
}

impl Task {
    fn new() -> Task {
        clock::start();
        let location = Location::caller();
        let meta = TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location, body: Body::UNKNOWN };
        let log = Arc::new(Log::default());
        let executors = Arc::new(Executors { alive: UnsafeCell::new(true), log: log.clone() }).into();
        Task { cell: TaskCell::spawned(meta, false), executors, log }
    }

    /// With no waker left all is as if there had never been one.
    fn ends_after(self, wakes: u32) {
        let Task { cell, executors, log } = self;
        assert_eq!(cell.wakers().counts(), 0);
        assert_eq!(cell.foreign_wakers(), 0);
        assert_eq!(cell.count(), 1, "the shared reference was given back, once");
        // SAFETY: no other thread has it, or loom fails.
        assert!(unsafe { cell.wakers().take_executors() }.is_none());
        drop(executors);
        assert_eq!(log.drops.load(Ordering::Relaxed), 1, "the executor's waker was dropped, once");
        assert_eq!(log.wakes.load(Ordering::Relaxed), wakes);
    }
}

fn installed(cell: CellRef, executors: &Waker) -> OwnWaker {
    let own = OwnWaker::new(cell);
    own.install(executors);
    own
}

/// A clone of the one kind, and one of the other.
fn clones(own: &OwnWaker, executors: &Waker) -> (Waker, Waker) {
    let foreign = own.with(executors, false, Waker::clone);
    (foreign, Waker::clone(&borrowed(own.cell(), &KNOWN)))
}

/// Something foreign and a leaf wake the task, each on its thread, while the task ends on a third.
#[test]
fn two_kinds_are_woken_while_the_task_ends() {
    model(PREEMPTIONS, || {
        let task = Task::new();
        let own = installed(task.cell.clone(), &task.executors);
        let (foreign, known) = clones(&own, &task.executors);
        let by_value = thread::spawn(move || foreign.wake());
        let by_reference = thread::spawn(move || {
            known.wake_by_ref();
            drop(known);
        });
        drop(own);
        by_value.join().unwrap();
        by_reference.join().unwrap();
        task.ends_after(2);
    });
}

/// The last clone outlives the task, the cell's owner and the executor's own handle of it.
#[test]
fn the_last_one_frees_the_task() {
    model(PREEMPTIONS, || {
        let Task { cell, executors, log } = Task::new();
        let own = installed(cell.clone(), &executors);
        let (foreign, known) = clones(&own, &executors);
        drop((executors, cell));
        let other = thread::spawn(move || {
            foreign.wake_by_ref();
            drop(foreign);
        });
        let copy = known.clone();
        drop(known);
        drop(own);
        copy.wake();
        other.join().unwrap();
        assert_eq!(log.wakes.load(Ordering::Relaxed), 2);
        assert_eq!(log.drops.load(Ordering::Relaxed), 1);
    });
}

/// Clones are made and dropped beside the poll's.
#[test]
fn clones_are_counted_by_kind() {
    model(PREEMPTIONS, || {
        let task = Task::new();
        let own = installed(task.cell.clone(), &task.executors);
        let (foreign, known) = clones(&own, &task.executors);
        let other = thread::spawn(move || {
            let copy = foreign.clone();
            drop(foreign);
            copy
        });
        let (again, _) = clones(&own, &task.executors);
        drop((known, again));
        let copy = other.join().unwrap();
        assert_eq!(task.cell.foreign_wakers(), 1);
        assert_eq!(task.cell.wakers().count(), 2, "the task's own, and the copy");
        drop((copy, own));
        task.ends_after(0);
    });
}

/// A trace asks on another thread, before, while and after the task has wakers.
#[test]
fn a_trace_shares_the_waker() {
    model(PREEMPTIONS, || {
        let task = Task::new();
        let tracer = {
            let cell = task.cell.clone();
            thread::spawn(move || {
                let shared = OwnWaker::share(&cell);
                if let Some(shared) = &shared {
                    shared.wake_executor();
                }
                u32::from(shared.is_some())
            })
        };
        let own = installed(task.cell.clone(), &task.executors);
        let (foreign, _) = clones(&own, &task.executors);
        drop(own);
        foreign.wake();
        let traced = tracer.join().unwrap();
        task.ends_after(1 + traced);
    });
}

/// Another thread's trace, and one foreign wake, while the task is polled again by another executor's waker.
#[test]
fn a_changed_waker_is_not_followed() {
    model(PREEMPTIONS, || {
        let task = Task::new();
        let own = installed(task.cell.clone(), &task.executors);
        let (foreign, _) = clones(&own, &task.executors);
        let other = thread::spawn(move || foreign.wake());
        own.with(Waker::noop(), false, |waker| assert!(waker.will_wake(Waker::noop())));
        assert!(task.cell.foreign_wakers() >= 1, "it counts as foreign from now on");
        drop(own);
        other.join().unwrap();
        task.cell.set_other_wakers(false);
        task.ends_after(1);
    });
}

/// Polls an operation that keeps a clone of its waker and stays pending: the clone, and the slot of its wait.
fn pending(cell: &CellRef, edge: u64) -> (Waker, &Slot) {
    // loom's threads share std's thread-locals: no other one polls.
    let _entered = current::Entered::new(cell);
    let polling = Polling::new(cell, None);
    let clone = Waker::clone(&polling.waker(false));
    let facts = WaitFacts { edge, awaited: 1, operation: 0, need: 1, transferable: false, since: 1, location: None };
    (clone, polling.into_reserved().expect("a clone takes a slot").fill(&facts))
}

fn granted(cell: &TaskCell) -> Vec<(u64, bool)> {
    let mut waits = Vec::new();
    cell.waits().for_each(0, |wait, waiter| waits.push((wait.edge, waiter.granted.is_some())));
    waits
}

/// The waker of a wait that was given up fires late, while the next wait opens and is looked at.
#[test]
fn a_wake_grants_no_other_wait() {
    model(PREEMPTIONS, || {
        let task = Task::new();
        let own = installed(task.cell.clone(), &task.executors);
        let (late, slot) = pending(&task.cell, 1);
        let other = thread::spawn(move || late.wake());
        slot.close();
        let (clone, slot) = pending(&task.cell, 2);
        assert_eq!(granted(&task.cell), [(2, false)]);
        other.join().unwrap();
        assert_eq!(granted(&task.cell), [(2, false)]);
        clone.wake();
        assert_eq!(granted(&task.cell), [(2, true)]);
        slot.close();
        drop(own);
        task.ends_after(2);
    });
}

/// An operation's waker is the last of its task's: the slot to which it points is a part of what it frees.
#[test]
fn an_operations_waker_outlives_the_task() {
    model(PREEMPTIONS, || {
        let Task { cell, executors, log } = Task::new();
        let own = installed(cell.clone(), &executors);
        let (clone, slot) = pending(&cell, 1);
        let other = {
            let clone = clone.clone();
            thread::spawn(move || {
                clone.wake_by_ref();
                drop(clone);
            })
        };
        slot.close();
        drop((own, executors, cell));
        clone.wake();
        other.join().unwrap();
        assert_eq!(log.wakes.load(Ordering::Relaxed), 2);
        assert_eq!(log.drops.load(Ordering::Relaxed), 1);
    });
}
