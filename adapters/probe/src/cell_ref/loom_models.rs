//! The counted reference, in every order of the threads' steps: who frees a cell does so after all that others did with it.
//!
//! That is seen by the cell's link to more slots: each thread loads it, the last one has it for itself, and loom fails
//! where it does not come after the others.

use super::*;
use crate::kind::Kind;
use crate::meta::{Body, TaskMeta};
use crate::sync::model::model;
use crate::waker::{self, OwnWaker};
use loom::thread;
use std::panic::Location;
use std::task::Waker;

const PREEMPTIONS: usize = 3;

static EXECUTOR: crate::Executor = crate::Executor::new("loom", "1.0", || None);

fn cell() -> CellRef {
    crate::clock::start();
    let meta = TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location: Location::caller(), body: Body::UNKNOWN };
    TaskCell::spawned(meta, true)
}

fn use_cell(cell: &CellRef) {
    cell.waits().for_each(0, |_, _| ());
}

fn installed(cell: CellRef) -> (OwnWaker, Waker) {
    let own = OwnWaker::new(cell);
    own.install(Waker::noop());
    let clone = own.with(Waker::noop(), false, Waker::clone);
    (own, clone)
}

/// A reference that is made of a waker, which it outlives.
fn of_waker(waker: Waker) -> CellRef {
    let cell = CellRef::clone(&waker::known(&waker).expect("it is a task's").task);
    drop(waker);
    cell
}

#[test]
fn who_frees_has_seen_all() {
    model(PREEMPTIONS, || {
        let mut first = cell();
        let second = first.another();
        let third = first.clone();
        let others = [second, third].map(|cell| {
            thread::spawn(move || {
                use_cell(&cell);
                drop(cell);
            })
        });
        use_cell(&first);
        drop(first);
        for other in others {
            other.join().unwrap();
        }
    });
}

/// The task's own waker ends without an exchange, unless something was made of another waker.
#[test]
fn an_own_waker_ends_beside_a_reference_that_was_made_of_another() {
    model(PREEMPTIONS, || {
        let (own, clone) = installed(cell());
        let other = thread::spawn(move || {
            let cell = of_waker(clone);
            use_cell(&cell);
        });
        use_cell(own.cell());
        drop(own);
        other.join().unwrap();
    });
}

/// The same where a trace makes another waker of a reference, and gives back both.
#[test]
fn an_own_waker_ends_beside_a_trace() {
    model(PREEMPTIONS, || {
        let first = cell();
        let traced = first.clone();
        let (own, clone) = installed(first);
        drop(clone);
        let tracer = thread::spawn(move || {
            if let Some(shared) = OwnWaker::share(&traced) {
                shared.wake_executor();
                use_cell(shared.cell());
            }
            drop(traced);
        });
        use_cell(own.cell());
        drop(own);
        tracer.join().unwrap();
    });
}
