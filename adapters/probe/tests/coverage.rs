//! The number of an executor's tasks that are not observed. The only test here, since all tasks of the process are
//! counted.

use insight_probe::*;
use insight_protocol::{ExecutorCoverage, Message, with};
use insight_test_kit::{Bench, NEVER};
use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

thread_local! {
    static RUNNING: Cell<Option<u64>> = const { Cell::new(None) };
}

static EXECUTOR: Executor = Executor::new("hand", "1.0", || RUNNING.get());

/// Samples until this number of tasks is not observed.
fn until(bench: &mut Bench, unobserved: Option<u64>) {
    insight_test_kit::until(&format!("no coverage with {unobserved:?} unobserved tasks"), || {
        let mut messages = Vec::new();
        bench.recorder.collect(&mut messages);
        bench.fold(messages);
        let expect = with!(ExecutorCoverage::new("hand", "1.0"), unobserved_tasks = unobserved);
        bench.model.coverage.as_ref().is_some_and(|coverage| coverage.executors == [expect]).then_some(())
    });
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) {
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn spawned(kind: Kind) -> Pin<Box<Observed<impl Future<Output = ()>>>> {
    let mut future = Box::pin(Observed::new(pending(), &EXECUTOR, kind, Location::caller()));
    poll(&mut future);
    future
}

#[test]
fn tasks_without_a_reported_spawn_are_counted() {
    EXECUTOR.announce();
    let config = RecorderConfig { interval: Duration::from_millis(1), ..RecorderConfig::default() };
    let bench = &mut Bench::start(config, NEVER);
    // No counter yet.
    until(bench, None);

    let counter = |kinds| {
        let number = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&number);
        (EXECUTOR.count_tasks(kinds, move || shared.load(Ordering::Relaxed)), number)
    };
    let (_first_counted, first) = counter(&[Kind::Task]);
    until(bench, Some(0));

    let tasks = [spawned(Kind::Task), spawned(Kind::Task)];
    first.store(5, Ordering::Relaxed);
    until(bench, Some(3));

    // A kind that the counter leaves out.
    let local = spawned(Kind::Local);
    // Sampled after it, so it was taken into account.
    let another = spawned(Kind::Task);
    until(bench, Some(2));

    // Another runtime, whose counter includes that kind.
    let (second_counted, second) = counter(&[Kind::Task, Kind::Local]);
    second.store(1, Ordering::Relaxed);
    first.store(4, Ordering::Relaxed);
    until(bench, Some(1));
    first.store(5, Ordering::Relaxed);
    until(bench, Some(2));

    // A library task was counted before its first use of a resource, and is not observed.
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None);
    let site = Site { executor: &EXECUTOR, op: Op::Recv, need: 1, location: None };
    let mut wait = Box::pin(waiting(&channel, site, pending::<()>()));
    RUNNING.set(Some(7));
    poll(&mut wait);
    RUNNING.set(None);
    first.store(6, Ordering::Relaxed);
    until(bench, Some(3));
    assert!(bench.model.tasks.values().any(|task| task.origin.partial));

    drop(second_counted);
    // The first runtime counts 6, and 3 of them are observed. No runtime counts the local task.
    first.store(7, Ordering::Relaxed);
    until(bench, Some(4));
    drop((tasks, local, another));
    until(bench, Some(7));

    let before = bench.messages.len();
    bench.turn(false);
    let messages = &bench.messages[before..];
    assert!(matches!(messages[1], Message::StreamCoverage(_)), "{messages:?}");
    until(bench, None);
    bench.turn(true);
    until(bench, Some(7));
    drop(wait);
}
