//! The queues, in every order of two threads' steps.

use super::*;
use crate::fact::EdgeEnd;
use crate::kind::Kind;
use crate::meta::{Body, TaskMeta};
use crate::sync::model::model;
use crate::waker;
use loom::thread;
use std::task::Waker;

const PREEMPTIONS: usize = 4;

fn closing(ticks: u64) {
    push_closing(ticks, Fact::EdgeClosed { edge: !ticks, end: EdgeEnd::Unsaid });
}

#[must_use]
fn opening(ticks: u64) -> bool {
    push_opening(ticks, Fact::EdgeClosed { edge: !ticks, end: EdgeEnd::Unsaid })
}

fn spawn_of(task: u64) -> Spawn {
    static EXECUTOR: crate::Executor = crate::Executor::new("loom", "1.0", || None);
    let location = std::panic::Location::caller();
    Spawn { task: !task, parent: 0, kind: Kind::Task, location, body: Body::UNKNOWN, executor: &EXECUTOR }
}

fn ticks(records: &[Read]) -> Vec<u64> {
    for read in records {
        let (Fact::EdgeClosed { edge: id, .. } | Fact::TaskSpawned(Spawn { task: id, .. })) = read.fact else {
            panic!("there is nothing else: {read:?}")
        };
        assert_eq!(id, !read.ticks, "whole, and not made of two");
    }
    records.iter().map(|read| read.ticks).collect()
}

/// Reads on until the queues of all threads are gone: a thread's end is after its last record.
fn drain_to_the_end(out: &mut Vec<Read>) {
    loop {
        drain(u64::MAX, out);
        if READERS.lock().unwrap().is_empty() {
            break;
        }
        thread::yield_now();
    }
    assert_eq!(BUFFERED_BYTES.load(Ordering::Relaxed), 0, "every block is given away");
    free_blocks();
}

/// The blocks that were given away: a process has them for ever, a model to its end.
fn free_blocks() {
    let mut next = READ.swap(ptr::null_mut(), Ordering::Acquire);
    while let Some(block) = NonNull::new(next) {
        // SAFETY: no other thread has it, or loom fails.
        next = unsafe { Block::free(block) };
    }
}

/// More records than a block has, while the reader reads and frees blocks, and the thread ends with some unread.
#[test]
fn each_record_is_read_once_and_in_order() {
    model(PREEMPTIONS, || {
        let producer = thread::spawn(|| (1..=3).for_each(closing));
        let mut out = Vec::new();
        drain(u64::MAX, &mut out);
        assert_eq!(ticks(&out), (1..=out.len() as u64).collect::<Vec<_>>());
        drain(u64::MAX, &mut out);
        producer.join().unwrap();
        drain_to_the_end(&mut out);
        assert_eq!(ticks(&out), [1, 2, 3]);
    });
}

/// What a block ends with stays for the next look when it is of after the cutoff.
#[test]
fn what_is_later_than_the_cutoff_waits() {
    model(PREEMPTIONS, || {
        let producer = thread::spawn(|| (1..=3).for_each(closing));
        let mut out = Vec::new();
        drain(1, &mut out);
        assert!(out.len() <= 1);
        drain(2, &mut out);
        assert!(out.len() <= 2);
        producer.join().unwrap();
        drain_to_the_end(&mut out);
        assert_eq!(ticks(&out), [1, 2, 3]);
    });
}

/// Two threads: an effect on the one is not read without its cause on the other.
#[test]
fn a_cause_is_read_no_later_than_its_effect() {
    model(PREEMPTIONS, || {
        let cause = thread::spawn(|| {
            closing(1);
            // What the cause leads to, with the synchronization that lets it.
            thread::spawn(|| closing(2)).join().unwrap();
        });
        let mut out = Vec::new();
        // The recorder reads its cutoff before it drains: here the clock stands at 0, and then at the end.
        drain(0, &mut out);
        assert!(out.is_empty());
        cause.join().unwrap();
        drain_to_the_end(&mut out);
        assert_eq!(ticks(&out), [1, 2]);
    });
}

/// At the bound: accepted records are read, refused ones are not, and closing ones are always accepted.
#[test]
fn the_bound_refuses_whole_records() {
    model(PREEMPTIONS, || {
        set_bound(BLOCK_BYTES - 1);
        let producer = thread::spawn(|| {
            // The first block is not counted before it is there.
            assert!(opening(1));
            let taken: Vec<u64> = [2, 3].into_iter().filter(|ticks| opening(*ticks)).collect();
            closing(4);
            taken
        });
        let mut out = Vec::new();
        drain(u64::MAX, &mut out);
        let taken = producer.join().unwrap();
        drain_to_the_end(&mut out);
        assert_eq!(ticks(&out), [&[1], &taken[..], &[4]].concat());
        assert_eq!(take_refused()[FactKind::EdgeClosed as usize], 2 - taken.len() as u64);
    });
}

