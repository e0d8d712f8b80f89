//! A collection in parts: no part is large, and each is true whatever happens between two of them.

use super::bench;
use insight_probe::{Executor, Kind, Observed};
use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

const TASKS: usize = 20_000;

type Task = Pin<Box<dyn Future<Output = ()>>>;

fn polled() -> Task {
    let mut task: Task = Box::pin(Observed::new(pending::<()>(), &EXECUTOR, Kind::Task, Location::caller()));
    assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    task
}

#[test]
fn what_happens_between_two_parts() {
    let mut bench = bench();
    // Another test may have leaked tasks.
    let (before, last) = (bench.model.tasks.len(), bench.model.tasks.keys().next_back());
    let mut live: Vec<Task> = (0..TASKS).map(|_| polled()).collect();
    let mut parts = 0;
    loop {
        let mut part = Vec::new();
        let more = bench.recorder.collect_part(true, &mut part);
        assert!(part.len() < 1_500, "{} messages", part.len());
        bench.fold(part);
        parts += 1;
        // A reported task ends, an unreported one ends, and a new one begins.
        drop(live.swap_remove(0));
        live.pop();
        live.push(polled());
        if !more {
            break;
        }
    }
    assert!((35..60).contains(&parts), "a message for the spawn of each task and one for its state, in {parts} parts");
    assert_eq!(bench.model.tasks.len(), before + TASKS, "as it was when the collection began");
    assert!(bench.model.tasks.values().all(|task| Some(task.id) <= last || task.polls() == Some(1)));

    // `collect_now` finishes the collection that has begun, and then collects up to now.
    let mut messages = Vec::new();
    live.extend((0..TASKS).map(|_| polled()));
    assert!(bench.recorder.collect_part(false, &mut messages));
    live.truncate(10);
    bench.recorder.collect_now(&mut messages);
    bench.fold(messages);
    assert_eq!(bench.model.tasks.len(), before + 10);
}
