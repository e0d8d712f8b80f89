//! Panics of tasks, with and without their messages. The program's behaviour is the same.

use insight_probe::*;
use insight_protocol::{MAX_PANIC, Message, Outcome};
use insight_test_kit::{Bench, NEVER, bench_with};
use std::any::Any;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind};
use std::pin::Pin;
use std::sync::MutexGuard;
use std::task::{Context, Poll, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// A recorder with or without the messages of panics.
fn bench(panic_messages: bool) -> MutexGuard<'static, Bench> {
    let mut bench = bench_with(|| Bench::start(RecorderConfig::default(), NEVER));
    bench.recorder.configure(RecorderConfig { panic_messages, ..RecorderConfig::default() });
    bench
}

#[track_caller]
fn observe<F: Future>(future: F) -> Pin<Box<Observed<F>>> {
    Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls to the end, as an executor that catches panics. Returns the payload of the panic.
fn run<F: Future>(mut task: Pin<Box<F>>) -> Option<Box<dyn Any + Send>> {
    loop {
        match catch_unwind(AssertUnwindSafe(|| poll(&mut task))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(_)) => return None,
            Err(payload) => return Some(payload),
        }
    }
}

/// The outcome and the message of each ended task, in the order of their ends.
fn ends(bench: &mut Bench) -> Vec<(Outcome, Option<String>)> {
    bench.sample();
    let ends = bench.messages.iter().filter_map(|message| match message {
        Message::TaskCompleted(end) => Some((end.outcome.clone(), end.panic.clone())),
        _ => None,
    });
    ends.collect()
}

fn panicked(message: &str) -> (Outcome, Option<String>) {
    (Outcome::Panicked, Some(message.to_owned()))
}

const WITHOUT: (Outcome, Option<String>) = (Outcome::Panicked, None);

/// Pending once.
async fn poll_once() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await
}

/// r[security.panics]
#[test]
fn messages_of_panics() {
    let check = |run: &dyn Fn(), expect: &[(Outcome, Option<String>)]| {
        let mut on = bench(true);
        run();
        assert_eq!(ends(&mut on), expect);
        drop(on);
        let mut off = bench(false);
        run();
        let without: Vec<_> = expect.iter().map(|(outcome, _)| (outcome.clone(), None)).collect();
        assert_eq!(ends(&mut off), without);
    };
    // The payload is that of the panic, whichever it is.
    let text = |payload: Option<Box<dyn Any + Send>>| *payload.unwrap().downcast::<&str>().unwrap();
    check(&|| assert_eq!(text(run(observe(async { panic!("a literal") }))), "a literal"), &[panicked("a literal")]);
    let string = |payload: Option<Box<dyn Any + Send>>| *payload.unwrap().downcast::<String>().unwrap();
    let request = std::hint::black_box(7);
    check(
        &|| assert_eq!(string(run(observe(async { panic!("no request {request}") }))), "no request 7"),
        &[panicked("no request 7")],
    );
    check(
        &|| assert_eq!(*run(observe(async { panic_any(7) })).unwrap().downcast::<i32>().unwrap(), 7),
        &[panicked("a panic whose payload is no text")],
    );
    // A panic without the hook.
    check(&|| drop(run(observe(async { resume_unwind(Box::new("quiet")) }))), &[panicked("quiet")]);
    check(
        &|| drop(run(observe(async { panic!("{}", "é".repeat(2 * MAX_PANIC)) }))),
        &[panicked(&format!("{}…", "é".repeat(MAX_PANIC - 1)))],
    );
    // In a later poll.
    let late = async || {
        poll_once().await;
        panic!("late")
    };
    check(&|| drop(run(observe(late()))), &[panicked("late")]);
    // A closure on a thread of its own.
    let closure = || {
        let closure = ObservedClosure::new(|| panic!("in a closure"), &EXECUTOR, Location::caller());
        let _: Result<(), _> = catch_unwind(AssertUnwindSafe(|| closure.call()));
    };
    check(&closure, &[panicked("in a closure")]);
}

