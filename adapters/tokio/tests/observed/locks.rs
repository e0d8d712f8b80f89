//! Holders and waiters of locks for many readers and of semaphores. None of these programs is stuck.

use crate::common::{self, Bench};
use insight_model::problem::is_measured;
use insight_model::{Edge, EdgeBody, Model, Resource};
use insight_protocol::{HoldMode, Operation, ResourceKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedRwLockWriteGuard, RwLock, RwLockWriteGuard, Semaphore, oneshot};

/// Runs `test` with a runtime of its own. No program here is stuck, and no resource has more holders than its capacity.
fn bench<R>(test: impl FnOnce(&mut Bench, &Runtime) -> R) -> R {
    common::bench(|bench, runtime| {
        bench.invariant = Some(|model| {
            let stuck: Vec<_> = model.problems.values().filter(|problem| !is_measured(&problem.kind)).collect();
            assert!(stuck.is_empty(), "nothing here is stuck: {stuck:?}");
            for resource in model.resources.values() {
                let held = holds(model, resource.id).iter().map(|hold| units(hold)).sum::<u64>();
                assert!(resource.capacity.is_none_or(|capacity| held <= capacity), "{held} of {resource:?}");
            }
        });
        test(bench, runtime)
    })
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn line_of(text: &str) -> u32 {
    let has = |line: &str| line.contains(text) && !line.contains("line_of");
    let lines: Vec<&str> = include_str!("locks.rs").lines().collect();
    lines.iter().position(|line| has(line)).map_or(0, |at| at as u32 + 1)
}

fn holds(model: &Model, resource: insight_protocol::ResourceId) -> Vec<&Edge> {
    model.edges_of_resource(resource).filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })).collect()
}

fn units(hold: &Edge) -> u64 {
    if let EdgeBody::Hold { units, .. } = &hold.body { *units } else { 0 }
}

fn mode(hold: &Edge) -> Option<HoldMode> {
    if let EdgeBody::Hold { mode, .. } = &hold.body { Some(mode.clone()) } else { None }
}

fn line(edge: &Edge) -> u32 {
    edge.location.as_ref().map_or(0, |location| location.place.line)
}

/// The last word of the name of an edge's task.
fn task_name(model: &Model, edge: &Edge) -> String {
    let name = model.tasks.get(&edge.task).and_then(|task| task.origin.name.clone()).unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default().to_owned()
}

fn only(model: &Model, kind: ResourceKind) -> Option<&Resource> {
    let mut resources = model.resources.values().filter(|resource| resource.kind == kind);
    let first = resources.next();
    assert!(resources.next().is_none(), "one resource of this kind");
    first
}

/// The waits for a resource: task, operation, need, line.
fn waits(model: &Model, resource: &Resource) -> Vec<(String, Operation, u64, u32)> {
    let waits = model.edges_of_resource(resource.id).filter_map(|edge| match &edge.body {
        EdgeBody::Wait { operation, need, .. } => Some((task_name(model, edge), operation.clone(), *need, line(edge))),
        _ => None,
    });
    waits.collect()
}

/// The tasks that could unblock a waiter, by name, and the number of unknown ones.
fn freers(model: &Model, resource: &Resource, operation: Operation) -> (Vec<String>, u64) {
    let freers = model.freers(resource, &operation);
    let mut names: Vec<String> = freers.known.iter().map(|freer| task_name(model, &model.edges[&freer.edge])).collect();
    names.sort();
    (names, freers.unknown)
}

