//! The search for handles finds guards and tasks' handles where the program has moved them.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

extern crate insight_smol as smol;

use insight::search::{FutureRange, Pace, Place, search};
use insight_model::{EdgeBody, Model};
use insight_probe::{Word, task_name};
use insight_protocol::TaskId;
use insight_test_kit::{Bench, bench, until};
use smol::channel::bounded;
use smol::lock::{Mutex, RwLock};
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

fn task(model: &Model, name: &str) -> Option<TaskId> {
    let named = |task: &&insight_model::Task| task.origin.name.as_deref() == Some(name);
    model.tasks.values().find(named).map(|task| task.id)
}

fn places(bench: &Bench, word: Word) -> Vec<Place> {
    let future = |task| Some(FutureRange { task, addresses: bench.recorder.own_future(task)?, idle: false });
    let futures: Vec<FutureRange> = bench.model.tasks.keys().filter_map(future).collect();
    let searching = std::thread::spawn(move || search(&[word], &futures, Pace::fast()).unwrap());
    searching.join().unwrap().copies[0].copies.iter().map(|copy| copy.place).collect()
}

/// The task `takes` makes a handle by `make`. When it is told, it gives the handle to the task `uses`. `word` is the handle's word,
/// by the task that has made it.
fn moves<G: Send + 'static>(
    make: impl Future<Output = G> + Send + 'static,
    word: impl Fn(&mut Bench, TaskId) -> Option<Word>,
) {
    let bench = &mut *bench();
    let (give, take) = bounded(1);
    let (tell, told) = bounded::<()>(1);
    let takes = async move {
        let handle = make.await;
        told.recv().await.unwrap();
        give.send(handle).await.unwrap();
        pending::<()>().await;
    };
    let takes = task_name("takes", || smol::spawn(takes));
    let uses = async move {
        let handle = take.recv().await.unwrap();
        pending::<()>().await;
        drop(handle);
    };
    let uses = task_name("uses", || smol::spawn(uses));
    let [taker, user] = bench.until(|model| Some([task(model, "takes")?, task(model, "uses")?]));
    let word = until("the handle has a word", || {
        bench.sample();
        word(bench, taker)
    });
    let before = places(bench, word);
    assert!(before.contains(&Place::Future(taker)) && !before.contains(&Place::Future(user)), "{before:?}");
    tell.try_send(()).unwrap();
    until("the handle is found in its new place", || places(bench, word).contains(&Place::Future(user)).then_some(()));
    smol::block_on(async {
        takes.cancel().await;
        uses.cancel().await;
    });
    bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty()).then_some(()));
}

fn guard(bench: &mut Bench, holder: TaskId) -> Option<Word> {
    let is_hold = |edge: &&insight_model::Edge| edge.task == holder && matches!(edge.body, EdgeBody::Hold { .. });
    let hold = bench.model.edges.values().find(is_hold)?.id;
    bench.recorder.guard_word(hold)
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

#[test]
fn guard_of_a_mutex() {
    moves(leak(Mutex::new(0_u8)).lock(), guard);
}

#[test]
fn owned_guard_of_a_mutex() {
    let lock = Arc::new(Mutex::new(0_u8));
    moves(async move { lock.lock_arc().await }, guard);
}

#[test]
fn guard_of_a_reader() {
    moves(leak(RwLock::new(0_u8)).read(), guard);
}

#[test]
fn guard_of_a_writer() {
    moves(leak(RwLock::new(0_u8)).write(), guard);
}

#[test]
fn guard_of_a_reader_that_may_write() {
    moves(leak(RwLock::new(0_u8)).upgradable_read(), guard);
}

#[test]
fn handle_of_a_task() {
    let spawn = || task_name("child", || smol::spawn(pending::<()>()));
    moves(poll_fn(move |_| Poll::Ready(spawn())), |bench, _| {
        Some(bench.recorder.join_word(task(&bench.model, "child")?))
    });
}
