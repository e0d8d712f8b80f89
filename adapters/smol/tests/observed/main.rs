//! Facts of smol's tasks, and the resources that they wait for.

extern crate insight_smol as smol;

mod common;

use common::{bench, kinds, summary, until_edges, until_ended};
use insight_model::EdgeBody;
use insight_protocol::{Outcome, ProblemKind, Tier};
use smol::lock::Mutex;
use smol::prelude::*;
use smol::{Executor, LocalExecutor, Task, Timer, channel, future};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// No timer of the tests fires by itself, except those with no duration.
const HOUR: Duration = Duration::from_secs(3600);

/// `drop` for values that need no drop.
fn ignore<T>(_: T) {}

/// Runs the executor until it has no work.
fn settle(executor: &Executor<'_>) {
    while executor.try_tick() {}
}

#[test]
fn how_a_task_ends() {
    type End = fn(&Executor<'_>, Task<u8>, channel::Sender<u8>);
    let cases: [(End, Outcome); 8] = [
        (
            |executor, task, sender| {
                sender.try_send(1).unwrap();
                assert_eq!(future::block_on(executor.run(task)), 1);
            },
            Outcome::Returned,
        ),
        // Dropping a task is a cancel.
        (|executor, task, _sender| drop((task, settle(executor))), Outcome::Cancelled),
        (|executor, task, _sender| assert_eq!(future::block_on(executor.run(task.cancel())), None), Outcome::Cancelled),
        (
            |executor, task, sender| {
                task.detach();
                settle(executor);
                sender.try_send(1).unwrap();
            },
            Outcome::Returned,
        ),
        (
            |executor, task, sender| {
                sender.close();
                assert!(catch_unwind(AssertUnwindSafe(|| future::block_on(executor.run(task)))).is_err());
            },
            Outcome::Panicked,
        ),
        (
            |executor, task, sender| {
                sender.try_send(1).unwrap();
                assert_eq!(future::block_on(executor.run(task.fallible())), Some(1));
            },
            Outcome::Returned,
        ),
        (
            |executor, task, _sender| assert_eq!(future::block_on(executor.run(task.fallible().cancel())), None),
            Outcome::Cancelled,
        ),
        (
            |executor, task, sender| {
                task.fallible().detach();
                settle(executor);
                sender.try_send(1).unwrap();
            },
            Outcome::Returned,
        ),
    ];
    for (number, (end, expect)) in cases.into_iter().enumerate() {
        bench(|bench| {
            let executor = Executor::new();
            let (sender, receiver) = channel::bounded(1);
            let task = executor.spawn(async move { receiver.recv().await.unwrap() });
            settle(&executor);
            until_edges(bench, &["0 recv channel", "0 receiver channel"]);
            end(&executor, task, sender);
            settle(&executor);
            let block_on = Outcome::Returned;
            let ended = until_ended(bench, 1);
            let others = ended.iter().filter(|outcome| **outcome != expect && **outcome != block_on);
            assert_eq!(others.count(), 0, "{number}: {ended:?}");
            assert!(ended.contains(&expect), "{number}: {ended:?}");
        });
    }
}

#[test]
fn an_executor_that_is_dropped_cancels_what_it_has() {
    bench(|bench| {
        let executor = Executor::new();
        for _ in 0..3 {
            executor.spawn(future::pending::<()>()).detach();
        }
        settle(&executor);
        assert_eq!(kinds(bench.sample()), ["task"; 3]);
        drop(executor);
        assert_eq!(until_ended(bench, 3), [Outcome::Cancelled, Outcome::Cancelled, Outcome::Cancelled]);
    });
}

#[test]
fn each_way_to_run_a_task() {
    /// A program, which runs on a thread of its own until the channel closes.
    type Program = fn(channel::Receiver<()>);
    static EXECUTOR: Executor = Executor::new();
    let cases: [(Program, &[&str]); 8] = [
        (|stop| ignore(smol::block_on(stop.recv())), &["block_on"]),
        (|stop| ignore(future::block_on(stop.recv())), &["block_on"]),
        (|stop| smol::block_on(smol::spawn(async move { ignore(stop.recv().await) })), &["task", "block_on"]),
        (
            |stop| smol::block_on(EXECUTOR.run(EXECUTOR.spawn(async move { ignore(stop.recv().await) }))),
            &["task", "block_on"],
        ),
        (
            |stop| {
                let executor = LocalExecutor::new();
                smol::block_on(executor.run(executor.spawn(async { ignore(stop.recv().await) })))
            },
            &["local", "block_on"],
        ),
        (
            |stop| {
                let executor = Executor::new();
                let mut tasks = Vec::new();
                executor
                    .spawn_many((0..3).map(|_| stop.clone()).map(|stop| async move { stop.recv().await }), &mut tasks);
                smol::block_on(executor.run(async {
                    for task in tasks {
                        task.await.unwrap_err();
                    }
                }))
            },
            &["task", "task", "task", "block_on"],
        ),
        (|stop| smol::block_on(smol::unblock(move || ignore(stop.recv_blocking()))), &["blocking", "block_on"]),
        (
            |stop| {
                let executor = LocalExecutor::new();
                let task = executor.spawn(async move { stop.recv().await });
                smol::block_on(async {
                    while !task.is_finished() {
                        executor.tick().await;
                    }
                });
            },
            &["local", "block_on"],
        ),
    ];
    for (program, expect) in cases {
        bench(|bench| {
            let (stop, stopped) = channel::bounded(1);
            std::thread::scope(|scope| {
                scope.spawn(move || program(stopped));
                bench.until(|model| {
                    let waits = model.edges.values().any(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
                    (kinds(model) == expect && waits).then_some(())
                });
                let model = bench.after_settling();
                assert!(model.problems.is_empty(), "{}", summary(model));
                let executors: Vec<_> = model.tasks.values().map(|task| task.origin.executor.clone()).collect();
                assert!(executors.iter().all(|name| name.as_deref() == Some("smol")), "{executors:?}");
                drop(stop);
            });
        });
    }
}

#[test]
fn who_waits_for_whose_end() {
    bench(|bench| {
        let executor = Executor::new();
        let (sender, receiver) = channel::bounded::<u8>(1);
        let first = executor.spawn(async move { receiver.recv().await.unwrap() });
        let second = executor.spawn(async move { first.await + 1 });
        let third = executor.spawn(async move { second.fallible().await.unwrap() + 1 });
        settle(&executor);
        until_edges(
            bench,
            &["0 recv channel", "0 receiver channel", "0 joined join", "1 joined join", "1 join join", "2 join join"],
        );
        let model = bench.sample();
        let ids: Vec<_> = model.tasks.keys().collect();
        for (waits, ends) in [(1, 0), (2, 1)] {
            let edge = |task: usize, word: &str| {
                let of = |edge: &&insight_model::Edge| edge.task == ids[task];
                let is = |body: &EdgeBody| match body {
                    EdgeBody::Wait { operation, .. } => operation.as_str() == word,
                    EdgeBody::Party { role, .. } => role.as_str() == word,
                    EdgeBody::Hold { .. } => false,
                };
                model.edges.values().filter(of).find(|edge| is(&edge.body)).map(|edge| edge.resource)
            };
            assert_eq!(edge(waits, "join").unwrap(), edge(ends, "joined").unwrap());
        }
        sender.try_send(1).unwrap();
        assert_eq!(future::block_on(executor.run(third)), 3);
    });
}

#[test]
fn a_task_that_is_cancelled_while_it_runs_is_waited_for() {
    bench(|bench| {
        let (begin, begun) = mpsc::channel();
        let (let_go, held) = mpsc::channel::<()>();
        let task = smol::spawn(async move {
            begin.send(()).unwrap();
            held.recv().unwrap();
            future::pending::<()>().await;
        });
        begun.recv().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(smol::block_on(task.cancel()), None));
            until_edges(bench, &["0 joined join", "1 join join"]);
            let_go.send(()).unwrap();
        });
        let mut ended = until_ended(bench, 2);
        ended.sort_by_key(|outcome| outcome.to_string());
        assert_eq!(ended, [Outcome::Cancelled, Outcome::Returned]);
    });
}