#[test]
fn a_writer_behind_two_readers() {
    async fn reads(lock: Arc<RwLock<u8>>, go_on: oneshot::Receiver<()>) {
        let _read = lock.read().await;
        let _ = go_on.await;
    }
    async fn reads_too(lock: Arc<RwLock<u8>>, go_on: oneshot::Receiver<()>) {
        let _read = lock.try_read().unwrap();
        let _ = go_on.await;
    }
    async fn writes(lock: Arc<RwLock<u8>>) {
        *lock.write().await += 1;
    }
    bench(|bench, runtime| {
        let lock = Arc::new(RwLock::new(1));
        let ((go_on, wait), (also_go_on, also_wait)) = (oneshot::channel(), oneshot::channel());
        runtime.spawn(reads(lock.clone(), wait));
        runtime.spawn(reads_too(lock.clone(), also_wait));
        bench.until(|model| (only(model, ResourceKind::Rwlock)?.length == Some(2)).then_some(()));
        let writer = runtime.spawn(writes(lock.clone()));
        bench.until(|model| (!waits(model, only(model, ResourceKind::Rwlock)?).is_empty()).then_some(()));
        let model = bench.after_settle_times(4);
        let seen = only(model, ResourceKind::Rwlock).unwrap();
        let at = line_of("*lock.write().await += 1;");
        assert_eq!(waits(model, seen), [("writes".to_owned(), Operation::Write, 1, at)]);
        let expect = (vec!["reads".to_owned(), "reads_too".to_owned()], 0);
        assert_eq!(freers(model, seen, Operation::Write), expect);
        let held = holds(model, seen.id);
        assert!(held.iter().all(|hold| mode(hold) == Some(HoldMode::Shared) && units(hold) == 1));
        let mut lines: Vec<u32> = held.iter().map(|hold| line(hold)).collect();
        lines.sort();
        assert_eq!(lines, [line_of("let _read = lock.read().await;"), line_of("lock.try_read().unwrap();")]);
        go_on.send(()).unwrap();
        also_go_on.send(()).unwrap();
        runtime.block_on(writer).unwrap();
        bench.until(|model| {
            (model.edges.is_empty() && only(model, ResourceKind::Rwlock)?.length == Some(0)).then_some(())
        });
    });
}

#[test]
fn a_semaphore_s_waiter_and_the_holders() {
    async fn takes(permits: Arc<Semaphore>, go_on: oneshot::Receiver<()>) {
        let _permit = permits.acquire().await.unwrap();
        let _ = go_on.await;
    }
    async fn takes_all(permits: Arc<Semaphore>) {
        let mut all = permits.clone().acquire_many_owned(2).await.unwrap();
        let one = all.split(1).unwrap();
        one.forget();
    }
    bench(|bench, runtime| {
        let permits = Arc::new(Semaphore::new(2));
        let mut go_on = Vec::new();
        for _ in 0..2 {
            let (sender, wait) = oneshot::channel();
            go_on.push(sender);
            runtime.spawn(takes(permits.clone(), wait));
        }
        bench.until(|model| (only(model, ResourceKind::Semaphore)?.length == Some(2)).then_some(()));
        let last = runtime.spawn(takes_all(permits.clone()));
        bench.until(|model| (!waits(model, only(model, ResourceKind::Semaphore)?).is_empty()).then_some(()));
        let model = bench.after_settle_times(4);
        let seen = only(model, ResourceKind::Semaphore).unwrap();
        let at = line_of("acquire_many_owned(2).await");
        assert_eq!(waits(model, seen), [("takes_all".to_owned(), Operation::Acquire, 2, at)]);
        assert_eq!(freers(model, seen, Operation::Acquire), (vec!["takes".to_owned(); 2], 0));
        assert!(model.freers(seen, &Operation::Acquire).certain());
        assert_eq!(seen.capacity, Some(2));
        drop(go_on);
        runtime.block_on(last).unwrap();
        bench.until(|model| {
            let seen = only(model, ResourceKind::Semaphore)?;
            (model.edges.is_empty() && (seen.length, seen.capacity) == (Some(0), Some(1))).then_some(())
        });
        assert_eq!((permits.available_permits(), permits.forget_permits(5)), (1, 1));
        permits.add_permits(7);
        bench.until(|model| (only(model, ResourceKind::Semaphore)?.capacity == Some(7)).then_some(()));
    });
}

