//! The queues, in every order of two threads' steps.

use super::*;
use crate::sync::model::model;
use loom::thread;

const PREEMPTIONS: usize = 4;

fn tasks(messages: &[Message]) -> Vec<u64> {
    let polls = messages.iter().map(|message| match message {
        Message::TaskPolls(polls) => polls.tasks.iter().map(|task| task.0),
        _ => unreachable!("there is nothing else"),
    });
    polls.flatten().collect()
}

fn reads_to_the_end(out: &mut Vec<Message>, blocks: usize) {
    loop {
        drain(u64::MAX, 0, out);
        if READERS.lock().unwrap().is_empty() {
            break;
        }
        thread::yield_now();
    }
    let mut spare = SPARE.lock().unwrap();
    assert!(spare.0.len() <= blocks, "no more than there may be");
    for block in spare.0.drain(..) {
        // SAFETY: nobody else has it, or loom fails; made by `Block::take`.
        let mut last = unsafe { Box::from_raw(block) };
        last.len.with_mut(|_| ());
        last.records.iter().for_each(|record| record.with_mut(|_| ()));
        crate::sync::owned(&mut last.next);
    }
}

/// More polls than a block has, while the reader reads and gives blocks, and the thread ends with some unread.
#[test]
fn each_poll_is_told_once_and_in_order() {
    model(PREEMPTIONS, || {
        ROOM.store(3, Ordering::Relaxed);
        let producer = thread::spawn(|| (1..=5).for_each(|task| tell(task, task, 0)));
        let mut out = Vec::new();
        drain(u64::MAX, 0, &mut out);
        assert_eq!(tasks(&out), (1..=tasks(&out).len() as u64).collect::<Vec<_>>());
        drain(u64::MAX, 0, &mut out);
        producer.join().unwrap();
        reads_to_the_end(&mut out, 3);
        assert_eq!(tasks(&out), [1, 2, 3, 4, 5]);
        assert_eq!(take_lost(), 0);
    });
}

/// With room for one block: what is not told is counted, and what is told is whole.
#[test]
fn what_finds_no_room_is_counted() {
    model(PREEMPTIONS, || {
        ROOM.store(1, Ordering::Relaxed);
        let producer = thread::spawn(|| (1..=4).for_each(|task| tell(task, task, 0)));
        let mut out = Vec::new();
        drain(u64::MAX, 0, &mut out);
        producer.join().unwrap();
        reads_to_the_end(&mut out, 1);
        let (told, lost) = (tasks(&out), take_lost());
        assert_eq!(told, [1, 2]);
        assert_eq!(lost, 2, "a block is given away only after another one was found");
    });
}
