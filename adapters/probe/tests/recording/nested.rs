//! Tasks that poll other tasks.

use super::bench;
use insight_model::Task;
use insight_probe::*;
use insight_test_kit::Bench;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// The tasks in the order of their spawns.
fn tasks(bench: &mut Bench) -> Vec<Task> {
    bench.sample().tasks.values().cloned().collect()
}

#[track_caller]
fn observe<F: Future>(future: F) -> Pin<Box<Observed<F>>> {
    Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Computes for this long.
fn compute(duration: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < duration {
        std::hint::spin_loop();
    }
}

const LONG: Duration = Duration::from_millis(5);

/// Pending once, after `work`.
async fn once(work: impl FnOnce()) {
    let mut work = Some(work);
    poll_fn(|_| match work.take() {
        Some(work) => {
            work();
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await
}

#[test]
fn the_time_of_an_inner_poll_is_not_the_outer_tasks() {
    let mut bench = bench();
    let mut innermost = observe(once(|| compute(LONG)));
    let mut inner = observe(once(|| assert!(poll(&mut innermost).is_pending())));
    let mut outer = observe(once(|| assert!(poll(&mut inner).is_pending())));
    let begun = Instant::now();
    assert!(poll(&mut outer).is_pending());
    let all_ns = begun.elapsed().as_nanos() as u64;
    let stats: Vec<_> = tasks(&mut bench).into_iter().filter_map(|task| task.stats()).collect();
    let running: Vec<u64> = stats.iter().map(|stats| stats.running_ns).collect();
    let long_ns = LONG.as_nanos() as u64;
    // Two clocks may differ by this much, however long this thread was paused.
    assert!(running.iter().sum::<u64>() <= all_ns + all_ns / 100 + long_ns / 10, "{running:?} of {all_ns}");
    assert!(running[0] >= long_ns / 10 * 9, "{running:?}");
    for stats in &stats {
        // The last entry also counts everything longer.
        let expect = stats.running_ns.max(64).ilog2().min(25) as usize;
        let longest = stats.poll_ns_log2.len() - 1;
        assert!(stats.polls == 1 && longest == expect, "{stats:?}");
    }
    // The time is counted neither as running nor as scheduled.
    assert!(stats[1..].iter().all(|outer| outer.idle_ns >= long_ns / 10 * 9), "{stats:?}");
    drop(outer);
}

#[test]
fn also_when_the_inner_one_panics() {
    let mut bench = bench();
    let begun = Instant::now();
    let mut outer = observe(once(|| {
        let mut inner = observe(async {
            compute(LONG);
            panic!("on purpose");
        });
        assert!(catch_unwind(AssertUnwindSafe(|| poll::<Observed<_>>(&mut inner))).is_err());
    }));
    assert!(poll(&mut outer).is_pending());
    let all = begun.elapsed();
    let stats = tasks(&mut bench).pop().expect("the outer one").stats().expect("polled");
    // The time is counted neither as running nor as scheduled.
    let most = all + all / 100 - LONG / 10 * 9;
    assert!(stats.polls == 1 && Duration::from_nanos(stats.running_ns) <= most, "{stats:?} of {all:?}");
    drop(outer);
}

/// An executor that keeps its waker, and polls its own tasks before `until`.
async fn executor<F: Future>(own: F, wakers: &RefCell<Vec<Waker>>, others: impl Fn()) -> F::Output {
    let mut own = pin!(own);
    poll_fn(|cx| {
        keep(cx, wakers);
        others();
        let result = own.as_mut().poll(cx);
        others();
        result
    })
    .await
}

fn keep(cx: &Context<'_>, wakers: &RefCell<Vec<Waker>>) {
    let mut wakers = wakers.borrow_mut();
    if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
        wakers.push(cx.waker().clone());
    }
}

#[test]
fn what_an_executor_polls_is_not_done_by_the_task_that_runs_it() {
    let mut bench = bench();
    let (seen, wakers, own_wakers) = (RefCell::new(Vec::new()), RefCell::default(), RefCell::default());
    let see = |who: &'static str| seen.borrow_mut().push((who, RawTask::current_id()));
    let inner = RefCell::new(observe(poll_fn(|_| {
        see("inner");
        Poll::<()>::Pending
    })));
    let others = || {
        see("unseen");
        assert!(poll(&mut inner.borrow_mut()).is_pending());
        polling_others(|| see("unseen"));
        see("unseen");
    };
    let polls = RefCell::new(0);
    let own = poll_fn(|cx| {
        keep(cx, &own_wakers);
        see("own");
        polling_others(|| see("unseen"));
        *polls.borrow_mut() += 1;
        if *polls.borrow() < 3 { Poll::Pending } else { Poll::Ready(()) }
    });
    let mut outer = observe(async {
        see("own");
        running_others(own, |own| executor(own, &wakers, others)).await;
        see("own");
        // A future that panics leaves the current task as it was.
        let panics = poll_fn(|_| -> Poll<()> { panic!("on purpose") });
        let mut run = Box::pin(running_others(panics, |own| executor(own, &wakers, || ())));
        assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut run))).is_err());
        see("own");
    });
    for _ in 0..2 {
        assert!(poll(&mut outer).is_pending());
        // The executor's waker is not one that ends the task's wait. The waker that the task's own future keeps is.
        assert_eq!(
            (wakers.borrow().len(), own_wakers.borrow().len()),
            (1, 1),
            "each has one waker, which it knows again"
        );
        let tasks = tasks(&mut bench);
        let [inner, outer] = &tasks[..] else { panic!("{tasks:?}") };
        assert_eq!(outer.stats().as_ref().map(|stats| stats.foreign_wakers), Some(1), "{inner:?}");
    }
    let wakes = |bench: &mut Bench| tasks(bench)[1].stats().as_ref().map(|stats| stats.wakes);
    wakers.borrow()[0].wake_by_ref();
    assert_eq!(wakes(&mut bench), Some(1), "it is woken by both");
    own_wakers.borrow()[0].wake_by_ref();
    assert_eq!(wakes(&mut bench), Some(2));
    let [inner_id, outer_id] = tasks(&mut bench).iter().map(|task| task.id.0).collect::<Vec<_>>()[..] else { panic!() };
    assert!(poll(&mut outer).is_ready());
    see("unseen");
    for (who, id) in seen.borrow().iter() {
        let expect = match *who {
            "own" => outer_id,
            "inner" => inner_id,
            _ => 0,
        };
        assert_eq!(*id, expect, "{who} of {seen:?}");
    }
    assert_eq!(seen.borrow().iter().filter(|(who, _)| *who == "own").count(), 6);
    // Outside of tasks it has no effect.
    let mut alone = Box::pin(running_others(async { see("alone") }, |own| executor(own, &wakers, || see("alone"))));
    assert!(poll(&mut alone).is_ready());
    assert!(seen.borrow().iter().rev().take(3).all(|(who, id)| (*who, *id) == ("alone", 0)));
    drop(outer);
}