#[test]
fn a_downgrade() {
    async fn downgrades(lock: Arc<RwLock<u8>>, ready: oneshot::Sender<()>, go_on: oneshot::Receiver<()>) {
        let write = lock.write().await;
        let _ = ready.send(());
        let _ = go_on.await;
        let _read = RwLockWriteGuard::downgrade_map(write, |value| value);
        std::future::pending::<()>().await;
    }
    async fn reads(lock: Arc<RwLock<u8>>) {
        let _read = lock.read_owned().await;
        std::future::pending::<()>().await;
    }
    bench(|bench, runtime| {
        let lock = Arc::new(RwLock::new(1));
        let ((ready, is_ready), (go_on, wait)) = (oneshot::channel(), oneshot::channel());
        runtime.spawn(downgrades(lock.clone(), ready, wait));
        runtime.block_on(is_ready).unwrap();
        let reader = runtime.spawn(reads(lock.clone()));
        bench.until(|model| (!waits(model, only(model, ResourceKind::Rwlock)?).is_empty()).then_some(()));
        let held = |model: &Model| {
            let held = holds(model, only(model, ResourceKind::Rwlock)?.id);
            let mut held: Vec<_> = held.iter().map(|hold| (task_name(model, hold), mode(hold))).collect();
            held.sort();
            Some(held)
        };
        assert_eq!(held(bench.sample()), Some(vec![("downgrades".to_owned(), Some(HoldMode::Exclusive))]));
        go_on.send(()).unwrap();
        let expect = ["downgrades", "reads"].map(|name| (name.to_owned(), Some(HoldMode::Shared)));
        bench.until(|model| (held(model)? == expect).then_some(()));
        assert!(lock.try_read().is_ok() && lock.try_write().is_err());
        bench.after_settle_times(4);
        // The task is aborted while it holds, and holds no more.
        reader.abort();
        bench.until(|model| (held(model)?.len() == 1).then_some(()));
    });
}

#[test]
fn a_guard_that_moves_to_another_task() {
    async fn takes(lock: Arc<RwLock<u8>>, give: oneshot::Sender<OwnedRwLockWriteGuard<u8>>) {
        let guard = lock.write_owned().await;
        let _ = give.send(guard);
    }
    async fn keeps(take: oneshot::Receiver<OwnedRwLockWriteGuard<u8>>, go_on: oneshot::Receiver<()>) {
        let _guard = take.await.unwrap();
        let _ = go_on.await;
    }
    bench(|bench, runtime| {
        let lock = Arc::new(RwLock::new(1));
        let ((give, take), (go_on, wait)) = (oneshot::channel(), oneshot::channel());
        let keeper = runtime.spawn(keeps(take, wait));
        runtime.block_on(runtime.spawn(takes(lock.clone(), give))).unwrap();
        let waiter = lock.clone();
        let waiter = runtime.spawn(async move { drop(waiter.read().await) });
        bench.until(|model| (!waits(model, only(model, ResourceKind::Rwlock)?).is_empty()).then_some(()));
        let model = bench.after_settle_times(4);
        let seen = only(model, ResourceKind::Rwlock).unwrap();
        let held = holds(model, seen.id);
        let transferable = |hold: &&Edge| matches!(hold.body, EdgeBody::Hold { transferable: true, .. });
        assert!(held.len() == 1 && held.iter().all(transferable), "{held:?}");
        assert!(!model.freers(seen, &Operation::Read).certain(), "the task that took it has ended");
        go_on.send(()).unwrap();
        runtime.block_on(async { (keeper.await.unwrap(), waiter.await.unwrap()) });
        bench.until(|model| model.edges.is_empty().then_some(()));
    });
}

/// The holder of a resource, if it has exactly one.
fn holder(model: &Model, resource: insight_protocol::ResourceId) -> Option<String> {
    let held = holds(model, resource);
    assert!(held.len() <= 1, "{held:?}");
    Some(task_name(model, held.first()?))
}

/// `takes` acquires by `$acquire` and gives the guard away. `uses` uses it by `$used`, and then a plain thread does.
macro_rules! moves {
    ($test:ident, $kind:ident, $primitive:expr, $lock:ident => $acquire:expr, $guard:ident => $used:expr) => {
        #[test]
        fn $test() {
            bench(|bench, runtime| {
                let lock = Arc::new($primitive);
                let ((give, take), (taken, look)) = (oneshot::channel(), oneshot::channel());
                let ((use_it, told), (used, back)) = (oneshot::channel(), oneshot::channel());
                let takes = {
                    let $lock = lock.clone();
                    async move {
                        let guard = $acquire;
                        taken.send(()).unwrap();
                        told.await.unwrap();
                        give.send(guard).map_err(drop).unwrap();
                        std::future::pending::<()>().await;
                    }
                };
                let takes = insight_probe::task_name("takes", || runtime.spawn(takes));
                let uses = async move {
                    #[allow(unused_mut)]
                    let mut $guard = take.await.unwrap();
                    let _ = $used;
                    used.send($guard).map_err(drop).unwrap();
                    std::future::pending::<()>().await;
                };
                let uses = insight_probe::task_name("uses", || runtime.spawn(uses));
                runtime.block_on(look).unwrap();
                let id = bench.until(|model| {
                    let seen = only(model, ResourceKind::$kind)?;
                    (holder(model, seen.id)? == "takes").then_some(seen.id)
                });
                use_it.send(()).unwrap();
                bench.until(|model| (holder(model, id)? == "uses").then_some(()));
                // A thread outside of tasks has the guard now, so its holder is unknown.
                #[allow(unused_mut)]
                let mut $guard = back.blocking_recv().unwrap();
                let _ = $used;
                bench.until(|model| holder(model, id).is_none().then_some(()));
                drop($guard);
                takes.abort();
                uses.abort();
            });
        }
    };
}

