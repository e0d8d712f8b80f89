//! The search for handles finds guards and join handles where the program has moved them.
#![cfg(all(feature = "full", target_os = "linux", target_arch = "x86_64"))]

extern crate insight_tokio as tokio;

use insight::search::{FutureRange, Pace, Place, search};
use insight_model::{EdgeBody, Model};
use insight_probe::{Word, task_name};
use insight_protocol::TaskId;
use insight_test_kit::{Bench, bench, until};
use std::future::{Future, pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, RwLock, Semaphore, oneshot};

fn task(model: &Model, name: &str) -> Option<TaskId> {
    let named = |task: &&insight_model::Task| task.origin.name.as_deref() == Some(name);
    model.tasks.values().find(named).map(|task| task.id)
}

/// The places of a word, but for those in dead memory.
fn places(bench: &Bench, word: Word) -> Vec<Place> {
    let future = |task| Some(FutureRange { task, addresses: bench.recorder.own_future(task)?, idle: false });
    let futures: Vec<FutureRange> = bench.model.tasks.keys().filter_map(future).collect();
    let searching = std::thread::spawn(move || search(&[word], &futures, Pace::fast()).unwrap());
    searching.join().unwrap().copies[0].copies.iter().map(|copy| copy.place).collect()
}

/// The task `takes` acquires a guard by `acquire`. When it is told, it gives the guard to the task `uses`.
fn moves<G: Send + 'static>(acquire: impl Future<Output = G> + Send + 'static) {
    let bench = &mut *bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (give, take) = oneshot::channel();
    let (tell, told) = oneshot::channel::<()>();
    let takes = async move {
        let guard = acquire.await;
        told.await.unwrap();
        give.send(guard).map_err(drop).unwrap();
        pending::<()>().await;
    };
    let takes = task_name("takes", || runtime.spawn(takes));
    let uses = async move {
        let guard = take.await.unwrap();
        pending::<()>().await;
        drop(guard);
    };
    let uses = task_name("uses", || runtime.spawn(uses));
    let (hold, taker) = bench.until(|model| {
        let taker = task(model, "takes")?;
        let hold =
            model.edges.values().find(|edge| edge.task == taker && matches!(edge.body, EdgeBody::Hold { .. }))?;
        Some((hold.id, taker))
    });
    let user = bench.until(|model| task(model, "uses"));
    let word = bench.recorder.guard_word(hold).unwrap();
    let before = places(bench, word);
    assert!(before.contains(&Place::Future(taker)) && !before.contains(&Place::Future(user)), "{before:?}");
    tell.send(()).unwrap();
    until("the guard is found in its new place", || places(bench, word).contains(&Place::Future(user)).then_some(()));
    [takes, uses].iter().for_each(|task| task.abort());
    drop(runtime);
    bench.until(|model| model.edges.is_empty().then_some(()));
    assert_eq!(bench.recorder.guard_word(hold), None);
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

#[test]
fn guard_of_a_mutex() {
    moves(leak(Mutex::new(0_u8)).lock());
}

#[test]
fn owned_guard_of_a_mutex() {
    moves(std::sync::Arc::new(Mutex::new(0_u8)).lock_owned());
}

#[test]
fn mapped_guard_of_a_mutex() {
    let lock = leak(Mutex::new((0_u8, 1_u8)));
    moves(async { tokio::sync::MutexGuard::map(lock.lock().await, |both| &mut both.1) });
}

#[test]
fn guard_of_a_lock_that_is_not_sized() {
    let lock: &'static Mutex<[u8]> = leak(Mutex::new([1_u8, 2, 3]));
    moves(lock.lock());
}

#[test]
fn guard_of_a_reader() {
    moves(leak(RwLock::new(0_u8)).read());
}

#[test]
fn guard_of_a_writer() {
    moves(leak(RwLock::new(0_u8)).write());
}

/// A root acquires a guard by `acquire`, and blocks its thread in the same poll: the guard is in the root's future, and in no old
/// frame.
fn leaves_no_copy<G: Send + 'static>(acquire: impl Future<Output = G> + Send + 'static) {
    let bench = &mut *bench();
    static RELEASED: AtomicBool = AtomicBool::new(false);
    RELEASED.store(false, Ordering::SeqCst);
    let root = async move {
        let guard = acquire.await;
        // It needs little of the stack, so it leaves the old frames as they are.
        while !RELEASED.load(Ordering::SeqCst) {
            std::thread::park();
        }
        // So the guard lies in the future.
        ready(()).await;
        drop(guard);
    };
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        task_name("root", || runtime.block_on(root));
    });
    let (hold, root) = bench.until(|model| {
        let root = task(model, "root")?;
        let hold = model.edges.values().find(|edge| edge.task == root)?;
        Some((hold.id, root))
    });
    let word = bench.recorder.guard_word(hold).unwrap();
    let is_used = |place: &Place| matches!(place, Place::Future(_) | Place::Stack(_));
    until("the guard is only in memory that is in use", || {
        let places = places(bench, word);
        assert!(places.contains(&Place::Future(root)), "{places:?}");
        places.iter().all(is_used).then_some(())
    });
    RELEASED.store(true, Ordering::SeqCst);
    thread.thread().unpark();
    thread.join().unwrap();
    bench.until(|model| model.edges.is_empty().then_some(()));
}