#[test]
fn each_way_to_wait_for_time() {
    type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;
    let cases: [(Sleep, &str); 7] = [
        (Box::pin(async { ignore(Timer::after(HOUR).await) }), "Timer::after(HOUR).await"),
        (Box::pin(async { ignore(Timer::at(Instant::now() + HOUR).await) }), "Timer::at("),
        (Box::pin(async { ignore(Timer::interval(HOUR).next().await) }), "Timer::interval(HOUR)"),
        (
            Box::pin(async {
                let mut timer = Timer::interval_at(Instant::now(), HOUR);
                timer.next().await.unwrap();
                timer.next().await.unwrap();
            }),
            "Timer::interval_at(",
        ),
        (
            Box::pin(async {
                let mut timer = Timer::never();
                timer.set_after(HOUR);
                timer.await;
            }),
            "timer.set_after(HOUR)",
        ),
        (
            Box::pin(async {
                let mut timer = Timer::after(Duration::ZERO);
                (&mut timer).await;
                timer.set_interval(HOUR);
                timer.next().await.unwrap();
            }),
            "timer.set_interval(HOUR)",
        ),
        (Box::pin(async { ignore(Timer::from(real::Timer::after(HOUR)).await) }), "Timer::from("),
    ];
    for (sleep, expect) in cases {
        bench(|bench| {
            let executor = Executor::new();
            let task = executor.spawn(sleep);
            settle(&executor);
            until_edges(bench, &["0 sleep timer"]);
            let model = bench.after_settling();
            assert!(model.problems.is_empty(), "{}", summary(model));
            let place = model.edges.values().next().unwrap().location.clone().unwrap();
            let line = include_str!("main.rs").lines().nth(place.place.line as usize - 1).unwrap();
            assert!(line.contains(expect), "{line:?} has no {expect:?}");
            drop((task, executor));
        });
    }
    // A timer that is not set records no wait.
    bench(|bench| {
        let executor = Executor::new();
        let never = executor.spawn(async { ignore(Timer::never().await) });
        let mut cleared = Timer::after(HOUR);
        let cleared = executor.spawn(async move {
            assert!(future::poll_once(&mut cleared).await.is_none());
            cleared.clear();
            assert!(!cleared.will_fire());
            ignore(cleared.await);
        });
        settle(&executor);
        bench.until(|model| (model.tasks.len() == 2 && model.edges.is_empty()).then_some(()));
        drop((never, cleared, executor));
    });
}

