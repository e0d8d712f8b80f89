//! The awaits of a parked task: futures that are polled by hand, and traced from other threads.

use super::bench;
use insight_probe::*;
use insight_protocol::{TaskId, TaskStats, with};
use insight_test_kit::Bench;
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

pub(super) static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// Time after which a test has failed.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// Timeout of a trace that must time out.
pub(super) const SHORT: Duration = Duration::from_millis(1);

/// The newest task.
pub(super) fn newest(bench: &mut Bench) -> (TaskId, Traceable) {
    let id = bench.sample().tasks.keys().next_back().expect("a task");
    (id, bench.recorder.traceable(id).expect("it is known"))
}

pub(super) fn stats(bench: &mut Bench, id: TaskId) -> TaskStats {
    bench.sample().tasks[&id].stats().expect("it is observed")
}

/// An executor's waker that counts.
#[derive(Default)]
pub(super) struct Wakes(Mutex<usize>, Condvar);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() += 1;
        self.1.notify_all();
    }
}

impl Wakes {
    fn wait_for(&self, number: usize) {
        let waited = self.1.wait_timeout_while(self.0.lock().unwrap(), DEADLINE, |woken| *woken < number).unwrap();
        assert!(!waited.1.timed_out(), "woken {} times of {number}", *waited.0);
    }
}

/// A task and its executor.
pub(super) struct Task<F> {
    pub(super) future: Pin<Box<Observed<F>>>,
    wakes: Arc<Wakes>,
    waker: Waker,
}

#[track_caller]
pub(super) fn observe<F: Future>(future: F) -> Task<F> {
    let wakes = Arc::new(Wakes::default());
    let future = Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()));
    Task { future, waker: Waker::from(wakes.clone()), wakes }
}

impl<F: Future> Task<F> {
    pub(super) fn poll(&mut self) -> Poll<F::Output> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Number of times that its executor was asked to poll it.
    pub(super) fn woken(&self) -> usize {
        *self.wakes.0.lock().unwrap()
    }

    /// Asks from another thread, and polls once that has woken the task.
    fn trace(&mut self, traceable: &Traceable) -> Capture {
        let (capture, _) = self.trace_and(traceable, |task| task.poll());
        capture
    }

    fn trace_and<R>(&mut self, traceable: &Traceable, answer: impl FnOnce(&mut Self) -> R) -> (Capture, R) {
        let before = *self.wakes.0.lock().unwrap();
        thread::scope(|scope| {
            let asked = scope.spawn(|| traceable.trace(DEADLINE));
            self.wakes.wait_for(before + 1);
            let result = answer(self);
            match asked.join().unwrap() {
                Trace::Polled(capture) => (capture, result),
                other => panic!("{other:?}"),
            }
        })
    }
}

/// A leaf of a crate that does not know insight. It keeps its waker as tokio's leaves do.
#[derive(Default)]
pub(super) struct Leaf {
    waker: Mutex<Option<Waker>>,
    clones: AtomicUsize,
    open: AtomicBool,
}

impl Leaf {
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = self.waker.lock().unwrap();
        if waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
            self.clones.fetch_add(1, Ordering::Relaxed);
        }
        if self.open.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) async fn wait(&self) {
        poll_fn(|cx| self.poll(cx)).await
    }

    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    pub(super) fn wake(&self) {
        self.waker.lock().unwrap().as_ref().unwrap().wake_by_ref();
    }

    /// Drops its waker without a wake.
    pub(super) fn lose_waker(&self) {
        drop(self.waker.lock().unwrap().take());
    }

    fn clones(&self) -> usize {
        self.clones.load(Ordering::Relaxed)
    }
}

async fn first_await(leaf: &Leaf) {
    poll_fn(|cx| leaf.poll(cx)).await
}

async fn second_await(leaf: &Leaf) {
    poll_fn(|cx| leaf.poll(cx)).await
}

async fn known_await(resource: &Resource, site: Site, leaf: &Leaf) {
    waiting(resource, site, poll_fn(|cx| leaf.poll(cx))).await
}

