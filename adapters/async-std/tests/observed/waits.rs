//! Waits for a condition and for time: their lines, and the other waits of their tasks.

use crate::common::{SETTLE, bench, edges, waits};
use async_std::channel::{Receiver, unbounded};
use async_std::future::timeout;
use async_std::io;
use async_std::prelude::*;
use async_std::stream::interval;
use async_std::sync::{Arc, Condvar, Mutex};
use async_std::task;
use insight_model::EdgeBody;
use std::future::{pending, ready};
use std::pin::Pin;
use std::time::{Duration, Instant};

/// None of these ends by itself while the tests run.
const HOUR: Duration = Duration::from_secs(3600);

fn line(comment: &str) -> u32 {
    insight_test_kit::line_marked(include_str!("waits.rs"), comment)
}

/// A flag, and its condition.
type Shared = Arc<(Mutex<bool>, Condvar)>;
type Waits = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a task `waits` until its waits are `expect`.
fn check(waits: Waits, expect: &[String]) {
    async fn task(waits: Waits) {
        waits.await;
    }
    bench(|bench| {
        let handle = task::spawn(task(waits));
        bench.until(|model| (edges(model) == expect).then_some(()));
        let model = bench.after_settling();
        assert!(model.problems.is_empty());
        assert_eq!(edges(model), expect);
        let foreign = model.tasks.values().map(|task| task.stats().as_ref().unwrap().foreign_wakers);
        assert_eq!(foreign.sum::<u64>(), 0, "the timers' wakers are known");
        task::block_on(handle.cancel());
    });
}

#[test]
fn each_way_to_wait_for_time() {
    async fn sleeps() {
        task::sleep(HOUR).await; // here: sleep
    }
    async fn has_a_timeout() {
        let _ = timeout(HOUR, pending::<()>()).await; // here: future::timeout
    }
    async fn has_a_timeout_of_io() {
        let _ = io::timeout(HOUR, pending::<io::Result<()>>()).await; // here: io::timeout
    }
    async fn ticks() {
        let mut ticks = interval(Duration::from_millis(1));
        ticks.next().await;
        ticks = interval(HOUR); // here: interval
        ticks.next().await;
    }
    let cases: [(Waits, &str); 4] = [
        (Box::pin(sleeps()), "sleep"),
        (Box::pin(has_a_timeout()), "future::timeout"),
        (Box::pin(has_a_timeout_of_io()), "io::timeout"),
        (Box::pin(ticks()), "interval"),
    ];
    for (waits, comment) in cases {
        check(waits, &[format!("task sleep timer :{}", line(comment))]);
    }
}

#[test]
fn what_has_a_timeout_waits_for_both() {
    async fn both() {
        let (_sender, receiver) = unbounded::<()>();
        let receive = receiver.recv(); // here: recv
        let _ = timeout(HOUR, receive).await; // here: timeout
    }
    let expect = [format!("task recv channel :{}", line("recv")), format!("task sleep timer :{}", line("timeout"))];
    check(Box::pin(both()), &expect);
}

/// Whether one poll of `future` is pending.
async fn is_pending<T>(mut future: Pin<&mut impl Future<Output = T>>) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// The timer is still there, and wakes the task once. Nothing polls it.
#[test]
fn a_timer_that_has_fired_is_no_way_out() {
    async fn relocks() {
        let mut patience = Box::pin(task::sleep(2 * SETTLE));
        assert!(is_pending(patience.as_mut()).await);
        let lock = Mutex::new(1);
        let _held = lock.lock().await;
        let _again = lock.lock().await;
        patience.await;
    }
    bench(|bench| {
        let handle = task::spawn(relocks());
        // It is dropped only after it has fired.
        bench.until_proven(&["mutex"]);
        task::block_on(handle.cancel());
    });
}

/// As in async-std: the time begins with the first poll, and the value is polled first.
#[test]
fn what_timeouts_give() {
    bench(|_| {
        task::block_on(async {
            assert_eq!(timeout(Duration::ZERO, ready(1)).await, Ok(1));
            assert_eq!(timeout(Duration::MAX, ready(1)).await, Ok(1));
            let error = timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
            assert_eq!(error.to_string(), "future has timed out");
            assert_eq!(io::timeout(HOUR, ready(Ok(1))).await.unwrap(), 1);
            let error = io::timeout(HOUR, ready(Err::<(), _>(io::ErrorKind::NotFound.into()))).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            let error = io::timeout(Duration::ZERO, pending::<io::Result<()>>()).await.unwrap_err();
            assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::TimedOut, "future timed out".to_owned()));

            // The time of the value's first poll counts.
            let slow = Duration::from_millis(100);
            let mut polled_at = None;
            let value = std::future::poll_fn(|_| {
                if polled_at.is_none() {
                    std::thread::sleep(slow);
                    polled_at = Some(Instant::now());
                }
                std::task::Poll::<()>::Pending
            });
            assert!(timeout(slow, value).await.is_err());
            assert!(polled_at.unwrap().elapsed() < slow, "it began with the poll");
        });
    });
}

#[derive(Clone, Copy)]
enum Way {
    Wait,
    Until,
    Timeout,
    TimeoutUntil,
}

/// Waits for the flag, and then keeps the lock until it is stopped.
async fn waiter(shared: Shared, stop: Receiver<()>, way: Way) {
    let (mutex, condvar) = &*shared;
    let guard = mutex.lock().await;
    let guard = match way {
        Way::Wait => condvar.wait(guard).await,                    // here: wait
        Way::Until => condvar.wait_until(guard, |set| *set).await, // here: wait_until
        Way::Timeout => condvar.wait_timeout(guard, HOUR).await.0, // here: wait_timeout
        Way::TimeoutUntil => condvar.wait_timeout_until(guard, HOUR, |set| *set).await.0, // here: wait_timeout_until
    };
    assert!(*guard);
    let _ = stop.recv().await; // here: stopped
    drop(guard);
}

