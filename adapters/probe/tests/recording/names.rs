//! Names of the program are kept only while something has them.

use super::bench;
use insight_probe::*;
use insight_protocol::Message;
use std::future::{Future, pending, ready};
use std::panic::Location;
use std::pin::pin;
use std::task::{Context, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

#[test]
fn names_of_ended_tasks_are_dropped() {
    let mut bench = bench();
    let lasting = task_name("lasting", || Observed::new(pending::<()>(), &EXECUTOR, Kind::Task, Location::caller()));
    let mut lasting = pin!(lasting);
    let mut context = Context::from_waker(Waker::noop());
    assert!(lasting.as_mut().poll(&mut context).is_pending());
    for request in 0..10_000 {
        let task = task_name(&format!("request {request}"), || {
            Observed::new(ready(()), &EXECUTOR, Kind::Task, Location::caller())
        });
        assert!(pin!(task).poll(&mut context).is_ready());
        if request % 100 == 0 {
            bench.sample();
        }
    }
    let names: Vec<&str> = bench.model.tasks.values().filter_map(|task| task.origin.name.as_deref()).collect();
    assert!(names.contains(&"lasting") && names.iter().all(|name| !name.starts_with("request")), "{names:?}");
    let (mut defined, mut dropped) = (0, 0);
    for message in &bench.messages {
        match message {
            Message::DefineString(_) => defined += 1,
            Message::DefineDropped(it) => dropped += it.strings.len(),
            _ => {}
        }
    }
    // 5,000 names fill a megabyte, and at most twice as many are kept.
    assert!(dropped > 4_000 && defined - dropped < 10_000, "{dropped} of {defined}");
}