/// Like `select!`.
async fn either(left: &Leaf, right: &Leaf) {
    let mut left = pin!(first_await(left));
    let mut right = pin!(second_await(right));
    poll_fn(|cx| if left.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { right.as_mut().poll(cx) }).await
}

/// The functions of this file on each stack, the innermost first.
fn functions(capture: &Capture) -> Vec<BTreeSet<&'static str>> {
    let functions = |stack: &Stack| {
        let mut found = BTreeSet::new();
        for address in &stack.addresses {
            backtrace::resolve(*address as *mut c_void, |symbol| {
                let name = symbol.name().map(|name| format!("{name:#}")).unwrap_or_default();
                for function in ["first_await", "second_await", "either", "outside", "known_await"] {
                    if name.contains(&format!("trace::{function}")) {
                        found.insert(function);
                    }
                }
            });
        }
        found
    };
    capture.stacks.iter().map(functions).collect()
}

#[test]
fn each_leaf_has_its_stack_and_nothing_else_changes() {
    let mut bench = bench();
    let (left, right) = (Leaf::default(), Leaf::default());
    let mut task = observe(either(&left, &right));
    #[inline(never)]
    fn outside<F: Future>(task: &mut Task<F>) -> Poll<F::Output> {
        task.poll()
    }
    assert!(outside(&mut task).is_pending());
    let (id, traceable) = newest(&mut bench);
    let before = stats(&mut bench, id);
    assert_eq!((before.foreign_wakers, before.polls), (2, 1));
    for number in 1..=3 {
        let untraced = stats(&mut bench, id);
        let (capture, _) = task.trace_and(&traceable, outside);
        let traced = stats(&mut bench, id);
        assert_eq!(with!(traced, at_ns = untraced.at_ns), untraced, "the task is where it was");
        let expect = [BTreeSet::from(["first_await", "either"]), BTreeSet::from(["second_await", "either"])];
        assert_eq!(functions(&capture), expect, "what is outside of the task is cut off");
        assert_eq!((capture.more, capture.ready, capture.other_waker), (0, false, false));
        assert!(capture.stacks.iter().all(|stack| stack.clones == 1 && !stack.cut));
        // One clone for the trace and no more: `will_wake` is true again.
        assert_eq!((left.clones(), right.clones()), (1 + number, 1 + number));
        assert!(task.poll().is_pending());
        assert_eq!((left.clones(), right.clones()), (1 + number, 1 + number));
        let after = stats(&mut bench, id);
        assert_eq!((after.foreign_wakers, after.polls), (2, 1 + number as u64));
        assert_eq!((after.wakes, after.self_wakes, after.woken_by), (before.wakes, before.self_wakes, before.woken_by));
    }
    left.waker.lock().unwrap().take().unwrap().wake();
    assert_eq!(stats(&mut bench, id).wakes, 1, "a real wake is counted as before");
    left.open.store(true, Ordering::Relaxed);
    let (capture, ready) = task.trace_and(&traceable, |task| task.poll().is_ready());
    assert!(capture.ready && ready);
    assert_eq!(traceable.trace(DEADLINE), Trace::Ended);
}

#[test]
fn an_instrumented_leaf_is_traced_too_and_its_wakers_stay_known() {
    let mut bench = bench();
    let resource = Resource::new(Type::Mutex(HandOff::Fifo), Location::caller(), Some(1));
    let leaf = Leaf::default();
    let site = Site { executor: &EXECUTOR, op: Op::Lock, need: 1, location: Some(Location::caller()) };
    let mut task = observe(known_await(&resource, site, &leaf));
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    assert_eq!(stats(&mut bench, id).foreign_wakers, 0);
    let capture = task.trace(&traceable);
    assert_eq!(functions(&capture), [BTreeSet::from(["known_await"])]);
    assert!(task.poll().is_pending());
    assert_eq!((leaf.clones(), stats(&mut bench, id).foreign_wakers), (2, 0));
}

