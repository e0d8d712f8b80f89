//! How many tasks an executor counts that are not observed. One test, since all tasks of the process are counted.

use insight_model::Model;
use insight_probe::*;
use insight_protocol::{ExecutorCoverage, Message};
use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

thread_local! {
    static RUNNING: Cell<Option<u64>> = const { Cell::new(None) };
}

static EXECUTOR: Executor = Executor::new("hand", "1.0", || RUNNING.get());

struct Bench {
    recorder: Recorder,
    model: Model,
}

impl Bench {
    /// Looks until the coverage is so.
    fn until(&mut self, unobserved: Option<u64>) {
        let begun = Instant::now();
        loop {
            let mut messages = Vec::new();
            self.recorder.collect(&mut messages);
            messages.iter().for_each(|message| self.model.apply(message));
            let expect =
                ExecutorCoverage { name: "hand".to_owned(), version: "1.0".to_owned(), unobserved_tasks: unobserved };
            if self.model.coverage.as_ref().is_some_and(|coverage| coverage.executors == [expect]) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", self.model.coverage);
            std::thread::yield_now();
        }
    }
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
fn tasks_that_no_spawn_told_of_are_counted() {
    EXECUTOR.announce();
    let config = RecorderConfig { interval: Duration::from_millis(1), ..RecorderConfig::default() };
    let mut bench = Bench { recorder: Recorder::start(config).unwrap(), model: Model::default() };
    // Nobody counts.
    bench.until(None);

    let counter = |kinds| {
        let number = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&number);
        (EXECUTOR.count_tasks(kinds, move || shared.load(Ordering::Relaxed)), number)
    };
    let (_first_counted, first) = counter(&[Kind::Task]);
    bench.until(Some(0));

    let tasks = [spawned(Kind::Task), spawned(Kind::Task)];
    first.store(5, Ordering::Relaxed);
    bench.until(Some(3));

    // A kind that is not counted.
    let local = spawned(Kind::Local);
    // Sampled after it: it was taken in.
    let another = spawned(Kind::Task);
    bench.until(Some(2));

    // Another runtime, which counts that kind too.
    let (second_counted, second) = counter(&[Kind::Task, Kind::Local]);
    second.store(1, Ordering::Relaxed);
    first.store(4, Ordering::Relaxed);
    bench.until(Some(1));
    first.store(5, Ordering::Relaxed);
    bench.until(Some(2));

    // A partial task was counted before it was seen, and is not observed.
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None);
    let site = Site { executor: &EXECUTOR, op: Op::Recv, need: 1, location: None };
    let mut wait = Box::pin(waiting(&channel, site, pending::<()>()));
    RUNNING.set(Some(7));
    poll(&mut wait);
    RUNNING.set(None);
    first.store(6, Ordering::Relaxed);
    bench.until(Some(3));
    assert!(bench.model.tasks.values().any(|task| task.partial));

    drop(second_counted);
    // 6 of the first, of which 3 are observed; the local task is counted by nobody.
    first.store(7, Ordering::Relaxed);
    bench.until(Some(4));
    drop((tasks, local, another));
    bench.until(Some(7));

    let mut messages = Vec::new();
    bench.recorder.set_on(false, &mut messages);
    messages.iter().for_each(|message| bench.model.apply(message));
    assert!(matches!(messages[1], Message::StreamCoverage(_)), "{messages:?}");
    bench.until(None);
    bench.recorder.set_on(true, &mut messages);
    bench.until(Some(7));
    drop(wait);
}
