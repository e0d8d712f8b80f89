//! Detail `operations`: messages about single operations and holds.

use insight_probe::*;
use insight_protocol::{Detail, Message, OperationEvent, TaskOperation};
use insight_test_kit::{Bench, NEVER, bench_with, journal};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

fn config() -> RecorderConfig {
    RecorderConfig { detail: Detail::Operations, ..RecorderConfig::default() }
}

fn bench() -> MutexGuard<'static, Bench> {
    bench_with(|| {
        let bench = Bench::start(config(), NEVER);
        assert_eq!(bench.recorder.header().detail, Detail::Operations);
        bench
    })
}

fn channel() -> Resource {
    Resource::new(Type::Channel(HandOff::Fifo, Closing::ByAny), Location::caller(), None)
}

fn site(op: Op) -> Site {
    Site { executor: &EXECUTOR, op, need: 1, location: Some(Location::caller()) }
}

/// Polls a future once, as a task.
fn poll_as_task<T>(future: impl Future<Output = T>) -> Poll<T> {
    let task = pin!(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()));
    task.poll(&mut Context::from_waker(Waker::noop()))
}

fn operations(messages: &[Message]) -> Vec<&TaskOperation> {
    let operations = messages.iter().filter_map(|message| match message {
        Message::TaskOperation(operation) => Some(operation),
        _ => None,
    });
    operations.collect()
}

/// The threads call an operation in turns, each with a number of units that is one more than that of the call before. A recorder
/// collects meanwhile.
#[test]
fn operations_that_exclude_each_other_do_not_overlap() {
    const THREADS: usize = 4;
    const CALLS: usize = 500;
    let mut bench = bench();
    let channel = channel();
    let turn = Mutex::new(0);
    std::thread::scope(|scope| {
        let threads = (0..THREADS).map(|_| {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    let mut calls = turn.lock().unwrap();
                    *calls += 1;
                    Calling::new(&channel, Call::Send, *calls, &EXECUTOR, Location::caller()).succeeded();
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        while !threads.iter().all(|thread| thread.is_finished()) {
            bench.sample();
        }
    });
    bench.sample();
    let operations = operations(&bench.messages);
    assert_eq!(operations.len(), 2 * THREADS * CALLS);
    for (call, pair) in operations.chunks(2).enumerate() {
        assert_eq!((&pair[0].event, pair[0].units), (&OperationEvent::Begun, Some(call as u64 + 1)));
        assert_eq!((&pair[1].event, pair[1].id), (&OperationEvent::Claimed, pair[0].id));
    }
}

#[test]
fn an_operation_without_room_is_left_out_and_counted() {
    let mut bench = bench();
    let channel = channel();
    bench.sample();
    bench.recorder.configure(RecorderConfig { max_bytes: 0, ..config() });
    bench.messages.clear();
    for _ in 0..3 {
        Calling::new(&channel, Call::Send, 1, &EXECUTOR, Location::caller()).succeeded();
    }
    bench.sample();
    bench.recorder.configure(config());
    assert_eq!(operations(&bench.messages), Vec::<&TaskOperation>::new());
    let gaps = bench.messages.iter().filter_map(|message| match message {
        Message::Gap(gap) => Some((gap.kinds.clone(), gap.count)),
        _ => None,
    });
    assert_eq!(gaps.collect::<Vec<_>>(), [(vec!["task.operation".to_owned()], 3)]);
    bench.messages.clear();
    Calling::new(&channel, Call::Send, 1, &EXECUTOR, Location::caller()).succeeded();
    bench.sample();
    assert_eq!(operations(&bench.messages).len(), 2);
}

#[test]
fn an_operation_that_panics_is_abandoned() {
    let mut bench = bench();
    let channel = channel();
    let recv = || {
        let mut waiting = Waiting::new();
        let poll = |cx: &mut Context<'_>| {
            waiting.poll(&channel, &site(Op::Recv), cx, |_| -> Poll<()> { std::panic::resume_unwind(Box::new(())) })
        };
        poll_as_task(poll_fn(poll))
    };
    catch_unwind(AssertUnwindSafe(recv)).unwrap_err();
    bench.sample();
    assert_eq!(journal(&bench.messages), ["a begun 1 recv channel", "a abandoned 1"]);
}

#[test]
fn an_operation_outside_of_tasks_has_no_task() {
    let mut bench = bench();
    let channel = channel();
    let mut waiting = Waiting::new();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.poll(&channel, &site(Op::Recv), &mut cx, |_| Poll::<()>::Pending).is_pending());
    assert!(waiting.poll(&channel, &site(Op::Recv), &mut cx, |_| Poll::<()>::Pending).is_pending());
    assert!(waiting.poll(&channel, &site(Op::Recv), &mut cx, |_| Poll::Ready(())).is_ready());
    Calling::new(&channel, Call::Close, 1, &EXECUTOR, Location::caller()).succeeded();
    bench.sample();
    let expect =
        ["- begun 1 recv channel", "- pending 1", "- claimed 1", "- begun 2 close channel", "- claimed 2 succeeded"];
    assert_eq!(journal(&bench.messages), expect);
}

#[test]
fn a_wake_is_recorded_once_until_the_next_poll() {
    let mut bench = bench();
    let channel = channel();
    let kept = Mutex::new(Vec::new());
    let mut waiting = Waiting::new();
    let mut polls = 0;
    let operation = poll_fn(|cx| {
        waiting.poll(&channel, &site(Op::Recv), cx, |cx| {
            polls += 1;
            match polls {
                1 => kept.lock().unwrap().extend([cx.waker().clone(), cx.waker().clone()]),
                3 => return Poll::Ready(()),
                _ => {}
            }
            Poll::Pending
        })
    });
    let mut task = pin!(Observed::new(operation, &EXECUTOR, Kind::Task, Location::caller()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut cx).is_pending());
    kept.lock().unwrap().drain(..).for_each(Waker::wake);
    assert!(task.as_mut().poll(&mut cx).is_pending());
    assert!(task.as_mut().poll(&mut cx).is_ready());
    bench.sample();
    let expect = ["a begun 1 recv channel", "a pending 1", "- granted 1", "a pending 1", "a claimed 1"];
    assert_eq!(journal(&bench.messages), expect);
}