#[test]
fn an_operation_leaves_no_copy_of_its_guard() {
    leaves_no_copy(leak(Mutex::new(0_u8)).lock());
    leaves_no_copy(leak(RwLock::new(0_u8)).read());
    leaves_no_copy(leak(RwLock::new(0_u8)).write());
    leaves_no_copy(leak(Semaphore::new(1)).acquire());
}

#[test]
fn join_handle_that_a_task_gives_to_another() {
    let bench = &mut *bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (give, take) = oneshot::channel();
    let (tell, told) = oneshot::channel::<()>();
    let spawner = async move {
        let child = task_name("child", || tokio::spawn(pending::<()>()));
        told.await.unwrap();
        give.send(child).unwrap();
        pending::<()>().await;
    };
    let spawner = task_name("spawner", || runtime.spawn(spawner));
    let other = async move {
        let child = take.await.unwrap();
        pending::<()>().await;
        drop(child);
    };
    let other = task_name("other", || runtime.spawn(other));
    let [child, spawns, has] =
        bench.until(|model| Some([task(model, "child")?, task(model, "spawner")?, task(model, "other")?]));
    let word = bench.recorder.join_word(child);
    let before = places(bench, word);
    assert!(before.contains(&Place::Future(spawns)) && !before.contains(&Place::Future(has)), "{before:?}");
    tell.send(()).unwrap();
    until("the handle is found in its new place", || places(bench, word).contains(&Place::Future(has)).then_some(()));
    [spawner, other].iter().for_each(|task| task.abort());
    drop(runtime);
    bench.until(|model| model.tasks.values().all(|task| task.outcome().is_some()).then_some(()));
}

#[test]
fn join_handle_that_is_dropped_leaves_no_word() {
    let bench = &mut *bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (tell, told) = oneshot::channel::<()>();
    let spawner = async move {
        {
            let _child = task_name("child", || tokio::spawn(pending::<()>()));
            told.await.unwrap();
            // Dropped in its place: a handle that is moved leaves a copy there.
        }
        pending::<()>().await;
    };
    let spawner = task_name("spawner", || runtime.spawn(spawner));
    let [child, spawns] = bench.until(|model| Some([task(model, "child")?, task(model, "spawner")?]));
    let word = bench.recorder.join_word(child);
    assert!(places(bench, word).contains(&Place::Future(spawns)));
    tell.send(()).unwrap();
    until("the word is gone", || (!places(bench, word).contains(&Place::Future(spawns))).then_some(()));
    spawner.abort();
    drop(runtime);
    bench.until(|model| model.tasks.values().all(|task| task.outcome().is_some()).then_some(()));
}
