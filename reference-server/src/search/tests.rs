//! Searches of this test's own memory.

use super::*;
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A word that no other test has, as its inverse.
fn inverted(of: u64) -> u64 {
    black_box(0x3a51_77c0_95e2_0f00 ^ of)
}

/// Each test holds it, since a search finds copies in the buffer of another one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a search on a thread of its own, as the server does, and returns the places of the only word.
fn places(inverted: u64, futures: Vec<FutureRange>, pace: Pace) -> Vec<Place> {
    let searching = std::thread::spawn(move || search(&[Word::of(!inverted)], &futures, pace).unwrap());
    let found = searching.join().unwrap();
    assert!(found.bytes > 100_000, "{found:?}");
    found.copies[0].copies.iter().map(|copy| copy.place).collect()
}

#[test]
fn moved_word_is_found_where_it_is() {
    let _alone = alone();
    // An odd number of eight bytes, so that the blocks of the heap are not those of other tests.
    let mut blocks: Vec<Box<[u64; 511]>> = (0..2).map(|_| Box::new([0; 511])).collect();
    let future = |task: u64, block: &[u64; 511]| {
        let start = block.as_ptr().addr();
        FutureRange { task: TaskId(task), addresses: start..start + size_of_val(block), idle: true }
    };
    let futures: Vec<FutureRange> = blocks.iter().zip(1..).map(|(block, task)| future(task, block)).collect();
    let word = inverted(1);
    blocks[0][100] = !word;
    assert_eq!(places(word, futures.clone(), Pace::fast()), [Place::Future(TaskId(1))]);
    // It moves, and its old place is overwritten.
    blocks[0][100] = 0;
    blocks[1][7] = !word;
    assert_eq!(places(word, futures.clone(), Pace::slow()), [Place::Future(TaskId(2))]);
    assert_eq!(places(word, futures[..1].to_vec(), Pace::fast()), [Place::Elsewhere]);
    blocks[1][7] = 0;
    assert_eq!(places(word, futures, Pace::fast()), []);
}

#[test]
fn stack_of_a_blocked_thread_is_live_above_its_pointer_and_dead_below() {
    let _alone = alone();
    let word = inverted(2);
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let blocked = std::thread::spawn(move || {
        let live = black_box([!word]);
        leave_far_below(word);
        ready.send(()).unwrap();
        let _ = ended.recv();
        black_box(live);
    });
    is_ready.recv().unwrap();
    // The thread blocks soon: until then, its stack is not known to be one.
    let places = loop {
        let places = places(word, Vec::new(), Pace::fast());
        if places.iter().any(|place| matches!(place, Place::DeadStack(_))) {
            break places;
        }
    };
    drop(end);
    blocked.join().unwrap();
    assert!(places.iter().any(|place| matches!(place, Place::Stack(_))), "{places:?}");
    let copies = places.iter().map(|place| Copy { address: 0, place: *place }).collect();
    assert!(Copies { word: Word::of(!word), copies }.refutes(&BTreeSet::new()));
}

/// Writes the word to the stack, below anything that the caller calls later.
#[inline(never)]
fn leave_far_below(word: u64) {
    let mut frame = [0_u64; 4096];
    frame[0] = !word;
    black_box(&mut frame);
}

#[test]
fn thread_searches_once_at_a_time_and_is_paid_before_the_next_search() {
    let _alone = alone();
    let mut searches = Searches::start().unwrap();
    let word = inverted(3);
    let block = black_box(Box::new([!word]));
    assert!(searches.is_free(Instant::now()));
    searches.begin(vec![Word::of(!word)], Vec::new());
    assert!(!searches.is_free(Instant::now()));
    let found = loop {
        match searches.found(Instant::now()) {
            Some(found) => break found,
            None => std::thread::yield_now(),
        }
    };
    let is_block = |copy: &Copy| copy.address == block.as_ptr().addr() && copy.place == Place::Elsewhere;
    assert!(found.copies[0].copies.iter().any(is_block), "{found:?}");
    assert!(!searches.is_unavailable() && searches.is_free(Instant::now() + found.cost * 200));
}

#[test]
fn copies_refute_outside_of_the_tasks_in_live_memory() {
    let check = |places: &[Place], expect: bool| {
        let copies = places.iter().map(|place| Copy { address: 0, place: *place }).collect();
        assert_eq!(
            Copies { word: Word::of(7), copies }.refutes(&BTreeSet::from([TaskId(1), TaskId(2)])),
            expect,
            "{places:?}"
        );
    };
    check(&[], false);
    check(&[Place::Future(TaskId(1)), Place::Future(TaskId(2)), Place::DeadStack(9)], false);
    check(&[Place::Future(TaskId(1)), Place::Future(TaskId(3))], true);
    check(&[Place::Stack(9)], true);
    check(&[Place::Elsewhere], true);
    // There may be more.
    check(&[Place::DeadStack(9); MAX_COPIES], true);
}
