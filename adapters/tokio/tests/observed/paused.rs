//! Recording is turned off and on again while a program runs. Facts from before are forgotten.

use crate::common::{Bench, bench, summary};
use insight_model::{EdgeBody, Model};
use insight_protocol::{ProblemKind, Tier};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Mutex, Notify, RwLock, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// Turns recording off and on again.
fn again(bench: &mut Bench) {
    bench.turn(false);
    assert!(bench.sample().tasks.is_empty() && bench.model.resources.is_empty() && bench.model.edges.is_empty());
    bench.turn(true);
}

fn waits(model: &Model) -> usize {
    model.edges.values().filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).count()
}

fn no_problem(bench: &mut Bench) {
    let model = bench.after_settling();
    assert!(model.problems.is_empty(), "{:?}: {}", model.problems, summary(model));
}

/// Waits for a step of a task while recording is off.
fn until(done: impl Fn() -> bool) {
    insight_test_kit::until("not done", || done().then_some(()));
}

/// Two tasks that lock two mutexes crosswise, each after both have locked their first.
fn crosswise(runtime: &Runtime, locks: &[Arc<Mutex<()>>; 2]) -> [JoinHandle<()>; 2] {
    let both = Arc::new(Barrier::new(2));
    [0, 1].map(|first| {
        let (first, second, both) = (locks[first].clone(), locks[1 - first].clone(), both.clone());
        runtime.spawn(async move {
            let _first = first.lock().await;
            both.wait().await;
            drop(second.lock().await);
        })
    })
}

#[test]
fn a_deadlock_of_after_is_proven_and_one_of_before_is_forgotten() {
    bench(|bench, runtime| {
        let locks = [(); 2].map(|()| Arc::new(Mutex::new(())));
        let stuck = crosswise(runtime, &locks);
        let proven = |model: &Model| {
            let mut problems = model.problems.values();
            problems.any(|it| it.kind == ProblemKind::Deadlock && it.tier == Tier::Proven).then_some(())
        };
        bench.until(proven);
        again(bench);
        // The tasks are not polled any more.
        no_problem(bench);
        assert_eq!(waits(&bench.model), 0);
        stuck.iter().for_each(JoinHandle::abort);
        // One of them may have got its second lock from the other.
        stuck.into_iter().for_each(|task| drop(runtime.block_on(task)));

        let stuck = crosswise(runtime, &locks);
        bench.until(proven);
        stuck.iter().for_each(JoinHandle::abort);
    });
}

/// A task waits for a lock that was taken before, or while recording was off. Its holder is unknown.
#[test]
fn a_lock_that_was_taken_before_is_nobodys() {
    bench(|bench, runtime| {
        for taken_while_off in [false, true] {
            let lock = Arc::new(Mutex::new(()));
            let (go, gone) = oneshot::channel::<()>();
            let (mine, is_taken) = (lock.clone(), Arc::new(AtomicBool::new(false)));
            let told = is_taken.clone();
            let take = move || {
                runtime.spawn(async move {
                    let guard = mine.lock().await;
                    told.store(true, Ordering::Relaxed);
                    gone.await.unwrap();
                    drop(guard);
                })
            };
            let until_taken = || until(|| is_taken.load(Ordering::Relaxed));
            let holder = if taken_while_off {
                bench.turn(false);
                let holder = take();
                until_taken();
                bench.turn(true);
                holder
            } else {
                let holder = take();
                until_taken();
                again(bench);
                holder
            };
            let waiter = runtime.spawn(async move { drop(lock.lock().await) });
            bench.until(|model| (waits(model) == 1).then_some(()));
            no_problem(bench);
            let holds = bench.model.edges.values().filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })).count();
            assert_eq!(holds, 0, "{}", summary(&bench.model));
            go.send(()).unwrap();
            runtime.block_on(async { (holder.await.unwrap(), waiter.await.unwrap()) });
        }
    });
}

