//! Tasks that end while their spawn is read, or before. Each is reported in full, whether the recorder read its cell or
//! the task took it back.

use insight_model::{Checker, Model};
use insight_probe::{Executor, Kind, Observed, Recorder, RecorderConfig, task_name};
use insight_protocol::{Message, SnapshotBegin, SnapshotEnd, encode, with};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::panic::Location;
use std::pin::pin;
use std::task::{Context, Waker};

thread_local! {
    static RUNNING: Cell<u64> = const { Cell::new(0) };
}

static EXECUTOR: Executor = Executor::new("hand", "1.0", || Some(RUNNING.get()).filter(|id| *id != 0));

const THREADS: u64 = 3;
const TASKS: u64 = 5_000;

/// Runs tasks to their end, each with an ID of the executor. Every hundredth also has a name.
fn run(thread: u64) {
    for n in 1..=TASKS {
        let task = || Observed::new(ready(()), &EXECUTOR, Kind::Task, Location::caller());
        let task = if n % 100 == 0 { task_name("hundredth", task) } else { task() };
        let mut task = pin!(task);
        RUNNING.set(thread << 32 | n);
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        RUNNING.set(0);
    }
}

#[test]
fn each_is_told_whole() {
    let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
    let (mut checker, mut model, mut seq) = (Checker::default(), Model::default(), 0);
    let at_ns = recorder.now_ns();
    let mut messages: Vec<Message> =
        vec![recorder.header().into(), with!(SnapshotBegin::default(), at_ns).into(), SnapshotEnd::new(at_ns).into()];
    // By the executor's own ID: the number of spawns and ends, and whether it had a name.
    let mut told: BTreeMap<u64, (u64, u64, bool)> = BTreeMap::new();
    let mut own_ids = BTreeMap::new();
    let workers: Vec<_> = (1..=THREADS).map(|thread| std::thread::spawn(move || run(thread))).collect();
    loop {
        let last = workers.iter().all(std::thread::JoinHandle::is_finished);
        recorder.collect(&mut messages);
        for message in messages.drain(..) {
            seq += 1;
            assert_eq!(checker.line(&encode(seq, &message)), []);
            model.apply(&message);
            match message {
                Message::TaskSpawned(spawned) => {
                    let named = model.tasks[&spawned.id].origin.name.as_deref() == Some("hundredth");
                    // A task that was read before its first poll has no ID yet.
                    let own = spawned.executor_task_id.unwrap_or(u64::MAX - spawned.id.0);
                    own_ids.insert(spawned.id, own);
                    let entry = told.entry(own).or_default();
                    (entry.0, entry.2) = (entry.0 + 1, named);
                }
                Message::TaskCompleted(completed) => told.get_mut(&own_ids[&completed.id]).unwrap().1 += 1,
                Message::Gap(gap) => panic!("{gap:?}"),
                _ => {}
            }
        }
        if last {
            break;
        }
    }
    assert_eq!(told.len() as u64, THREADS * TASKS);
    assert!(told.values().all(|(spawned, ended, _)| (*spawned, *ended) == (1, 1)));
    assert_eq!(told.values().filter(|(.., named)| *named).count() as u64, THREADS * TASKS / 100);
    for (own, (.., named)) in told.iter().filter(|(own, _)| **own < u64::from(u32::MAX) * (THREADS + 1)) {
        assert_eq!(*named, (own & u64::from(u32::MAX)).is_multiple_of(100), "{own}");
    }
    assert_eq!(model.tasks.len(), 0);
}