/// A task ends while its spawn is read, and its block is used for another's: of each spawn there is either the cell or
/// its end in that place, its end is read once and in its time, and nobody but the last owner has the cell then.
#[test]
fn a_cell_is_read_or_taken_back() {
    static EXECUTOR: crate::Executor = crate::Executor::new("loom", "1.0", || None);
    const LIVED: u64 = 10;
    let cell = || {
        let location = std::panic::Location::caller();
        let meta = TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location, body: Body::UNKNOWN };
        TaskCell::spawned(meta, true)
    };
    model(PREEMPTIONS, move || {
        let cells: Vec<_> = (0..3).map(|_| cell()).collect();
        let spawned = cells.clone();
        let producer = thread::spawn(move || {
            for (ticks, cell) in (1..).zip(&spawned) {
                let claim = push_spawned(ticks, spawn_of(ticks), cell.clone()).expect("below the bound");
                let ended = Ended::in_place(ticks, LIVED, TaskEnd::Returned).expect("it fits");
                // SAFETY: it is this cell's.
                if !unsafe { take_back(claim, cell, ended) } {
                    push_closing(ticks + LIVED, Fact::TaskCompleted { task: !ticks, end: TaskEnd::Returned });
                }
            }
        });
        let mut out = Vec::new();
        // In the middle of the ends.
        drain(LIVED + 2, &mut out);
        producer.join().unwrap();
        drain_to_the_end(&mut out);
        let ends: Vec<_> = out.extract_if(.., |read| matches!(read.fact, Fact::TaskCompleted { .. })).collect();
        let ends: Vec<_> = ends.iter().map(|read| (read.ticks, format!("{:?}", read.fact))).collect();
        let expect = [1, 2, 3].map(|ticks: u64| {
            let end = Fact::TaskCompleted { task: !ticks, end: TaskEnd::Returned };
            (ticks + LIVED, format!("{end:?}"))
        });
        assert_eq!(ends, expect);
        assert_eq!(ticks(&out), [1, 2, 3]);
        for (Read { ticks, cell: read, .. }, cell) in out.into_iter().zip(cells) {
            match read {
                Cell::Here(here) => assert!(here.is(&cell)),
                Cell::TakenBack(id) => assert_eq!(id, Some(ticks)),
                Cell::None => panic!("a spawn has one of both"),
            }
            assert_eq!(cell.count(), 1);
        }
    });
}

/// The only reference beside the queue's gives it back without an exchange, and the cell is freed once.
#[test]
fn the_last_reference_is_the_last() {
    static EXECUTOR: crate::Executor = crate::Executor::new("loom", "1.0", || None);
    model(PREEMPTIONS, || {
        let location = std::panic::Location::caller();
        let meta = TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location, body: Body::UNKNOWN };
        let producer = thread::spawn(move || {
            let mut cell = TaskCell::spawned(meta, true);
            let for_queue = cell.another();
            let claim = push_spawned(1, spawn_of(1), for_queue);
            let ended = Ended::in_place(7, 0, TaskEnd::Returned).expect("it fits");
            // SAFETY: it is this cell's.
            let taken = unsafe { take_back(claim.expect("below the bound"), &cell, ended) };
            assert!(!taken || cell.count() == 1);
        });
        let mut out = Vec::new();
        drain(u64::MAX, &mut out);
        // What the recorder has of it, it drops while the task does.
        out.clear();
        producer.join().unwrap();
        drain_to_the_end(&mut out);
    });
}

/// The same while a reference is made of a waker of the task's, which it outlives: it is dropped after that one was, or sees
/// what that one's thread did with the cell. Its link to more slots, which who frees it has for itself, says if not.
#[test]
fn what_is_taken_back_is_dropped_beside_a_waker() {
    static EXECUTOR: crate::Executor = crate::Executor::new("loom", "1.0", || None);
    model(3, || {
        let producer = thread::spawn(|| {
            let location = std::panic::Location::caller();
            let meta = TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location, body: Body::UNKNOWN };
            let mut cell = TaskCell::spawned(meta, true);
            let for_queue = cell.another();
            let claim = push_spawned(1, spawn_of(1), for_queue);
            let own = waker::OwnWaker::new(cell);
            own.install(Waker::noop());
            let clone = own.with(Waker::noop(), false, Waker::clone);
            let other = thread::spawn(move || {
                let cell = CellRef::clone(&waker::known(&clone).expect("it is a task's").task);
                drop(clone);
                cell.waits().for_each(0, |_, _| ());
            });
            let ended = Ended::in_place(7, 0, TaskEnd::Returned).expect("it fits");
            // SAFETY: it is this cell's.
            assert!(unsafe { take_back(claim.expect("below the bound"), own.cell(), ended) });
            own.cell().waits().for_each(0, |_, _| ());
            drop(own);
            other.join().unwrap();
        });
        producer.join().unwrap();
        drain_to_the_end(&mut Vec::new());
    });
}
