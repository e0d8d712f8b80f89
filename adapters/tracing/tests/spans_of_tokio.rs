//! Facts from tokio's own spans, of programs on the real tokio.
//!
//! A program of its own, since capabilities are the whole process's.
#![cfg(tokio_unstable)]

#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
#[path = "layer/common.rs"]
mod common;

use common::{Bench, LOG, bench, edges, named, summary};
use insight_model::{Model, Task};
use insight_protocol::{Outcome, TaskState, Tier};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, Mutex, Notify, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

fn with_runtime(test: impl FnOnce(&mut Bench, &Runtime)) {
    let mut bench = bench();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    test(&mut bench, &runtime);
    runtime.shutdown_timeout(Duration::from_secs(10));
    bench.until(|model| (model.tasks.is_empty() && model.resources.is_empty()).then_some(()));
}

fn spawn<F: Future<Output = ()> + Send + 'static>(runtime: &Runtime, name: &str, future: F) -> JoinHandle<()> {
    tokio::task::Builder::new().name(name).spawn_on(future, runtime.handle()).unwrap()
}

fn is_idle(model: &Model, name: &str) -> bool {
    named(model, name).is_some_and(|task| task.state() == Some(TaskState::Idle))
}

fn polls(task: &Task) -> u64 {
    task.stats().as_ref().map_or(0, |stats| stats.polls)
}

/// Aborts `tasks`, so that nothing of the test is left.
fn abort(runtime: &Runtime, tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    for task in tasks {
        task.abort();
        let _ = runtime.block_on(task);
    }
}

#[test]
fn tasks_that_a_dependency_spawns() {
    with_runtime(|bench, runtime| {
        let (go_on, wait) = oneshot::channel::<()>();
        let line = line!() + 1;
        let plain = runtime.spawn(async { drop(wait.await) });
        let id = plain.id().to_string();
        let task = bench.until(|model| {
            let task = model.tasks.values().find(|task| task.state() == Some(TaskState::Idle));
            task.filter(|task| polls(task) == 1).cloned()
        });
        let location = &task.origin.location.clone().unwrap().place;
        assert_eq!((location.file.as_ref(), location.line), (file!(), line));
        assert_eq!(
            (task.origin.kind.as_str(), task.origin.executor.as_deref(), task.origin.partial),
            ("task", Some("tokio"), false)
        );
        assert_eq!(task.executor_task_id().unwrap().to_string(), id);
        assert!(task.origin.future_bytes.unwrap() > 0);
        assert_eq!(summary(bench.sample()), "? waits recv 1 oneshot");
        drop(go_on);
        runtime.block_on(plain).unwrap();
        bench.until(|model| model.tasks.is_empty().then_some(()));

        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let blocking = runtime.spawn_blocking(move || {
            let _ = stopped.recv();
        });
        let task = bench.until(|model| model.tasks.values().next().cloned());
        assert_eq!(task.origin.kind.as_str(), "blocking");
        assert!(task.origin.name.as_deref().unwrap().contains("tasks_that_a_dependency_spawns"));
        drop(stop);
        runtime.block_on(blocking).unwrap();

        let local = tokio::task::LocalSet::new();
        let current = Builder::new_current_thread().build().unwrap();
        local.block_on(&current, async {
            let inner = tokio::task::spawn_local(std::future::pending::<()>());
            tokio::task::yield_now().await;
            let mut kinds: Vec<String> =
                bench.sample().tasks.values().map(|task| task.origin.kind.to_string()).collect();
            kinds.sort();
            assert_eq!(kinds, ["block_on", "local"]);
            inner.abort();
        });
    });
}

#[test]
fn the_threads_of_a_runtime_are_no_tasks() {
    with_runtime(|bench, runtime| {
        runtime.block_on(runtime.spawn(async {})).unwrap();
        bench.until(|model| model.tasks.is_empty().then_some(()));
    });
}

#[test]
fn who_waits_for_a_lock_and_who_has_it() {
    with_runtime(|bench, runtime| {
        let line = line!() + 1;
        let lock = Arc::new(Mutex::new(()));
        let (theirs, go_on) = (lock.clone(), Arc::new(Notify::new()));
        let may_go_on = go_on.clone();
        let has = spawn(runtime, "has", async move {
            let _guard = theirs.lock().await;
            may_go_on.notified().await;
        });
        bench.until(|model| is_idle(model, "has").then_some(()));
        let waits = spawn(runtime, "waits", async move { drop(lock.lock().await) });
        bench.until(|model| is_idle(model, "waits").then_some(()));
        assert_eq!(edges(bench), "has holds exclusive mutex transferable; waits waits lock 1 mutex");
        let model = bench.sample();
        let location = &model.resources.values().next().unwrap().location.clone().unwrap().place;
        assert_eq!((location.file.as_ref(), location.line), (file!(), line));
        go_on.notify_one();
        runtime.block_on(async { (has.await.unwrap(), waits.await.unwrap()) });
        assert_eq!(edges(bench), "");
    });
}

