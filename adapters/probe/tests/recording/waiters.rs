//! The counters of pending operations: their polls, their grants, and whether they are still polled.

use super::bench;
use insight_model::{EdgeBody, Waiter};
use insight_probe::*;
use insight_protocol::Message;
use insight_test_kit::Bench;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// The operation, its polls, whether its last poll was the task's last, and whether it was granted.
type Seen<'a> = (&'a str, Option<u64>, Option<bool>, bool);

/// The open waits: the operation of each, and its counters.
fn waiters(bench: &mut Bench) -> Vec<(String, Waiter)> {
    let waits = bench.sample().edges.values().filter_map(|edge| match &edge.body {
        EdgeBody::Wait { operation, .. } => Some((operation.to_string(), edge.waiter())),
        _ => None,
    });
    waits.collect()
}

/// Samples twice: the recorder sends the usual values with its second sample.
fn check(bench: &mut Bench, expect: &[Seen]) {
    waiters(bench);
    let found = waiters(bench);
    let found: Vec<Seen> = found
        .iter()
        .map(|(operation, waiter)| (&**operation, waiter.polls, waiter.polled, waiter.granted_ns.is_some()))
        .collect();
    assert_eq!(found, expect);
}

/// A number of permits, granted in the order of the waiters, as in a fair semaphore.
#[derive(Default)]
struct Gate {
    permits: Mutex<(u64, VecDeque<Waker>)>,
}

