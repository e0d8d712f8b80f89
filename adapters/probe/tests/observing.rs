//! Executors that do not know insight: one call at their spawn observes a task, and the spawners of `futures`.

#![cfg(feature = "futures")]

use futures::executor::{LocalPool, ThreadPool};
use futures::task::{LocalSpawnExt, SpawnExt};
use insight_model::Task;
use insight_probe::{Executor, Kind, Observing, RecorderConfig, SpawnMeta, observe, task_name};
use insight_protocol::Message;
use insight_test_kit::{Bench, NEVER, bench_with};
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::sync::MutexGuard;
use std::task::{Context, Waker};

static FUTURES: Executor = Executor::new("futures", "0.3", || None);

/// A task's name, kind and line.
type Known = (Option<String>, String, u32);

/// The open tasks, in the order of their spawns.
fn tasks(bench: &mut Bench) -> Vec<Known> {
    let known = |task: &Task| {
        let name = task.origin.name.as_ref().map(|name| name.to_string());
        (name, task.origin.kind.to_string(), task.origin.location.as_ref().map_or(0, |location| location.place.line))
    };
    bench.sample().tasks.values().map(known).collect()
}

fn bench() -> MutexGuard<'static, Bench> {
    let mut bench = bench_with(|| Bench::start(RecorderConfig::default(), NEVER));
    assert_eq!(tasks(&mut bench), []);
    bench
}

fn known(name: &str, kind: &str, line: u32) -> Known {
    (Some(format!("observing::{name}")), kind.to_owned(), line)
}

#[track_caller]
fn line() -> u32 {
    Location::caller().line()
}

#[test]
fn a_spawner_of_a_local_pool_tells_name_kind_and_line() {
    let mut bench = bench();
    let mut pool = LocalPool::new();
    let spawner = Observing::new(pool.spawner(), &FUTURES);
    let (first, _) = (line(), spawner.spawn(async {}).unwrap());
    let (second, _) = (line(), spawner.spawn_local(async {}).unwrap());
    let name = "a_spawner_of_a_local_pool_tells_name_kind_and_line";
    assert_eq!(tasks(&mut bench), [known(name, "task", first), known(name, "local", second)]);
    pool.run();
    assert_eq!(tasks(&mut bench), []);
}

#[test]
fn what_comes_through_the_traits_has_the_place_of_the_spawner() {
    let mut bench = bench();
    let mut pool = LocalPool::new();
    let (at, spawner) = (line(), Observing::new(pool.spawner(), &FUTURES));
    SpawnExt::spawn(&spawner, async {}).unwrap();
    LocalSpawnExt::spawn_local(&spawner, async {}).unwrap();
    let handle = task_name("named", || spawner.spawn_with_handle(async { 7 })).unwrap();
    let unnamed = |kind: &str| (None, kind.to_owned(), at);
    assert_eq!(
        tasks(&mut bench),
        [unnamed("task"), unnamed("local"), (Some("named".to_owned()), "task".to_owned(), at)]
    );
    assert_eq!(pool.run_until(handle), 7);
    pool.run();
    assert_eq!(tasks(&mut bench), []);
}

#[test]
fn a_thread_pool_runs_what_is_observed() {
    let mut bench = bench();
    let spawner = Observing::new(ThreadPool::builder().pool_size(2).create().unwrap(), &FUTURES);
    let handles: Vec<_> = (0..100_u64).map(|n| spawner.spawn_with_handle(async move { n }).unwrap()).collect();
    let sum: u64 = futures::executor::block_on(futures::future::join_all(handles)).into_iter().sum();
    assert_eq!(sum, 4950);
    // A handle is ready before the task behind it has ended.
    let (mut spawned, mut returned) = (0, 0);
    while returned < 100 {
        let messages = bench.collect();
        spawned += messages.iter().filter(|message| message.type_name() == "task.spawned").count();
        returned += messages.iter().filter(|message| matches!(message, Message::TaskCompleted(_))).count();
    }
    assert_eq!((spawned, returned), (100, 100));
    assert_eq!(tasks(&mut bench), []);
    let header = bench.recorder.header();
    assert_eq!(header.executors.iter().map(|executor| &*executor.name).collect::<Vec<_>>(), ["futures"]);
    let capabilities: Vec<_> = header.capabilities.iter().map(|it| it.as_str()).collect();
    assert_eq!(capabilities, ["tasks", "task.times", "task.foreign_wakers"]);
}

#[test]
fn one_call_observes_a_future_with_what_its_executor_knows() {
    let mut bench = bench();
    let here = Location::caller();
    let block_on = observe(async {}, SpawnMeta::new(&FUTURES).kind(Kind::BlockOn).location(here));
    let (at, named) = (line(), observe(std::future::pending::<()>(), SpawnMeta::new(&FUTURES).name("named")));
    let name = "one_call_observes_a_future_with_what_its_executor_knows";
    let named_known = (Some("named".to_owned()), "task".to_owned(), at);
    assert_eq!(tasks(&mut bench), [known(name, "block_on", here.line()), named_known.clone()]);
    assert!(pin!(block_on).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(tasks(&mut bench), [named_known]);
    drop(named);
    assert_eq!(tasks(&mut bench), []);
}