#[test]
fn waits() {
    type Case = fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let check = |case: Case, expect: &str| {
        with_runtime(|bench, runtime| {
            let task = spawn(runtime, "t", case());
            // A task may also be idle before its first poll, so we wait for the poll after which it waits.
            bench.until(|model| (is_idle(model, "t") && polls(named(model, "t")?) > 0).then_some(()));
            assert_eq!(edges(bench), expect);
            let problems = bench.after_settle_times(6).problems().problems;
            assert!(problems.is_empty(), "{problems:?}");
            abort(runtime, [task]);
            bench.until(|model| (summary(model).is_empty()).then_some(()));
        });
    };
    check(|| Box::pin(async { drop(Semaphore::new(3).acquire_many(5).await) }), "t waits acquire 5 semaphore");
    check(|| Box::pin(async { drop(Barrier::new(2).wait().await) }), "t waits wait 1 barrier");
    check(|| Box::pin(async { tokio::time::sleep(Duration::from_secs(1000)).await }), "t waits sleep 1 timer");
    check(
        || {
            Box::pin(async {
                let _ = tokio::time::interval_at(soon(), Duration::from_secs(9)).tick().await;
            })
        },
        "t waits sleep 1 timer",
    );
    check(|| Box::pin(async { oneshot::channel::<()>().0.closed().await }), "t waits closed 1 oneshot");
    check(
        || {
            Box::pin(async {
                let lock = RwLock::new(());
                let _reading = lock.read().await;
                drop(lock.write().await);
            })
        },
        // r[tracing.tokio.no-holder]
        "t waits write 1 rwlock",
    );
    check(
        || {
            Box::pin(async {
                let (sender, _receiver) = mpsc::channel(1);
                sender.send(()).await.unwrap();
                sender.send(()).await.unwrap();
            })
        },
        // r[tracing.tokio.internal]
        "t waits acquire 1 foreign",
    );
    // r[tracing.tokio.unseen]
    check(|| Box::pin(async { with_sender(mpsc::channel::<()>(1)).await }), "");
    check(|| Box::pin(async { Notify::new().notified().await }), "");
    check(|| Box::pin(async { drop(watch::channel(0).1.changed().await) }), "");
    check(|| Box::pin(async { drop(broadcast::channel::<()>(1).1.recv().await) }), "");
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(1000)
}

async fn with_sender((sender, mut receiver): (mpsc::Sender<()>, mpsc::Receiver<()>)) {
    receiver.recv().await;
    drop(sender);
}

#[test]
fn no_capability_of_a_resource_is_listed() {
    with_runtime(|bench, runtime| {
        runtime.block_on(async {});
        let capabilities: Vec<String> = bench.recorder.header().capabilities.iter().map(ToString::to_string).collect();
        assert_eq!(capabilities, ["tasks", "task.times"]);
    });
}

#[test]
fn a_wait_belongs_to_the_task_that_polls() {
    with_runtime(|bench, runtime| {
        let (theirs, receiver) = oneshot::channel::<()>();
        let (give, take) = oneshot::channel();
        let makes = spawn(runtime, "makes", async move {
            let sleep = Box::pin(tokio::time::sleep(Duration::from_secs(1000)));
            let _ = give.send(sleep);
            drop(receiver.await);
        });
        let polls_it = spawn(runtime, "polls", async move { take.await.unwrap().await });
        bench.until(|model| (summary(model) == "makes waits recv 1 oneshot; polls waits sleep 1 timer").then_some(()));
        drop(theirs);
        abort(runtime, [makes, polls_it]);
    });
}

#[test]
fn who_wakes_whom() {
    with_runtime(|bench, runtime| {
        let (wake, woken) = oneshot::channel::<()>();
        let (stay, stays) = oneshot::channel::<()>();
        let sleeper = spawn(runtime, "sleeper", async move {
            drop(woken.await);
            drop(stays.await);
        });
        bench.until(|model| is_idle(model, "sleeper").then_some(()));
        let waker = spawn(runtime, "waker", async move {
            drop(wake);
            std::future::pending().await
        });
        let (sleeper_stats, by) = bench.until(|model| {
            let stats = named(model, "sleeper")?.stats().filter(|stats| stats.polls == 2)?;
            Some((stats, named(model, "waker")?.id))
        });
        assert_eq!((sleeper_stats.wakes, sleeper_stats.woken_by, sleeper_stats.self_wakes), (1, Some(by), 0));
        drop(stay);
        abort(runtime, [sleeper, waker]);
    });
}