impl Gate {
    /// Waits for a permit. It registers once while its waker stays the same.
    async fn pass(&self) {
        let mut registered: Option<Waker> = None;
        poll_fn(|cx| {
            let mut permits = self.permits.lock().unwrap();
            if permits.0 > 0 {
                permits.0 -= 1;
                return Poll::Ready(());
            }
            if !registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                assert!(registered.is_none(), "the same waker from poll to poll");
                registered = Some(cx.waker().clone());
                permits.1.push_back(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn wakers(&self) -> Vec<Waker> {
        self.permits.lock().unwrap().1.drain(..).collect()
    }

    /// Grants a permit to the first waiter.
    fn open(&self) {
        let mut permits = self.permits.lock().unwrap();
        permits.0 += 1;
        if let Some(waker) = permits.1.pop_front() {
            waker.wake();
        }
    }
}

fn site(op: Op) -> Site {
    Site { executor: &EXECUTOR, op, need: 1, location: Some(Location::caller()) }
}

fn observe<'f>(future: impl Future<Output = ()> + 'f) -> Pin<Box<Observed<impl Future<Output = ()> + 'f>>> {
    Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn resource() -> Resource {
    Resource::new(Type::Semaphore(HandOff::Fifo), Location::caller(), None)
}

/// Pending once, for no observed reason.
async fn yield_once() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await
}

/// Polls `future` once, like one branch of a `select!`.
async fn poll_once(future: &mut (impl Future<Output = ()> + Unpin)) {
    poll_fn(|cx| {
        let _ = Pin::new(&mut *future).poll(cx);
        Poll::Ready(())
    })
    .await
}

#[test]
fn kept_and_polled_no_more() {
    let mut bench = bench();
    let (gate, other, resource) = (Gate::default(), Gate::default(), resource());
    let mut task = observe(async {
        let mut kept = pin!(waiting(&resource, site(Op::Acquire), gate.pass()));
        poll_once(&mut kept).await;
        yield_once().await;
        waiting(&resource, site(Op::Recv), other.pass()).await;
        kept.await;
    });
    assert!(poll(&mut task).is_pending());
    check(&mut bench, &[("acquire", Some(1), Some(true), false)]);
    assert!(poll(&mut task).is_pending());
    check(&mut bench, &[("acquire", Some(1), Some(false), false), ("recv", Some(1), Some(true), false)]);
    gate.open();
    check(&mut bench, &[("acquire", Some(1), Some(false), true), ("recv", Some(1), Some(true), false)]);
    assert!(poll(&mut task).is_pending());
    check(&mut bench, &[("acquire", Some(1), Some(false), true), ("recv", Some(2), Some(true), false)]);
    other.open();
    assert!(poll(&mut task).is_ready(), "claimed once it is polled");
    check(&mut bench, &[]);
}

#[test]
fn a_join_polls_both() {
    let mut bench = bench();
    let (gate, resource) = (Gate::default(), resource());
    let mut task = observe(async {
        let mut first = pin!(waiting(&resource, site(Op::Acquire), gate.pass()));
        let mut second = pin!(waiting(&resource, site(Op::Recv), gate.pass()));
        poll_fn(|cx| {
            let first = first.as_mut().poll(cx).is_ready();
            let second = second.as_mut().poll(cx).is_ready();
            if first && second { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    });
    for polls in 1..4 {
        assert!(poll(&mut task).is_pending());
        check(&mut bench, &[("acquire", Some(polls), Some(true), false), ("recv", Some(polls), Some(true), false)]);
    }
}

/// A waker of its own around another one, as in `FuturesUnordered`.
struct OwnWaker(Waker);

impl std::task::Wake for OwnWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

#[test]
fn a_combinators_own_waker_says_nothing() {
    let mut bench = bench();
    let (gate, resource) = (Gate::default(), resource());
    let mut task = observe(async {
        let mut inner = pin!(waiting(&resource, site(Op::Acquire), gate.pass()));
        let mut polled = false;
        poll_fn(|cx| {
            let own = Waker::from(Arc::new(OwnWaker(cx.waker().clone())));
            match std::mem::replace(&mut polled, true) {
                false => inner.as_mut().poll(&mut Context::from_waker(&own)),
                true => Poll::Pending,
            }
        })
        .await
    });
    for _ in 0..2 {
        assert!(poll(&mut task).is_pending());
        check(&mut bench, &[("acquire", Some(1), None, false)]);
    }
    gate.open();
    check(&mut bench, &[("acquire", Some(1), None, false)]);
}

#[test]
fn granted_and_dropped() {
    let mut bench = bench();
    let (gate, resource) = (Gate::default(), resource());
    let mut task = observe(async {
        poll_once(&mut pin!(waiting(&resource, site(Op::Acquire), gate.pass()))).await;
        let mut other = Box::pin(waiting(&resource, site(Op::Recv), gate.pass()));
        poll_once(&mut other).await;
        yield_once().await;
        drop(other);
        yield_once().await;
    });
    assert!(poll(&mut task).is_pending());
    check(&mut bench, &[("recv", Some(1), Some(true), false)]);
    gate.wakers().into_iter().for_each(Waker::wake);
    check(&mut bench, &[("recv", Some(1), Some(true), true)]);
    assert!(poll(&mut task).is_pending());
    check(&mut bench, &[]);
}

#[test]
fn a_waker_of_an_earlier_wait_grants_nothing() {
    // More than there are slots to which a waker may be left behind.
    for left_behind in [1, 2, 3, 9, 10, 11, 40] {
        let mut bench = bench();
        let (gate, resource) = (Gate::default(), resource());
        let mut task = observe(async {
            for _ in 0..left_behind {
                poll_once(&mut pin!(waiting(&resource, site(Op::Acquire), gate.pass()))).await;
                yield_once().await;
            }
            waiting(&resource, site(Op::Recv), Gate::default().pass()).await;
        });
        for _ in 0..=left_behind {
            assert!(poll(&mut task).is_pending());
        }
        check(&mut bench, &[("recv", Some(1), Some(true), false)]);
        gate.wakers().into_iter().for_each(Waker::wake);
        check(&mut bench, &[("recv", Some(1), Some(true), false)]);
    }
}

#[test]
fn a_yield_is_no_grant() {
    let mut bench = bench();
    let (gate, resource) = (Gate::default(), resource());
    let mut task = observe(async {
        let mut passing = pin!(gate.pass());
        let yields = poll_fn(|cx| {
            // There is a slot before and after, by the waker and by its clone.
            cx.waker().wake_by_ref();
            let result = passing.as_mut().poll(cx);
            let clone = cx.waker().clone();
            clone.wake_by_ref();
            result
        });
        waiting(&resource, site(Op::Acquire), yields).await;
    });
    for polls in 1..4 {
        assert!(poll(&mut task).is_pending());
        check(&mut bench, &[("acquire", Some(polls), Some(true), false)]);
    }
    gate.open();
    check(&mut bench, &[("acquire", Some(3), Some(true), true)]);
}

#[test]
fn changed_facts_are_sent() {
    let mut bench = bench();
    let (gate, resource) = (Gate::default(), resource());
    let mut task = observe(async {
        waiting(&resource, site(Op::Acquire), gate.pass()).await;
    });
    let told = |bench: &mut Bench| {
        let before = bench.messages.len();
        waiters(bench);
        let is_told = |message: &&Message| matches!(message, Message::EdgeUpdated(_));
        bench.messages[before..].iter().filter(is_told).count()
    };
    assert!(poll(&mut task).is_pending());
    assert_eq!([(); 3].map(|()| told(&mut bench)), [0, 1, 0]);
    assert!(poll(&mut task).is_pending());
    assert_eq!([(); 2].map(|()| told(&mut bench)), [1, 0]);
    // A wake without a permit: the grant ends with the poll.
    gate.wakers().into_iter().for_each(Waker::wake);
    assert_eq!([(); 2].map(|()| told(&mut bench)), [1, 0]);
    assert!(poll(&mut task).is_pending());
    check(&mut bench, &[("acquire", Some(3), Some(true), false)]);
}

#[test]
fn a_panic_in_the_first_poll_leaves_no_wait() {
    let mut bench = bench();
    let resource = resource();
    let mut task = observe(async {
        let mut kept = Vec::new();
        let panics = poll_fn(|cx| -> Poll<()> {
            kept.push(cx.waker().clone());
            std::panic::resume_unwind(Box::new("told"))
        });
        waiting(&resource, site(Op::Acquire), panics).await;
    });
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(&mut task)));
    assert!(result.is_err());
    drop(task);
    check(&mut bench, &[]);
}

/// The stream keeps its rules in whichever order the threads wait, grant and drop.
#[test]
fn grants_by_other_threads() {
    let rounds = if cfg!(miri) { 20 } else { 2_000 };
    let mut bench = bench();
    let (gate, resource, done) = (Gate::default(), resource(), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let mut task = observe(async {
                        let mut kept = pin!(waiting(&resource, site(Op::Acquire), gate.pass()));
                        poll_once(&mut kept).await;
                        poll_once(&mut pin!(waiting(&resource, site(Op::Recv), gate.pass()))).await;
                        yield_once().await;
                    });
                    while poll(&mut task).is_pending() {}
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        while done.load(Ordering::Relaxed) < 2 {
            gate.open();
            waiters(&mut bench);
        }
    });
    check(&mut bench, &[]);
}
