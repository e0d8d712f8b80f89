//! The wait slots, in every order of two threads' steps.

use super::*;
use crate::sync::model::model;
use loom::thread;
use std::sync::Arc;

const PREEMPTIONS: usize = 2;

fn facts(edge: u64) -> WaitFacts {
    WaitFacts {
        edge,
        awaited: edge * 2,
        operation: 3,
        need: edge * 5,
        transferable: false,
        since: edge * 7,
        location: None,
    }
}

fn open_edges(slots: &Slots) -> Vec<u64> {
    let mut edges = Vec::new();
    slots.for_each(0, |wait, _| {
        assert_eq!(wait, facts(wait.edge), "never a mix of two waits");
        edges.push(wait.edge);
    });
    edges.sort();
    edges
}

/// One slot, used again and again, under the eyes of a reader.
#[test]
fn a_reader_never_sees_a_mix() {
    model(PREEMPTIONS, || {
        let slots = Arc::new(Slots::new());
        let writer = {
            let slots = slots.clone();
            thread::spawn(move || {
                slots.open(&facts(1)).close();
                slots.open(&facts(2)).close();
            })
        };
        open_edges(&slots);
        open_edges(&slots);
        writer.join().unwrap();
        assert!(open_edges(&slots).is_empty());
    });
}

/// A wait that is given up on another thread than the one that opens the next: two want one slot.
#[test]
fn no_slot_has_two_waits() {
    model(PREEMPTIONS, || {
        let slots = Arc::new(Slots::new());
        let other = {
            let slots = slots.clone();
            thread::spawn(move || {
                slots.open(&facts(1)).close();
                slots.open(&facts(2));
            })
        };
        let own = slots.open(&facts(3));
        let seen = open_edges(&slots);
        assert!(seen.contains(&3) && seen.len() <= 2, "{seen:?}");
        own.close();
        other.join().unwrap();
        assert_eq!(open_edges(&slots), [2]);
        slots.open(&facts(4));
        assert_eq!(open_edges(&slots), [2, 4]);
    });
}

/// Two threads that both want another block.
#[test]
fn blocks_are_linked_once() {
    model(PREEMPTIONS, || {
        let slots = Arc::new(Slots::new());
        slots.open(&facts(1));
        let other = {
            let slots = slots.clone();
            thread::spawn(move || {
                slots.open(&facts(2));
            })
        };
        slots.open(&facts(3));
        assert!(open_edges(&slots).contains(&3));
        other.join().unwrap();
        assert_eq!(open_edges(&slots), [1, 2, 3]);
    });
}

/// A reader follows a block that was just linked.
#[test]
fn a_new_block_is_seen_whole() {
    model(PREEMPTIONS, || {
        let slots = Arc::new(Slots::new());
        let writer = {
            let slots = slots.clone();
            thread::spawn(move || {
                let first = slots.open(&facts(1));
                slots.open(&facts(2)).close();
                first.close();
            })
        };
        open_edges(&slots);
        writer.join().unwrap();
        assert!(open_edges(&slots).is_empty());
    });
}

/// The task's own thread uses the slot in place without an exchange, while another thread gives a wait there up, takes one
/// itself, and a reader looks.
#[test]
fn its_own_thread_takes_the_slot_in_place() {
    model(PREEMPTIONS, || {
        let slots = Arc::new(Slots::new());
        slots.open_by(Taker::Own, &facts(1));
        let other = {
            let slots = slots.clone();
            thread::spawn(move || {
                slots.inline.close();
                slots.open_by(Taker::Another, &facts(2));
            })
        };
        let own = slots.open_by(Taker::Own, &facts(3));
        let seen = open_edges(&slots);
        assert!(seen.contains(&3) && seen.len() <= 3, "{seen:?}");
        other.join().unwrap();
        assert_eq!(open_edges(&slots), [2, 3]);
        own.close();
        let own = slots.open_by(Taker::Own, &facts(4));
        assert!(slots.is_inline(own), "nobody else takes it");
        assert_eq!(open_edges(&slots), [2, 4]);
    });
}

/// As it is used again and again, under the eyes of a reader.
#[test]
fn a_reader_never_sees_a_mix_of_its_own_threads() {
    model(PREEMPTIONS, || {
        let slots = Arc::new(Slots::new());
        let writer = {
            let slots = slots.clone();
            thread::spawn(move || {
                slots.open_by(Taker::Own, &facts(1)).close();
                slots.open_by(Taker::Own, &facts(2)).close();
            })
        };
        open_edges(&slots);
        open_edges(&slots);
        writer.join().unwrap();
        assert!(open_edges(&slots).is_empty());
    });
}
