//! Captures, which nobody asked for: they count nowhere, and a task without a live waker is not polled for one.

use super::bench;
use super::trace::{DEADLINE, EXECUTOR, Leaf, SHORT, Task, newest, observe, stats};
use insight_model::EdgeBody;
use insight_probe::*;
use insight_protocol::{EdgeId, Message, TaskId};
use insight_test_kit::Bench;
use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

impl<F: Future> Task<F> {
    /// Captures the task's awaits. Its waker is called on this thread, so the poll follows the request.
    fn capture(&mut self, traceable: &Traceable) -> Capture {
        let asked = traceable.capture().unwrap_or_else(|trace| panic!("{trace:?}"));
        let _ = self.poll();
        match asked.wait(DEADLINE) {
            Trace::Polled(capture) => capture,
            other => panic!("{other:?}"),
        }
    }
}

fn lock() -> Resource {
    Resource::new(Type::Mutex(HandOff::Fifo), Location::caller(), Some(1))
}

#[track_caller]
fn site() -> Site {
    Site { executor: &EXECUTOR, op: Op::Lock, need: 1, location: Some(Location::caller()) }
}

/// The open waits of a task, in the order of their IDs.
fn waits(bench: &mut Bench, id: TaskId) -> Vec<EdgeId> {
    let model = bench.sample();
    let is_wait = |edge: &&insight_model::Edge| matches!(edge.body, EdgeBody::Wait { .. });
    model.edges_of_task(id).filter(is_wait).map(|edge| edge.id).collect()
}

/// A timer's future, by hand.
struct Timer(Sleeping, Leaf);

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Timer(sleeping, leaf) = &mut *self;
        sleeping.poll(&EXECUTOR, cx, |cx| leaf.poll(cx))
    }
}

/// Polls all of them, as `join!` does.
async fn all(mut futures: Vec<Pin<&mut dyn Future<Output = ()>>>) {
    poll_fn(|cx| {
        futures.iter_mut().for_each(|future| assert!(future.as_mut().poll(cx).is_pending()));
        Poll::Pending
    })
    .await
}

