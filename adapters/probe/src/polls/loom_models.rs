//! The queues, in every order of two threads' steps.

use super::*;
use crate::sync::model::model;
use loom::thread;

const PREEMPTIONS: usize = 4;

fn tasks(polls: &[TaskPolls]) -> Vec<u64> {
    polls.iter().flat_map(|polls| polls.tasks.iter().map(|task| task.0)).collect()
}

fn reads_to_the_end(out: &mut Vec<TaskPolls>, blocks: usize) {
    loop {
        out.extend(drain(u64::MAX, 0));
        if READERS.lock().unwrap().is_empty() {
            break;
        }
        thread::yield_now();
    }
    let mut spare = SPARE.lock().unwrap();
    assert!(spare.0.len() <= blocks, "no more than there may be");
    for block in spare.0.drain(..) {
        // SAFETY: no other thread has it, or loom fails.
        unsafe { Block::free(block) };
    }
}

/// More polls than a block has, while the reader reads and gives blocks, and the thread ends with some unread.
#[test]
fn each_poll_is_sent_once_and_in_order() {
    model(PREEMPTIONS, || {
        ROOM.store(3, Ordering::Relaxed);
        let producer = thread::spawn(|| (1..=5).for_each(|task| tell(task, task, 0)));
        let mut out = drain(u64::MAX, 0);
        assert_eq!(tasks(&out), (1..=tasks(&out).len() as u64).collect::<Vec<_>>());
        out.extend(drain(u64::MAX, 0));
        producer.join().unwrap();
        reads_to_the_end(&mut out, 3);
        assert_eq!(tasks(&out), [1, 2, 3, 4, 5]);
        assert_eq!(take_lost(), 0);
    });
}

/// With room for one block: a poll without room is counted, and a recorded poll is whole.
#[test]
fn what_finds_no_room_is_counted() {
    model(PREEMPTIONS, || {
        ROOM.store(1, Ordering::Relaxed);
        let producer = thread::spawn(|| (1..=4).for_each(|task| tell(task, task, 0)));
        let mut out = drain(u64::MAX, 0);
        producer.join().unwrap();
        reads_to_the_end(&mut out, 1);
        let (sent, lost) = (tasks(&out), take_lost());
        assert_eq!(sent, [1, 2]);
        assert_eq!(lost, 2, "a block is given away only after another one was found");
    });
}