/// The same with a lock that several tasks can hold: the number of used units is known, and the holders are not.
#[test]
fn units_that_were_taken_before_are_nobodys() {
    bench(|bench, runtime| {
        let (lock, permits) = (Arc::new(RwLock::new(())), Arc::new(Semaphore::new(2)));
        let (go, gone) = oneshot::channel::<()>();
        let (read, permit) = (lock.clone(), permits.clone());
        let is_taken = Arc::new(Notify::new());
        let told = is_taken.clone();
        let holder = runtime.spawn(async move {
            let _both = (read.read().await, permit.acquire().await.unwrap());
            told.notify_one();
            gone.await.unwrap();
        });
        runtime.block_on(is_taken.notified());
        again(bench);
        let tasks = [
            runtime.spawn(async move { drop(lock.write().await) }),
            runtime.spawn(async move { drop(permits.acquire_many(2).await.unwrap()) }),
        ];
        bench.until(|model| (waits(model) == 2).then_some(()));
        no_problem(bench);
        go.send(()).unwrap();
        runtime.block_on(async {
            holder.await.unwrap();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

/// A receiver moves to another task while recording is off. insight must not claim that its first task can make room.
#[test]
fn a_handle_that_moves_while_off() {
    bench(|bench, runtime| {
        let (sender, mut receiver) = mpsc::channel::<u32>(1);
        let (give, mut given) = mpsc::channel::<mpsc::Receiver<u32>>(1);
        let (go, gone) = oneshot::channel::<()>();
        let (again_go, again_gone) = oneshot::channel::<()>();
        let received = Arc::new(AtomicU64::new(0));
        let count = received.clone();
        // The task keeps a lock while it waits, so that a claim on the receiver would close a circle.
        let lock = Arc::new(Mutex::new(()));
        let mine = lock.clone();
        let first = runtime.spawn(async move {
            let _lock = mine.lock().await;
            receiver.recv().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            gone.await.unwrap();
            give.send(receiver).await.unwrap();
            again_gone.await.unwrap();
        });
        runtime.block_on(sender.send(1)).unwrap();
        until(|| received.load(Ordering::Relaxed) != 0);
        bench.sample();
        bench.turn(false);
        go.send(()).unwrap();
        let mut moved = runtime.block_on(given.recv()).unwrap();
        bench.turn(true);
        let waiter = runtime.spawn(async move {
            for number in 2..4 {
                sender.send(number).await.unwrap();
            }
            drop(lock.lock().await);
        });
        bench.until(|model| (waits(model) >= 1).then_some(()));
        no_problem(bench);
        runtime.block_on(async {
            assert_eq!((moved.recv().await, moved.recv().await), (Some(2), Some(3)));
            again_go.send(()).unwrap();
            (first.await.unwrap(), waiter.await.unwrap())
        });
    });
}

/// A task that makes progress is observed again, under another ID and with its own name. Its waits and counters begin
/// then.
#[test]
fn what_goes_on_is_seen_again() {
    bench(|bench, runtime| {
        let notify = Arc::new(Notify::new());
        let mine = notify.clone();
        let spawn = || {
            runtime.spawn(async move {
                for _ in 0..3 {
                    mine.notified().await;
                }
            })
        };
        let task = insight::task_name("goes on", spawn);
        let waiting = |model: &Model| {
            let edge = model.edges.values().find(|edge| matches!(edge.body, EdgeBody::Wait { .. }))?;
            Some((edge.task, model.task_label(edge.task)))
        };
        let (before, label) = bench.until(waiting);
        bench.turn(false);
        notify.notify_one();
        bench.turn(true);
        notify.notify_one();
        let (after, label_after) = bench.until(waiting);
        assert!(
            before != after && label.contains("goes on") && label_after.contains("goes on"),
            "{label}, {label_after}"
        );
        notify.notify_one();
        // Some notifications may have been merged, so the last one ends the task.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !task.is_finished() && Instant::now() < deadline {
            notify.notify_one();
            bench.sample();
        }
        runtime.block_on(task).unwrap();
    });
}

/// Tasks do everything while recording is turned off and on again and again. Each stream keeps the rules, and nothing
/// is left at the end.
#[test]
fn again_and_again() {
    bench(|bench, runtime| {
        let stop = Arc::new(AtomicBool::new(false));
        let lock = Arc::new(Mutex::new(0_u64));
        let permits = Arc::new(Semaphore::new(2));
        let busy: Vec<_> = (0..4)
            .map(|_| {
                let (stop, lock, permits) = (stop.clone(), lock.clone(), permits.clone());
                runtime.spawn(async move {
                    let (sender, mut receiver) = mpsc::channel::<u64>(1);
                    let reader = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
                    while !stop.load(Ordering::Relaxed) {
                        let permit = permits.acquire().await.unwrap();
                        *lock.lock().await += 1;
                        drop(permit);
                        sender.send(1).await.unwrap();
                        tokio::select! {
                            () = tokio::time::sleep(Duration::from_micros(50)) => {}
                            () = tokio::task::yield_now() => {}
                        }
                        tokio::spawn(async {}).await.unwrap();
                        tokio::task::spawn_blocking(|| ()).await.unwrap();
                    }
                    drop(sender);
                    reader.await.unwrap();
                })
            })
            .collect();
        for _ in 0..100 {
            bench.sample();
            again(bench);
        }
        bench.until(|model| (model.tasks.len() >= 4).then_some(()));
        stop.store(true, Ordering::Relaxed);
        runtime.block_on(async {
            for task in busy {
                task.await.unwrap();
            }
        });
    });
}