/// Sets the flag, notifies, and keeps the lock until it is released.
async fn notifier(shared: Shared, go: Receiver<()>, all: bool) {
    let (mutex, condvar) = &*shared;
    let mut guard = mutex.lock().await; // here: notifier
    *guard = true;
    if all {
        condvar.notify_all()
    } else {
        condvar.notify_one()
    }
    let _ = go.recv().await; // here: notifier stays
}

/// Samples a waiter before, while and after it is notified. `timed`: it also has a timer.
fn check_condvar(way: Way, at: u32, timed: bool, all: bool) {
    bench(|bench| {
        let shared: Shared = Arc::new((Mutex::new(false), Condvar::new()));
        insight_probe::name(&shared.1, "the flag is set");
        let (stop, stopped) = unbounded();
        let (go, let_go) = unbounded();
        let waiter = task::spawn(waiter(shared.clone(), stopped, way));
        let timer = timed.then(|| format!("waiter sleep timer :{at}"));
        let expect = |others: &[String]| {
            let mut expect: Vec<String> = others.iter().cloned().chain(timer.clone()).collect();
            expect.sort_by_key(|edge| (edge.rsplit(':').next().unwrap().parse::<u32>().unwrap(), edge.clone()));
            expect
        };

        // It waits, and has no lock.
        let notified = expect(&[format!("waiter notified notify :{at}")]);
        bench.until(|model| (edges(model) == notified).then_some(()));
        let model = bench.after_settling();
        assert_eq!((edges(model), model.problems.len()), (notified, 0));
        let wait =
            waits(model).into_iter().find(|wait| model.resources[&wait.resource].kind.as_str() == "notify").unwrap();
        let EdgeBody::Wait { operation, .. } = &wait.body else { unreachable!("a wait") };
        let resource = &model.resources[&wait.resource];
        assert_eq!(resource.name.as_deref(), Some("the flag is set"));
        let freers = model.freers(resource, operation);
        assert!(freers.known.is_empty() && freers.unknown > 0, "any task could notify");

        // It was notified, and has to wait for the lock.
        let notifier = task::spawn(notifier(shared.clone(), let_go, all));
        let locks = expect(&[
            format!("waiter lock mutex :{at}"),
            format!("notifier holds mutex :{}", line("notifier")),
            format!("notifier recv channel :{}", line("notifier stays")),
        ]);
        bench.until(|model| (edges(model) == locks).then_some(()));
        assert!(bench.after_settling().problems.is_empty());

        // It has the lock, with the line of its wait.
        drop(go);
        let has = [format!("waiter recv channel :{}", line("stopped")), format!("waiter holds mutex :{at}")];
        bench.until(|model| {
            let edges = edges(model);
            (edges.len() == 2 && has.iter().all(|edge| edges.contains(edge))).then_some(())
        });
        drop(stop);
        task::block_on(async {
            waiter.await;
            notifier.await;
        });
    });
}

#[test]
fn each_way_to_wait_for_a_condition() {
    check_condvar(Way::Wait, line("wait"), false, false);
    check_condvar(Way::Until, line("wait_until"), false, true);
    check_condvar(Way::Timeout, line("wait_timeout"), true, true);
    check_condvar(Way::TimeoutUntil, line("wait_timeout_until"), true, false);
}

/// When the time has passed, the wait for the lock has the same line.
#[test]
fn a_condition_that_did_not_come_in_time() {
    async fn waits_in_vain(shared: Shared) {
        let (mutex, condvar) = &*shared;
        let guard = mutex.lock().await;
        let (_guard, result) = condvar.wait_timeout(guard, Duration::from_millis(20)).await; // here: in vain
        assert!(result.timed_out());
    }
    bench(|bench| {
        let shared: Shared = Arc::new((Mutex::new(false), Condvar::new()));
        let handle = task::spawn(waits_in_vain(shared.clone()));
        bench.until(|model| (waits(model).len() == 2 || shared.0.try_lock().is_none()).then_some(()));
        let held = shared.0.lock_blocking();
        let expect = [format!("waits_in_vain lock mutex :{}", line("in vain"))];
        // Unless this thread was so slow that the wait was over before.
        bench.until(|model| (edges(model) == expect || model.tasks.is_empty()).then_some(()));
        drop(held);
        task::block_on(handle);
    });
}

/// A wait that the program gives up is over, and leaves the notification to another.
#[test]
fn a_wait_for_a_condition_that_is_given_up() {
    async fn waits_twice(shared: Shared, stop: Receiver<()>) {
        let (mutex, condvar) = &*shared;
        {
            let guard = mutex.lock().await;
            let mut first = Box::pin(condvar.wait(guard));
            assert!(is_pending(first.as_mut()).await);
            assert!(mutex.try_lock().is_some(), "the lock is free while it waits");
        }
        let _ = stop.recv().await; // here: after it was given up
    }
    bench(|bench| {
        let shared: Shared = Arc::new((Mutex::new(false), Condvar::new()));
        let (stop, stopped) = unbounded();
        let handle = task::spawn(waits_twice(shared, stopped));
        let expect = [format!("waits_twice recv channel :{}", line("after it was given up"))];
        bench.until(|model| (edges(model) == expect).then_some(()));
        drop(stop);
        task::block_on(handle);
    });
}