moves!(an_owned_mutex_guard_is_who_uses_it_s, Mutex, Mutex::new(1), lock => lock.lock_owned().await, guard => *guard += 1);
moves!(a_mapped_mutex_guard_is_who_uses_it_s, Mutex, Mutex::new([1]),
    lock => OwnedMutexGuard::map(lock.lock_owned().await, |all| &mut all[0]), guard => *guard);
moves!(an_owned_read_guard_is_who_uses_it_s, Rwlock, RwLock::new(1), lock => lock.read_owned().await, guard => *guard);
moves!(an_owned_write_guard_is_who_uses_it_s, Rwlock, RwLock::new(1), lock => lock.write_owned().await, guard => *guard += 1);
moves!(a_mapped_write_guard_is_who_uses_it_s, Rwlock, RwLock::new([1]),
    lock => OwnedRwLockWriteGuard::map(lock.write_owned().await, |all| &mut all[0]), guard => *guard);
moves!(an_owned_permit_is_who_uses_it_s, Semaphore, Semaphore::new(2),
    lock => lock.acquire_many_owned(2).await.unwrap(), guard => guard.num_permits());

/// Readers on two threads share one guard. Its last user has it, and there is one hold all the time.
#[test]
fn a_guard_that_two_tasks_share() {
    bench(|bench, runtime| {
        let lock = Arc::new(RwLock::new(7));
        let guard = Arc::new(lock.clone().try_read_owned().unwrap());
        let readers = [guard.clone(), guard.clone()].map(|guard| {
            runtime.spawn(async move {
                for _ in 0..10_000 {
                    assert_eq!(**guard, 7);
                }
            })
        });
        readers.into_iter().for_each(|reader| runtime.block_on(reader).unwrap());
        let seen = only(bench.sample(), ResourceKind::Rwlock).map(|lock| (lock.id, lock.length));
        assert_eq!(seen.map(|seen| seen.1), Some(Some(1)));
        drop(guard);
        bench.until(|model| (model.resources[&seen?.0].length == Some(0)).then_some(()));
    });
}

#[test]
fn holders_outside_of_tasks() {
    bench(|bench, runtime| {
        let permits = Arc::new(Semaphore::new(3));
        let theirs = permits.clone().try_acquire_many_owned(2).unwrap();
        let waiter = permits.clone();
        let waiter = runtime.spawn(async move { drop(waiter.acquire_many(2).await.unwrap()) });
        bench.until(|model| (!waits(model, only(model, ResourceKind::Semaphore)?).is_empty()).then_some(()));
        let model = bench.after_settle_times(4);
        let seen = only(model, ResourceKind::Semaphore).unwrap();
        assert_eq!(seen.length, Some(2));
        assert_eq!(freers(model, seen, Operation::Acquire), (vec![], 2));
        // A task drops the guard, though no task acquired it.
        runtime.block_on(runtime.spawn(async move { drop(theirs) })).unwrap();
        runtime.block_on(waiter).unwrap();
        bench.until(|model| (only(model, ResourceKind::Semaphore)?.length == Some(0)).then_some(()));

        // A thread that blocks in an observed closure.
        let all = permits.clone().try_acquire_many_owned(3).unwrap();
        let blocked = permits.clone();
        let blocked = runtime.spawn_blocking(move || drop(blocked.blocking_acquire().unwrap()));
        let at = line!() - 1;
        bench.until(|model| {
            let waits = waits(model, only(model, ResourceKind::Semaphore)?);
            (waits.first()?.3 == at).then_some(())
        });
        drop(all);
        runtime.block_on(blocked).unwrap();
    });
}