#[test]
fn a_permit_that_was_taken_is_not_waited_for() {
    let mut bench = bench();
    let runtime = Builder::new_current_thread().build().unwrap();
    let semaphore = Arc::new(Semaphore::new(1));
    // In a local task, since `block_on` has no budget, and the future samples.
    let local = tokio::task::LocalSet::new();
    let all = poll_fn(|cx| {
        // The task's budget for this poll.
        while tokio::task::coop::has_budget_remaining() {
            assert!(pin!(tokio::task::consume_budget()).poll(cx).is_ready());
        }
        let mut acquire = pin!(semaphore.acquire());
        assert!(acquire.as_mut().poll(cx).is_pending());
        assert_eq!(semaphore.available_permits(), 0, "taken all the same");
        assert_eq!(edges(&mut bench), "");
        Poll::Ready(())
    });
    local.block_on(&runtime, tokio::task::coop::cooperative(all));
    drop(runtime);
}

#[test]
fn nothing_is_proven_of_them() {
    with_runtime(|bench, runtime| {
        let locks = [Arc::new(Mutex::new(())), Arc::new(Mutex::new(()))];
        let both = Arc::new(Barrier::new(2));
        let task = |name, first: usize| {
            let (one, other, both) = (locks[first].clone(), locks[1 - first].clone(), both.clone());
            spawn(runtime, name, async move {
                let _one = one.lock().await;
                both.wait().await;
                drop(other.lock().await);
            })
        };
        let tasks = [task("a", 0), task("b", 1)];
        let stuck = "a holds exclusive mutex transferable; a waits lock 1 mutex; \
                     b holds exclusive mutex transferable; b waits lock 1 mutex";
        bench.until(|model| (summary(model) == stuck).then_some(()));
        let model = bench.after_settle_times(6);
        assert!(model.problems().problems.iter().all(|problem| problem.tier != Tier::Proven));
        assert!(model.tasks.values().all(|task| task.stats().as_ref().unwrap().foreign_wakers > 0));
        abort(runtime, tasks);
    });
}

#[test]
fn a_panic_is_an_outcome() {
    with_runtime(|bench, runtime| {
        let lock = Arc::new(Mutex::new(()));
        let guard = runtime.block_on(lock.clone().lock_owned());
        let (give, take) = std::sync::mpsc::channel();
        let panics = spawn(runtime, "panics", async move {
            give.send(lock.lock_owned().await).unwrap();
            panic!("as is meant");
        });
        bench.until(|model| is_idle(model, "panics").then_some(()));
        drop(guard);
        assert!(runtime.block_on(panics).unwrap_err().is_panic());
        // The task gave its guard away. The guard outlives the task, and keeps it in the stream.
        let outcome = bench.until(|model| named(model, "panics").and_then(|task| task.outcome().cloned()));
        assert_eq!(outcome, Outcome::Panicked);
        drop(take);
    });
}

#[test]
fn no_rule_is_broken_whatever_is_at_once() {
    with_runtime(|bench, runtime| {
        for _ in 0..100 {
            let (lock, permits) = (Arc::new(Mutex::new(0)), Arc::new(Semaphore::new(2)));
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    let (lock, permits) = (lock.clone(), permits.clone());
                    runtime.spawn(async move {
                        for n in 0..20 {
                            *lock.lock().await += 1;
                            let _permit = permits.acquire().await;
                            if n % 5 == 0 {
                                tokio::select! {
                                    _ = lock.lock() => {}
                                    () = tokio::time::sleep(Duration::from_micros(10)) => {}
                                }
                            }
                            let (send, receive) = oneshot::channel::<()>();
                            tokio::spawn(async move { drop(send) });
                            drop(receive.await);
                        }
                    })
                })
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                bench.sample();
            }
            assert_eq!(*runtime.block_on(lock.lock()), 80);
        }
        bench.until(|model| model.tasks.is_empty().then_some(()));
    });
}

#[test]
fn the_programs_own_layer_sees_none_of_them() {
    with_runtime(|_, runtime| {
        let task = spawn(runtime, "logs", async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            tracing::trace!("too fine for it");
            tracing::info!("for the log");
        });
        runtime.block_on(task).unwrap();
        let log = String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        let line = log.lines().find(|line| line.contains("for the log")).expect("it is in the log");
        assert!(line.ends_with("INFO spans_of_tokio: for the log"), "no span is around it: {line}");
        assert!(!log.contains("runtime") && !log.contains("too fine"), "{log}");
    });
}
