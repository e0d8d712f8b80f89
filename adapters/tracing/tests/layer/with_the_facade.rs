//! The layer beside the facade: the facade's tasks and resources stay the facade's.

use crate::common::{bench, named, summary};
use insight_model::Task;
use insight_protocol::{TaskKind, TaskState};
use insight_tokio as facade;
use std::sync::Arc;

#[test]
fn one_task_has_one_id_and_one_lock_is_one() {
    let mut bench = bench();
    let runtime = facade::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let lock = Arc::new(facade::sync::Mutex::new(()));
    let real_lock = Arc::new(tokio::sync::Mutex::new(()));
    let (guard, real_guard) =
        runtime.block_on(async { (lock.clone().lock_owned().await, real_lock.clone().lock_owned().await) });

    let (theirs, permits) = (lock.clone(), Arc::new(facade::sync::Semaphore::new(0)));
    let (start, started) = std::sync::mpsc::channel();
    let facades = runtime.spawn(async move {
        start.send(()).unwrap();
        drop(theirs.lock().await);
    });
    // The facade has tokio's ID from the first poll on.
    started.recv().unwrap();
    let id = facades.id().to_string();
    let waits = runtime.spawn(async move { drop(permits.acquire().await.map(drop)) });
    let (unblock, unblocked) = facade::sync::oneshot::channel();
    let blocks = runtime.spawn_blocking(|| facade::runtime::Handle::current().block_on(unblocked));
    // A dependency does this: it spawns on the real tokio from within the facade's task, and uses the facade's lock.
    let (theirs, real_theirs) = (lock.clone(), real_lock.clone());
    let outer = runtime.spawn(async move {
        let name = tokio::task::Builder::new().name("dependency's");
        let inner = name.spawn(async move { drop(theirs.lock().await) }).unwrap();
        drop(real_theirs.lock().await);
        inner.await.unwrap();
    });
    bench.until(|model| {
        let waits = summary(model).matches("waits lock 1 mutex").count();
        let is_blocking = |task: &Task| task.origin.kind == TaskKind::BlockOn && task.outcome().is_none();
        let blocks = model.tasks.values().any(is_blocking);
        (waits == 3 && blocks && summary(model).contains("acquire")).then_some(())
    });
    let model = bench.sample();
    let same_id = model.tasks.values().filter(|task| task.executor_task_id().is_some_and(|it| it.to_string() == id));
    assert_eq!(same_id.count(), 1);
    // The first `block_on` is over, but its task is known until its guard is dropped.
    let live = model.tasks.values().filter(|task| task.outcome().is_none());
    let mut kinds: Vec<String> = live.map(|task| task.origin.kind.to_string()).collect();
    kinds.sort();
    // Four tasks of the facade, one of the layer, and the two of the blocking thread.
    assert_eq!(kinds, ["block_on", "blocking", "task", "task", "task", "task"], "{:?}", model.tasks);
    let mut resources: Vec<String> = model.resources.values().map(|resource| resource.kind.to_string()).collect();
    resources.sort();
    let locks = resources.iter().filter(|kind| *kind == "mutex").count();
    assert_eq!(locks, 2, "the facade's and the real one: {resources:?}");
    assert_eq!(resources.iter().filter(|kind| *kind == "semaphore").count(), 1);
    let dependencys = named(model, "dependency's").unwrap();
    assert_eq!((dependencys.origin.partial, dependencys.state()), (false, Some(TaskState::Idle)));
    assert!(dependencys.parent().is_some(), "the facade's task has spawned it");
    assert_eq!(bench.recorder.header().executors.iter().filter(|executor| executor.name == "tokio").count(), 1);
    waits.abort();
    unblock.send(()).unwrap();
    drop((guard, real_guard));
    runtime.block_on(async { (facades.await.unwrap(), outer.await.unwrap(), blocks.await.unwrap().unwrap()) });
    drop(runtime);
    bench.until(|model| model.tasks.is_empty().then_some(()));
}
