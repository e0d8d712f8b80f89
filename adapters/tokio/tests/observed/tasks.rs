//! The tasks of each way to run one.

use crate::common::bench;
use std::rc::Rc;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime, Runtime};
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};

/// A program, which runs on a thread of its own until `stop` has no sender any more.
type Program = fn(&Runtime, mpsc::Receiver<u8>);

/// Runs `program`, until the kinds of its tasks are `expect`, in the order of their spawns.
fn check(program: Program, expect: &[&str]) {
    bench(|bench, runtime| {
        let (stop, stopped) = mpsc::channel(1);
        std::thread::scope(|scope| {
            scope.spawn(move || program(runtime, stopped));
            bench.until(|model| {
                let kinds: Vec<&str> = model.tasks.values().map(|task| task.origin.kind.as_str()).collect();
                (kinds == expect).then_some(())
            });
            assert!(bench.after_settling().problems.is_empty());
            drop(stop);
        });
    });
}

#[test]
fn each_way_to_run_a_task() {
    check(
        |runtime, mut stop| {
            let local = LocalSet::new();
            runtime.block_on(local.run_until(async move {
                let value = Rc::new(1);
                spawn_local(async move { stop.recv().await.map(|_| value) }).await.unwrap();
            }));
        },
        &["block_on", "local"],
    );
    check(
        |runtime, mut stop| {
            let local = LocalSet::new();
            {
                let _entered = local.enter();
                spawn_local(async move { stop.recv().await });
            }
            runtime.block_on(local);
        },
        &["local", "block_on"],
    );
    check(
        |_, mut stop| {
            let runtime = LocalRuntime::new().unwrap();
            let waits = runtime.spawn_local(async move { stop.recv().await });
            runtime.block_on(async move { waits.await.unwrap() });
        },
        &["local", "block_on"],
    );
    check(
        |_, mut stop| {
            let runtime = Builder::new_current_thread().build_local(LocalOptions::default()).unwrap();
            let waits = runtime.spawn_blocking(move || stop.blocking_recv());
            let spawned = runtime.handle().spawn(async { waits.await.unwrap() });
            runtime.block_on(spawned).unwrap();
        },
        &["blocking", "task", "block_on"],
    );
    check(
        |runtime, mut stop| {
            let task = runtime.spawn(async move { tokio::task::block_in_place(move || stop.blocking_recv()) });
            runtime.block_on(task).unwrap();
        },
        &["task", "block_on"],
    );
}