#[test]
fn a_runtime_that_is_dropped_while_its_tasks_wait() {
    bench(|bench, _| {
        let (lock, permits) = (Arc::new(RwLock::new(1)), Arc::new(Semaphore::new(1)));
        let other = runtime();
        for _ in 0..3 {
            let (lock, permits) = (lock.clone(), permits.clone());
            other.spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                let _read = lock.read().await;
                let _never = permits.acquire().await;
            });
        }
        bench.until(|model| (waits(model, only(model, ResourceKind::Semaphore)?).len() == 3).then_some(()));
        other.shutdown_background();
        drop(runtime());
        bench.until(|model| (model.edges.is_empty() && model.tasks.is_empty()).then_some(()));
        assert_eq!((permits.available_permits(), lock.try_write().is_ok()), (1, true));
        drop((lock, permits));
        bench.until(|model| model.resources.is_empty().then_some(()));
    });
}

/// Many tasks do everything at once, while the recorder samples all the time.
#[test]
fn a_stream_of_many_holders_breaks_no_rule() {
    async fn worker(n: usize, lock: Arc<RwLock<u64>>, permits: Arc<Semaphore>) {
        for round in 0..60 {
            let permit = match (n + round) % 4 {
                0 => permits.clone().acquire_many_owned(3).await,
                1 => permits.clone().acquire_owned().await,
                _ => permits.clone().acquire_many_owned(2).await,
            };
            let mut permit = permit.unwrap();
            match (n * 7 + round) % 5 {
                0 => *lock.write().await += 1,
                1 => {
                    let write = lock.clone().write_owned().await;
                    let read = write.downgrade();
                    tokio::task::yield_now().await;
                    drop(read);
                }
                2 => drop(tokio::time::timeout(Duration::from_micros(50), lock.write()).await),
                3 => {
                    let read = lock.clone().read_owned().await;
                    let permits = permits.clone();
                    // Both tasks take it along, to drop it elsewhere.
                    drop(tokio::spawn(async move { (read, permits.try_acquire_owned()) }));
                }
                _ => {
                    let _read = lock.read().await;
                    tokio::task::yield_now().await;
                }
            }
            match round % 3 {
                0 => {
                    let units = permit.num_permits();
                    permit.forget();
                    permits.add_permits(units);
                }
                1 => {
                    let part = permit.split(1).unwrap();
                    tokio::task::yield_now().await;
                    permit.merge(part);
                }
                _ => {}
            }
        }
    }
    bench(|bench, runtime| {
        let (lock, permits) = (Arc::new(RwLock::new(0)), Arc::new(Semaphore::new(5)));
        let done = Arc::new(AtomicUsize::new(0));
        for n in 0..8 {
            let (lock, permits, done) = (lock.clone(), permits.clone(), done.clone());
            runtime.spawn(async move {
                worker(n, lock, permits).await;
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        bench.until(|_| (done.load(Ordering::SeqCst) == 8).then_some(()));
        bench.until(|model| {
            let (lock, permits) = (only(model, ResourceKind::Rwlock)?, only(model, ResourceKind::Semaphore)?);
            let free = (lock.length, permits.length, permits.capacity) == (Some(0), Some(0), Some(5));
            (free && model.edges.is_empty()).then_some(())
        });
        assert_eq!(permits.available_permits(), 5);
    });
}

#[test]
fn a_semaphore_without_a_limit_has_no_capacity() {
    bench(|bench, runtime| {
        let permits = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let own = permits.clone();
        let (held, end) = (oneshot::channel(), oneshot::channel::<()>());
        let task = runtime.spawn(async move {
            let _most = own.acquire_many(u32::MAX).await.unwrap();
            held.0.send(()).unwrap();
            end.1.await.unwrap();
        });
        runtime.block_on(held.1).unwrap();
        // The checker also holds each message to the range of numbers.
        bench.until(|model| {
            let semaphore = only(model, ResourceKind::Semaphore)?;
            assert_eq!(semaphore.capacity, None);
            (holds(model, semaphore.id).iter().map(|hold| units(hold)).sum::<u64>() == u64::from(u32::MAX))
                .then_some(())
        });
        end.0.send(()).unwrap();
        runtime.block_on(task).unwrap();
    });
}