#[test]
fn each_stack_has_the_wait_of_its_operation() {
    let mut bench = bench();
    let (locks, leaves) = ([lock(), lock()], [Leaf::default(), Leaf::default()]);
    let foreign = Leaf::default();
    let (locks, leaves) = (&locks, &leaves);
    let operation = |n: usize| waiting(&locks[n], site(), poll_fn(move |cx: &mut Context<'_>| leaves[n].poll(cx)));
    let mut first = pin!(operation(0));
    let mut second = pin!(operation(1));
    let mut timer = pin!(Timer(Sleeping::new(Location::caller()), Leaf::default()));
    let mut other = pin!(poll_fn(|cx: &mut Context<'_>| foreign.poll(cx)));
    let mut task = observe(all(vec![first.as_mut(), timer.as_mut(), second.as_mut(), other.as_mut()]));
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    let open = waits(&mut bench, id);
    for _ in 0..2 {
        let capture = task.capture(&traceable);
        assert!(capture.is_complete() && !capture.released, "{capture:?}");
        assert_eq!((capture.polls, capture.stacks.len()), (1, 4));
        let edges: Vec<Option<EdgeId>> = capture.stacks.iter().map(|stack| stack.edge).collect();
        let sent: Vec<_> = edges.iter().map(|edge| edge.and_then(|edge| bench.recorder.open_wait(id, edge))).collect();
        // Two waits of one function are two awaits, also if the addresses are equal.
        assert_eq!(sent, [Some(open[0]), Some(open[1]), Some(open[2]), None]);
    }
    drop(task);
    bench.sample();
    assert_eq!(bench.recorder.open_wait(id, open[0]), None, "its task has ended");
}

/// A leaf that wakes its old waker when it gets another one, as async-io's readiness futures do.
fn replaced(old: &Mutex<Option<Waker>>, cx: &Context<'_>) {
    let mut old = old.lock().unwrap();
    if old.as_ref().is_none_or(|old| !old.will_wake(cx.waker())) {
        old.replace(cx.waker().clone()).into_iter().for_each(Waker::wake);
    }
}

#[test]
fn nothing_of_a_capture_is_sent() {
    let mut bench = bench();
    let (lock, leaf, old) = (lock(), Leaf::default(), Mutex::default());
    let mut task = observe(async {
        let mut operation = pin!(waiting(&lock, site(), poll_fn(|cx| leaf.poll(cx))));
        poll_fn(|cx| {
            assert!(operation.as_mut().poll(cx).is_pending());
            replaced(&old, cx);
            Poll::<()>::Pending
        })
        .await;
    });
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    let before = stats(&mut bench, id);
    bench.sample();
    for round in 1..=3 {
        task.capture(&traceable);
        // The old waker of the leaf has woken the task, so its executor polls it once more.
        assert!(task.poll().is_pending());
        // A request that is taken back has woken the task, and the poll comes later.
        assert!(matches!(traceable.capture().unwrap().wait(SHORT), Trace::NotPolled { .. }));
        assert!(task.poll().is_pending());
        let sent: Vec<_> =
            bench.collect().iter().filter(|message| !matches!(message, Message::StreamHeartbeat(_))).collect();
        assert!(sent.is_empty(), "{round}: {sent:?}");
    }
    // The counts go on with the next poll that the program asks for.
    leaf.wake();
    assert!(task.poll().is_pending());
    let after = stats(&mut bench, id);
    assert_eq!((after.polls, after.wakes), (before.polls + 1, before.wakes + 1));
    let wait = waits(&mut bench, id)[0];
    let polls = |message: &Message| match message {
        Message::EdgeUpdated(update) if update.id == wait => update.polls,
        _ => None,
    };
    assert_eq!(bench.messages.iter().rev().find_map(polls), Some(2), "{:#?}", bench.messages);
}

#[test]
fn a_lost_waker_is_found_also_after_a_capture() {
    let mut bench = bench();
    let leaf = Leaf::default();
    let mut task = observe(poll_fn(|cx| leaf.poll(cx)));
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    task.capture(&traceable);
    assert!(!stats(&mut bench, id).lost_waker);
    leaf.lose_waker();
    assert!(stats(&mut bench, id).lost_waker);
    assert!(matches!(traceable.capture(), Err(Trace::NoWaker)));
    assert!(stats(&mut bench, id).lost_waker);
    // A trace that a user asks for is made all the same.
    assert!(matches!(traceable.trace(SHORT), Trace::NotPolled { .. }));
}

#[test]
fn a_task_that_cannot_be_captured_is_not_woken() {
    let mut bench = bench();
    let leaf = Leaf::default();
    let mut task = observe(poll_fn(|cx| leaf.poll(cx)));
    let (_, traceable) = newest(&mut bench);
    assert!(matches!(traceable.capture(), Err(Trace::NeverPolled)));
    assert!(task.poll().is_pending());
    assert_eq!(task.woken(), 0);
    // Its executor polls it with another waker.
    assert!(task.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(matches!(traceable.capture(), Err(Trace::OtherWaker)));
    assert_eq!(task.woken(), 0);
    drop(task);
    assert!(matches!(traceable.capture(), Err(Trace::Ended)));

    let mut alone = observe(pending::<()>());
    assert!(alone.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    assert!(matches!(traceable.capture(), Err(Trace::NoWaker)));
    assert_eq!(alone.woken(), 0);

    let closure = ObservedClosure::new(|| (), &EXECUTOR, Location::caller());
    let (_, traceable) = newest(&mut bench);
    assert!(matches!(traceable.capture(), Err(Trace::Closure)));
    drop(closure);
}

/// Each case: a future that goes on as soon as it is polled after `let_go`, and whether that shows in the capture.
#[test]
fn a_capture_says_that_it_has_released_the_task() {
    let mut bench = bench();
    let go = AtomicBool::new(false);
    // Its waker is not called: the wake is lost.
    let leaf = Leaf::default();
    let lost = || poll_fn(|cx| if go.load(Ordering::Relaxed) { Poll::Ready(()) } else { leaf.poll(cx) });
    let mut check = |case: &str, expect: bool, future: Pin<Box<dyn Future<Output = ()> + '_>>| {
        go.store(false, Ordering::Relaxed);
        let mut task = observe(future);
        assert!(task.poll().is_pending());
        let (_, traceable) = newest(&mut bench);
        assert!(!task.capture(&traceable).released, "{case}: it waits as before");
        go.store(true, Ordering::Relaxed);
        let capture = task.capture(&traceable);
        assert_eq!((capture.released, traceable.wakes()), (expect, capture.wakes), "{case}");
    };
    let locks = [lock(), lock()];
    let other = Leaf::default();
    let waits_at = |resource| waiting(resource, site(), poll_fn(|cx: &mut Context<'_>| other.poll(cx)));
    check("ready", true, Box::pin(lost()));
    check(
        "an operation is over",
        true,
        Box::pin(async {
            waiting(&locks[0], site(), lost()).await;
            other.wait().await
        }),
    );
    check(
        "a new wait at the same place",
        true,
        Box::pin(async {
            let site = site();
            waiting(&locks[0], site, lost()).await;
            waiting(&locks[0], site, poll_fn(|cx| other.poll(cx))).await;
        }),
    );
    check(
        "a wait at a new place",
        true,
        Box::pin(async {
            lost().await;
            waits_at(&locks[1]).await
        }),
    );
    check(
        "a spawned task",
        true,
        Box::pin(async {
            lost().await;
            drop(observe(pending::<()>()));
            other.wait().await;
        }),
    );
    check(
        "nothing that we observe",
        false,
        Box::pin(async {
            lost().await;
            other.wait().await
        }),
    );
    // Such a future opens a wait anew at each poll.
    let site = site();
    check(
        "a wait that each poll opens anew",
        false,
        Box::pin(async {
            let new = || waiting(&locks[0], site, poll_fn(|cx: &mut Context<'_>| other.poll(cx)));
            let mut operation = Box::pin(new());
            poll_fn(|cx| {
                operation.set(new());
                operation.as_mut().poll(cx)
            })
            .await;
        }),
    );
}

/// The executor is busy when it is asked, and polls the task later.
#[test]
fn late_poll_answers_a_request_that_is_still_open() {
    let mut bench = bench();
    let leaf = Leaf::default();
    let mut task = observe(poll_fn(|cx| leaf.poll(cx)));
    assert!(task.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    let late = |task: &mut Task<_>| {
        let asked = traceable.capture().unwrap();
        assert_eq!(asked.answer(SHORT), None);
        assert!(!asked.is_running());
        let _ = task.poll();
        match asked.answer(SHORT) {
            Some(Trace::Polled(capture)) => (capture.released, capture.stacks.len()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(late(&mut task), (false, 1));
    leaf.open();
    assert_eq!(late(&mut task), (true, 1));

    let other = Leaf::default();
    let mut ends = observe(poll_fn(|cx| other.poll(cx)));
    assert!(ends.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    let asked = traceable.capture().unwrap();
    drop(ends);
    assert_eq!(asked.answer(SHORT), Some(Trace::Ended));
}

#[test]
fn a_poll_that_the_program_asked_for_too_releases_nothing() {
    let mut bench = bench();
    let leaf = Leaf::default();
    let mut task = observe(poll_fn(|cx| leaf.poll(cx)));
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    let asked = traceable.capture().unwrap();
    leaf.open();
    leaf.wake();
    assert!(task.poll().is_ready());
    let Trace::Polled(capture) = asked.wait(DEADLINE) else { panic!("it was polled") };
    assert!(capture.ready && !capture.released && !capture.is_complete());
    let outcomes = bench.sample().tasks.get(&id).is_none();
    assert!(outcomes, "it has ended");
}