#[test]
fn without_a_poll_it_is_said_why() {
    let mut bench = bench();
    let leaf = Leaf::default();
    let mut task = observe(first_await(&leaf));
    let (_, traceable) = newest(&mut bench);
    assert_eq!(traceable.trace(DEADLINE), Trace::NeverPolled);
    assert!(task.poll().is_pending());
    assert!(matches!(traceable.trace(SHORT), Trace::NotPolled { since_ns: 1.. }));
    assert!(task.poll().is_pending());
    assert_eq!(leaf.clones(), 1, "nobody waits for the trace any more, so none was made");

    // The task is dropped while it is traced, and the answer does not wait for the timeout.
    let wakes = task.wakes.clone();
    let ended = thread::scope(|scope| {
        let asked = scope.spawn(|| traceable.trace(DEADLINE));
        wakes.wait_for(2);
        drop(task);
        asked.join().unwrap()
    });
    assert_eq!(ended, Trace::Ended);

    let closure = ObservedClosure::new(|| (), &EXECUTOR, Location::caller());
    let (_, traceable) = newest(&mut bench);
    assert_eq!(traceable.trace(DEADLINE), Trace::Closure);
    closure.call();
    assert_eq!(traceable.trace(DEADLINE), Trace::Ended);

    let mut task = observe(first_await(&leaf));
    assert!(task.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    let (capture, _) = task.trace_and(&traceable, |task| {
        let other = Waker::from(Arc::new(Wakes::default()));
        task.future.as_mut().poll(&mut Context::from_waker(&other))
    });
    assert!(capture.other_waker && capture.stacks.is_empty());
}

#[test]
fn a_task_that_runs_on() {
    let mut bench = bench();
    let (begin, begun) = mpsc::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let mut task = observe(poll_fn(move |cx| {
        drop(cx.waker().clone());
        begin.send(()).unwrap();
        if held.recv().is_ok() { Poll::Pending } else { Poll::Ready(()) }
    }));
    thread::scope(|scope| {
        let polling = scope.spawn(move || {
            assert!(task.poll().is_pending());
            task
        });
        begun.recv().unwrap();
        let (_, traceable) = newest(&mut bench);
        let Trace::Running { since_ns } = traceable.trace(SHORT) else { panic!("it is in a poll") };
        assert!(since_ns > 0 && since_ns <= bench.recorder.now_ns());
        // Asked during a poll, and answered by the next poll.
        let asked = scope.spawn(move || traceable.trace(DEADLINE));
        let_go.send(()).unwrap();
        let mut task = polling.join().unwrap();
        task.wakes.wait_for(2);
        let_go.send(()).unwrap();
        assert!(task.poll().is_pending());
        assert!(matches!(asked.join().unwrap(), Trace::Polled(capture) if capture.stacks.len() == 1));
    });
}

#[test]
fn requests_at_the_same_time_share_one_poll() {
    const CALLERS: usize = 4;
    let mut bench = bench();
    let leaf = Leaf::default();
    let mut task = observe(first_await(&leaf));
    assert!(task.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    let traces: Vec<Trace> = thread::scope(|scope| {
        let asked: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| traceable.trace(DEADLINE))).collect();
        task.wakes.wait_for(CALLERS);
        assert!(task.poll().is_pending());
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(matches!(&traces[0], Trace::Polled(capture) if capture.stacks.len() == 1));
    assert!(traces.iter().all(|trace| *trace == traces[0]));
    assert_eq!(leaf.clones(), 2);
}

#[test]
fn a_poll_that_panics_answers_the_request() {
    let mut bench = bench();
    let (leaf, panics) = (Leaf::default(), AtomicBool::new(false));
    let mut task = observe(poll_fn(|cx| {
        assert!(!panics.load(Ordering::Relaxed), "for the test of it");
        leaf.poll(cx)
    }));
    assert!(task.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    panics.store(true, Ordering::Relaxed);
    let answer = thread::scope(|scope| {
        let asked = scope.spawn(|| traceable.trace(DEADLINE));
        task.wakes.wait_for(1);
        assert!(catch_unwind(AssertUnwindSafe(|| task.poll().is_ready())).is_err());
        drop(task);
        asked.join().unwrap()
    });
    let Trace::Polled(capture) = answer else { panic!("{answer:?}") };
    assert!(capture.panicked && capture.released && !capture.ready && !capture.is_complete());
    assert_eq!((capture.polls, capture.stacks.len()), (1, 0));
    assert_eq!(traceable.trace(DEADLINE), Trace::Ended);
}

#[test]
fn leaves_without_number_are_counted() {
    let mut bench = bench();
    // A `join_all` of many leaves: leaves beyond the maximum are only counted.
    let leaves: Vec<Leaf> = (0..200).map(|_| Leaf::default()).collect();
    async fn one(leaf: &Leaf, depth: usize) {
        if depth == 0 { poll_fn(|cx| leaf.poll(cx)).await } else { Box::pin(one(leaf, depth - 1)).await }
    }
    let mut awaits: Vec<_> = leaves.iter().zip(0..).map(|(leaf, depth)| Box::pin(one(leaf, depth))).collect();
    let mut task = observe(poll_fn(move |cx| {
        awaits.iter_mut().for_each(|future| assert!(future.as_mut().poll(cx).is_pending()));
        Poll::<()>::Pending
    }));
    assert!(task.poll().is_pending());
    let (_, traceable) = newest(&mut bench);
    let capture = task.trace(&traceable);
    assert_eq!((capture.stacks.len(), capture.more), (64, 136));
}

/// A leaf that wakes its old waker when it gets another one, as async-io's readiness futures do.
#[test]
fn polls_and_wakes_that_a_trace_causes_are_not_counted() {
    let mut bench = bench();
    let old: Mutex<Option<Waker>> = Mutex::default();
    let mut task = observe(poll_fn(|cx| {
        let mut old = old.lock().unwrap();
        if old.as_ref().is_none_or(|old| !old.will_wake(cx.waker())) {
            old.replace(cx.waker().clone()).into_iter().for_each(Waker::wake);
        }
        Poll::<()>::Pending
    }));
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    let before = stats(&mut bench, id);
    for round in 1..=4 {
        assert_eq!(task.trace(&traceable).stacks.len(), 1);
        // The old waker has woken the task: its executor polls it once more.
        assert_eq!(*task.wakes.0.lock().unwrap(), 2 * round);
        assert!(task.poll().is_pending());
        let after = stats(&mut bench, id);
        assert_eq!(after, with!(before.clone(), at_ns = after.at_ns));
    }
    // A wake of the program's own counts again, and so does its poll.
    old.lock().unwrap().as_ref().unwrap().wake_by_ref();
    assert!(task.poll().is_pending());
    let after = stats(&mut bench, id);
    assert_eq!((after.polls, after.wakes), (before.polls + 1, before.wakes + 1));
}

/// A wake that comes between the trace and the poll that follows it is one of the program's.
#[test]
fn a_wake_beside_the_poll_after_a_trace_is_counted() {
    let mut bench = bench();
    let old: Mutex<Option<Waker>> = Mutex::default();
    let mut task = observe(poll_fn(|cx| {
        let before = old.lock().unwrap().replace(cx.waker().clone());
        before.filter(|before| !before.will_wake(cx.waker())).into_iter().for_each(Waker::wake);
        Poll::<()>::Pending
    }));
    assert!(task.poll().is_pending());
    let (id, traceable) = newest(&mut bench);
    let before = stats(&mut bench, id);
    task.trace(&traceable);
    old.lock().unwrap().as_ref().unwrap().wake_by_ref();
    assert!(task.poll().is_pending());
    let after = stats(&mut bench, id);
    assert_eq!((after.polls, after.wakes), (before.polls + 1, before.wakes + 1));
}