#[test]
fn ends_without_a_message() {
    let mut bench = bench(true);
    assert!(run(observe(async { 7 })).is_none());
    assert_eq!(ObservedClosure::new(|| 7, &EXECUTOR, Location::caller()).call(), 7);
    let mut dropped = observe(pending::<()>());
    assert!(poll(&mut dropped).is_pending());
    drop(dropped);
    // The future catches the panic, so the task continues.
    let caught = || catch_unwind(|| panic!("caught")).is_err();
    assert!(run(observe(async move { assert!(caught()) })).is_none());
    /// Panics when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }
    let bomb = Bomb;
    let mut task = observe(async move {
        pending::<()>().await;
        drop(bomb);
    });
    assert!(poll(&mut task).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(task))).is_err());
    let outcomes = [Outcome::Returned, Outcome::Returned, Outcome::Cancelled, Outcome::Returned, Outcome::Panicked];
    assert_eq!(ends(&mut bench), outcomes.map(|outcome| (outcome, None)));
}

#[test]
fn panic_of_a_task_within_another_one() {
    let mut bench = bench(true);
    // The outer task is an executor that catches the panic of the inner one.
    let catches = async { assert!(run(observe(async { panic!("inner") })).is_some()) };
    assert!(run(observe(catches)).is_none());
    assert_eq!(ends(&mut bench), [panicked("inner"), (Outcome::Returned, None)]);
    bench.messages.clear();
    // The outer task panics with the inner one, which is dropped first.
    assert!(run(observe(async { observe(async { panic!("both") }).await })).is_some());
    assert_eq!(ends(&mut bench), [panicked("both"), panicked("both")]);
    bench.messages.clear();
    // The outer task catches the panic, and panics itself.
    let other = async {
        run(observe(async { panic!("inner") }));
        panic!("outer")
    };
    assert!(run(observe(other)).is_some());
    assert_eq!(ends(&mut bench), [panicked("inner"), panicked("outer")]);
}

/// The recorder may read the spawn, the panic and the end at different times, and the end may come from another thread.
#[test]
fn message_comes_with_the_end() {
    let mut bench = bench(true);
    let mut task = observe(async {
        poll_once().await;
        panic!("read apart")
    });
    bench.sample();
    assert!(poll(&mut task).is_pending());
    bench.sample();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut task))).is_err());
    assert_eq!(ends(&mut bench), []);
    std::thread::scope(|scope| drop(scope.spawn(move || drop(task)).join()));
    assert_eq!(ends(&mut bench), [panicked("read apart")]);
}

#[test]
fn option_counts_at_the_first_poll_and_at_the_panic() {
    let mut bench = bench(false);
    let config = |panic_messages| RecorderConfig { panic_messages, ..RecorderConfig::default() };
    let late = async || {
        poll_once().await;
        panic!("late")
    };
    let mut before = observe(late());
    assert!(poll(&mut before).is_pending());
    bench.recorder.configure(config(true));
    drop(run(before));
    let mut after = observe(late());
    assert!(poll(&mut after).is_pending());
    drop(run(after));
    let mut off = observe(late());
    assert!(poll(&mut off).is_pending());
    bench.recorder.configure(config(false));
    drop(run(off));
    assert_eq!(ends(&mut bench), [WITHOUT, panicked("late"), WITHOUT]);
}

/// Later messages have no room, and each end is recorded all the same.
#[test]
fn unread_messages_have_a_bound() {
    let mut bench = bench(true);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    (0..1_200).for_each(|number| drop(run(observe(async move { panic!("panic {number}") }))));
    std::panic::set_hook(hook);
    let ends = ends(&mut bench);
    let with = |end: &&(Outcome, Option<String>)| end.1.is_some();
    assert_eq!((ends.len(), ends.iter().filter(with).count()), (1_200, 1_000));
    assert_eq!((&ends[999], &ends[1_000]), (&panicked("panic 999"), &WITHOUT));
    bench.messages.clear();
    drop(run(observe(async { panic!("read again") })));
    assert_eq!(crate::ends(&mut bench), [panicked("read again")]);
}
