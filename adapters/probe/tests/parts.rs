//! A collection in parts: none is large, and each is true whatever happens between two of them.

use insight_model::{Checker, Model};
use insight_probe::{Executor, Kind, Observed, Recorder, RecorderConfig};
use insight_protocol::{Message, SnapshotBegin, SnapshotEnd, encode};
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
    let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
    let (mut checker, mut model, mut seq) = (Checker::default(), Model::default(), 0);
    let mut fold = |messages: Vec<Message>, model: &mut Model| {
        for message in messages {
            seq += 1;
            assert_eq!(checker.line(&encode(seq, &message)), []);
            model.apply(&message);
        }
    };
    let at_ns = recorder.now_ns();
    let begin = SnapshotBegin { at_ns, tasks: 0, resources: 0, edges: 0, problems: 0 };
    fold(vec![recorder.header().into(), begin.into(), SnapshotEnd { at_ns }.into()], &mut model);

    let mut live: Vec<Task> = (0..TASKS).map(|_| polled()).collect();
    let mut parts = 0;
    loop {
        let mut part = Vec::new();
        let more = recorder.collect_part(true, &mut part);
        assert!(part.len() < 1_500, "{} messages", part.len());
        fold(part, &mut model);
        parts += 1;
        // One goes that was told, one that was not, and one comes.
        drop(live.swap_remove(0));
        live.pop();
        live.push(polled());
        if !more {
            break;
        }
    }
    assert!((35..60).contains(&parts), "a message for the spawn of each task and one for its state, in {parts} parts");
    assert_eq!(model.tasks.len(), TASKS, "as it was when the collection began");
    assert!(model.tasks.values().all(|task| task.polls() == Some(1)));

    // One that was begun is ended before all up to now is told.
    let mut messages = Vec::new();
    live.extend((0..TASKS).map(|_| polled()));
    assert!(recorder.collect_part(false, &mut messages));
    live.truncate(10);
    recorder.collect_now(&mut messages);
    fold(messages, &mut model);
    assert_eq!(model.tasks.len(), 10);
}
