//! The open holds, in every order of two threads' steps.

use super::*;
use crate::sync::model::model;
use loom::sync::Mutex;
use loom::thread;
use std::sync::Arc;

const PREEMPTIONS: usize = 2;

fn facts(edge: u64) -> HoldFacts {
    let (units, since) = (edge * 3, edge * 7);
    HoldFacts {
        edge,
        task: edge * 2,
        mode: Mode::Exclusive,
        transferable: false,
        units,
        since,
        location: None,
        guard: GuardWord::default(),
    }
}

fn edges(holds: &Holds) -> Vec<u64> {
    let picture = holds.picture();
    for hold in &picture {
        assert_eq!(*hold, facts(hold.edge), "never a mix of two holds");
    }
    let mut edges: Vec<u64> = picture.iter().map(|hold| hold.edge).collect();
    edges.sort();
    edges
}

fn open(holds: &Holds, edge: u64) -> u32 {
    holds.open(&facts(edge)).unwrap()
}

/// With the stack [0, 1] one thread takes the uppermost slot, while another takes both and gives the first back: the stack's
/// top looks the same, and what is below it is not.
#[test]
fn no_slot_is_given_out_twice() {
    model(PREEMPTIONS, || {
        let holds = Arc::new(Holds::new());
        let both = [open(&holds, 1), open(&holds, 2)];
        both.iter().rev().for_each(|index| holds.close(*index));
        let other = {
            let holds = holds.clone();
            thread::spawn(move || {
                let first = open(&holds, 3);
                let second = open(&holds, 4);
                holds.close(first);
                second
            })
        };
        let own = open(&holds, 5);
        let others = other.join().unwrap();
        let last = open(&holds, 6);
        assert!(own != others && own != last && last != others, "{own} {others} {last}");
        assert_eq!(edges(&holds), [4, 5, 6]);
    });
}

/// Two threads that both need a slot that was never used, in a segment that does not exist yet.
#[test]
fn segments_are_linked_once() {
    model(PREEMPTIONS, || {
        let holds = Arc::new(Holds::new());
        let other = {
            let holds = holds.clone();
            thread::spawn(move || {
                open(&holds, 1);
            })
        };
        let own = open(&holds, 2);
        assert!(edges(&holds).contains(&2));
        other.join().unwrap();
        assert_eq!(edges(&holds), [1, 2]);
        holds.close(own);
        assert_eq!(edges(&holds), [1]);
    });
}

/// Each slot that is given back can be had again.
#[test]
fn no_slot_is_lost() {
    model(PREEMPTIONS, || {
        let holds = Arc::new(Holds::new());
        let other = {
            let holds = holds.clone();
            thread::spawn(move || {
                let index = open(&holds, 1);
                holds.close(index);
            })
        };
        let index = open(&holds, 2);
        holds.close(index);
        other.join().unwrap();
        let used = holds.used.load(Ordering::Relaxed);
        assert!(used <= 2);
        (0..used).for_each(|n| assert!(open(&holds, 3 + u64::from(n)) < used));
        assert_eq!(edges(&holds).len(), used as usize);
    });
}

/// A slot that is used again while it is read, and one whose hold is replaced.
#[test]
fn a_reader_never_sees_a_mix() {
    model(PREEMPTIONS, || {
        let holds = Arc::new(Holds::new());
        let writer = {
            let holds = holds.clone();
            thread::spawn(move || {
                let index = open(&holds, 1);
                holds.replace(index, |_| facts(2));
                holds.close(index);
                let index = open(&holds, 3);
                holds.close(index);
            })
        };
        assert!(edges(&holds).len() <= 1);
        writer.join().unwrap();
        assert!(edges(&holds).is_empty());
    });
}

/// The recorder's two looks, while a real lock is handed over, and the next holder may be in either slot.
#[test]
fn a_picture_is_of_one_instant() {
    model(PREEMPTIONS, || {
        let holds = Arc::new(Holds::new());
        // So that the second slot is on top: the next holder is where the look has not come to yet.
        let both = [open(&holds, 1), open(&holds, 2)];
        both.iter().for_each(|index| holds.close(*index));
        let lock = Arc::new(Mutex::new(()));
        let hold = |edge| {
            let (holds, lock) = (holds.clone(), lock.clone());
            move || {
                let held = lock.lock().unwrap();
                let index = open(&holds, edge);
                holds.close(index);
                drop(held);
            }
        };
        let holders = [thread::spawn(hold(3)), thread::spawn(hold(4))];
        let seen = edges(&holds);
        assert!(seen.len() <= 1, "both at once: {seen:?}");
        holders.into_iter().for_each(|holder| holder.join().unwrap());
        assert!(edges(&holds).is_empty());
    });
}