#[test]
fn a_closure_is_one_task_and_ends_as_it_does() {
    bench(|bench| {
        assert_eq!(future::block_on(smol::unblock(|| 7)), 7);
        let panics = || -> u8 { panic!("on purpose") };
        assert!(catch_unwind(|| future::block_on(smol::unblock(panics))).is_err());
        let mut ended = until_ended(bench, 4);
        ended.sort_by_key(|outcome| outcome.to_string());
        // The second `block_on` is in a poll that panics. The first one is not.
        assert_eq!(ended, [Outcome::Panicked, Outcome::Panicked, Outcome::Returned, Outcome::Returned]);
    });
}

#[test]
fn a_task_of_smols_own_is_not_the_one_that_runs_it() {
    bench(|bench| {
        let executor = Executor::new();
        let lock = Arc::new(Mutex::new(0));
        let (sender, receiver) = channel::bounded::<()>(1);
        let its_lock = lock.clone();
        // A library with the real executor does this: it locks, and keeps the lock.
        let unseen = executor.real().spawn(async move {
            let guard = its_lock.lock().await;
            receiver.recv().await.ok();
            drop(guard);
        });
        std::thread::scope(|scope| {
            let (executor, lock) = (&executor, &lock);
            scope.spawn(move || {
                smol::block_on(executor.run(async move {
                    future::yield_now().await;
                    *lock.lock().await += 1;
                }));
            });
            bench.until(|model| common::edges(model).contains(&"0 lock mutex".to_owned()).then_some(()));
            let model = bench.after_settling();
            // The holder of the lock is unknown. It is not the task that runs the executor, which would then deadlock
            // with itself.
            assert_eq!(common::edges(model), ["0 lock mutex"]);
            assert!(model.problems.values().all(|problem| problem.tier != Tier::Proven), "{:?}", model.problems);
            drop(sender);
        });
        future::block_on(executor.run(unseen));
    });
}

