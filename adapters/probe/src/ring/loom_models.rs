//! The queues, in every order of two threads' steps.

use super::*;
use crate::sync::model::model;
use crate::task::{Body, Kind, TaskMeta};
use loom::thread;
use std::task::Waker;

const PREEMPTIONS: usize = 4;

fn record(ticks: u64) -> Record {
    Record { ticks, kind: RecordKind::EdgeClosed, words: [ticks, ticks + 1, 0, 0, !ticks] }
}

fn ticks(records: &[Read]) -> Vec<u64> {
    for Read { record: read, .. } in records {
        assert_eq!(read.words, record(read.ticks).words, "whole, and not made of two");
    }
    records.iter().map(|read| read.record.ticks).collect()
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
    let mut block = READ.swap(ptr::null_mut(), Ordering::Acquire);
    while !block.is_null() {
        // SAFETY: nobody else has it, or loom fails; made by `Block::take`.
        let mut last = unsafe { Box::from_raw(block) };
        last.len.with_mut(|_| ());
        last.entries.iter().for_each(|entry| entry.record.with_mut(|_| ()));
        block = crate::sync::owned(&mut last.next);
    }
}

/// More records than a block has, while the reader reads and frees blocks, and the thread ends with some unread.
#[test]
fn each_record_is_read_once_and_in_order() {
    model(PREEMPTIONS, || {
        let producer = thread::spawn(|| (1..=3).for_each(|ticks| push_closing(record(ticks))));
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
        let producer = thread::spawn(|| (1..=3).for_each(|ticks| push_closing(record(ticks))));
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
            push_closing(record(1));
            // What the cause leads to, with the synchronization that lets it.
            thread::spawn(|| push_closing(record(2))).join().unwrap();
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

/// At the bound: what was taken is read, what was refused is not, and what closes is taken in any case.
#[test]
fn the_bound_refuses_whole_records() {
    model(PREEMPTIONS, || {
        set_bound(BLOCK_BYTES - 1);
        let producer = thread::spawn(|| {
            // The first block is not counted before it is there.
            assert!(push_opening(record(1)));
            let taken: Vec<u64> = [2, 3].into_iter().filter(|ticks| push_opening(record(*ticks))).collect();
            push_closing(record(4));
            taken
        });
        let mut out = Vec::new();
        drain(u64::MAX, &mut out);
        let taken = producer.join().unwrap();
        drain_to_the_end(&mut out);
        assert_eq!(ticks(&out), [&[1], &taken[..], &[4]].concat());
        assert_eq!(take_refused()[RecordKind::EdgeClosed as usize], 2 - taken.len() as u64);
    });
}

/// A task ends while its spawn is read, and its block is used for another's: of each spawn there is either the cell or
/// its end in that place, its end is read once and in its time, and nobody but the last owner has the cell then.
#[test]
fn a_cell_is_read_or_taken_back() {
    static EXECUTOR: crate::Executor = crate::Executor::new("loom", "1.0", || None);
    const LIVED: u64 = 10;
    const RETURNED: u64 = 1;
    let cell = || {
        let location = std::panic::Location::caller();
        let meta = TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location, body: Body::UNKNOWN };
        TaskCell::spawned(meta, true)
    };
    let spawn = |ticks| Record { kind: RecordKind::TaskSpawned, ..record(ticks) };
    model(PREEMPTIONS, move || {
        let cells: Vec<_> = (0..3).map(|_| cell()).collect();
        let spawned = cells.clone();
        let producer = thread::spawn(move || {
            for (ticks, cell) in (1..).zip(&spawned) {
                let claim = push_spawned(spawn(ticks), cell.clone()).expect("below the bound");
                let ended = Ended::in_place(ticks, LIVED, RETURNED).expect("it fits");
                // SAFETY: it is this cell's.
                if !unsafe { take_back(claim, cell, ended) } {
                    let words = [ticks, RETURNED, 0, 0, 0];
                    push_closing(Record { ticks: ticks + LIVED, kind: RecordKind::TaskCompleted, words });
                }
            }
        });
        let mut out = Vec::new();
        // In the middle of the ends.
        drain(LIVED + 2, &mut out);
        producer.join().unwrap();
        drain_to_the_end(&mut out);
        let ends = out.extract_if(.., |read| read.record.kind == RecordKind::TaskCompleted);
        let ends: Vec<_> = ends.map(|read| (read.record.ticks, read.record.words)).collect();
        let expect = [1, 2, 3].map(|ticks| (ticks + LIVED, [ticks, RETURNED, 0, 0, 0]));
        assert_eq!(ends, expect);
        assert_eq!(ticks(&out), [1, 2, 3]);
        for (Read { record, cell: read }, cell) in out.into_iter().zip(cells) {
            match read {
                Cell::Here(here) => assert!(here.is(&cell)),
                Cell::TakenBack(id) => assert_eq!(id, Some(record.ticks)),
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
            let claim = push_spawned(Record { kind: RecordKind::TaskSpawned, ..record(1) }, for_queue);
            let ended = Ended::in_place(7, 0, 1).expect("it fits");
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
            let claim = push_spawned(Record { kind: RecordKind::TaskSpawned, ..record(1) }, for_queue);
            let own = waker::OwnWaker::new(cell);
            own.install(Waker::noop());
            let clone = own.with(Waker::noop(), false, Waker::clone);
            let other = thread::spawn(move || {
                let cell = CellRef::clone(&waker::known(&clone).expect("it is a task's").task);
                drop(clone);
                cell.waits.for_each(0, |_, _| ());
            });
            let ended = Ended::in_place(7, 0, 1).expect("it fits");
            // SAFETY: it is this cell's.
            assert!(unsafe { take_back(claim.expect("below the bound"), own.cell(), ended) });
            own.cell().waits.for_each(0, |_, _| ());
            drop(own);
            other.join().unwrap();
        });
        producer.join().unwrap();
        drain_to_the_end(&mut Vec::new());
    });
}