#[test]
fn the_global_executor_runs_what_a_library_spawned() {
    bench(|bench| {
        let lock = Arc::new(Mutex::new(0));
        let (its_lock, (sender, receiver)) = (lock.clone(), channel::bounded::<()>(1));
        let (begin, begun) = mpsc::channel();
        let unseen = real::spawn(async move {
            let _guard = its_lock.lock().await;
            begin.send(()).unwrap();
            receiver.recv().await.ok();
        });
        begun.recv().unwrap();
        let waits = smol::spawn(async move { *lock.lock().await });
        until_edges(bench, &["0 lock mutex"]);
        assert!(bench.after_settling().problems.values().all(|problem| problem.tier != Tier::Proven));
        drop(sender);
        assert_eq!(real::block_on(waits), 0);
        real::block_on(unseen);
    });
}

#[test]
fn a_deadlock_of_a_task_with_the_one_that_runs_it() {
    bench(|bench| {
        let lock = Arc::new(Mutex::new(0));
        let stuck = std::thread::spawn({
            let lock = lock.clone();
            move || {
                let executor = Executor::new();
                smol::block_on(future::or(
                    executor.run(async {
                        let _guard = lock.lock().await;
                        let its_lock = lock.clone();
                        executor.spawn(async move { ignore(its_lock.lock().await) }).await;
                    }),
                    poll_ended(),
                ));
            }
        });
        bench.until(|model| (!model.problems.is_empty()).then_some(()));
        let model = bench.sample();
        let problem = model.problems.values().next().unwrap();
        // A task of `block_on` may lend its guard.
        assert_eq!((&problem.kind, problem.tier), (&ProblemKind::LockAcrossJoin, Tier::Suspected), "{problem:?}");
        assert_eq!(problem.tasks.len(), 2);
        let root = model.tasks.values().next().unwrap();
        // The inner executor has a waker of the task, but that waker ends none of the task's waits.
        assert_eq!(root.stats().as_ref().map(|stats| stats.foreign_wakers), Some(0));
        END.store(true, std::sync::atomic::Ordering::Relaxed);
        let root = model.tasks.keys().next().unwrap();
        // A trace polls the task once, and in that poll the task finds out that it must end.
        bench.recorder.traceable(root).expect("alive").trace(Duration::from_secs(30));
        stuck.join().unwrap();
    });

    static END: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

    /// Ready after the test has set it. Keeps no waker.
    async fn poll_ended() {
        std::future::poll_fn(|_| match END.load(std::sync::atomic::Ordering::Relaxed) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        })
        .await
    }
}

#[test]
fn the_times_of_a_task_that_runs_others() {
    bench(|bench| {
        let executor = Executor::new();
        let long = Duration::from_millis(5);
        let (sender, receiver) = channel::bounded::<()>(1);
        let begun = Instant::now();
        let task = executor.spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < long {
                std::hint::spin_loop();
            }
            receiver.recv().await.ok();
        });
        std::thread::scope(|scope| {
            scope.spawn(|| smol::block_on(executor.run(task)));
            bench.until(|model| {
                let mut polled = model.tasks.values().filter_map(|task| task.stats());
                (model.tasks.len() == 2 && polled.all(|stats| stats.polls > 0)).then_some(())
            });
            let elapsed = begun.elapsed();
            let running = bench.sample().tasks.values().map(|task| task.stats().as_ref().unwrap().running_ns);
            let running: Vec<u64> = running.collect();
            assert!(running[0] >= long.as_nanos() as u64 / 10 * 9, "{running:?}");
            assert!(Duration::from_nanos(running.iter().sum()) <= elapsed, "{running:?} of {elapsed:?}");
            drop(sender);
        });
    });
}
