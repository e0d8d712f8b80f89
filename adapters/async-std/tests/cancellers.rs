//! The tasks and other code that can cancel a task, for each way to run it and to cancel it.
#![cfg(all(feature = "default", feature = "unstable"))]

extern crate insight_async_std as async_std;

use async_std::task;
use insight_probe::task_name;
use insight_test_kit::{Bench, bench};
use std::future::pending;

/// No code that has not the handle can cancel the task.
const NONE: (Vec<String>, bool) = (Vec::new(), false);
/// Other code can.
const OTHERS: (Vec<String>, bool) = (Vec::new(), true);

async fn of(bench: &mut Bench, name: &str) -> (Vec<String>, bool) {
    loop {
        if let Some(cancellers) = bench.cancellers(name) {
            return cancellers;
        }
        task::yield_now().await;
    }
}

#[test]
fn global_executor_never_ends() {
    let bench = &mut *bench();
    task::block_on(async {
        let kept = task_name("task", || task::spawn(pending::<()>()));
        assert_eq!(of(bench, "task").await, NONE);
        kept.cancel().await;
        let (end, ended) = async_std::channel::bounded::<()>(1);
        drop(task_name("task", || task::spawn(async move { ended.recv().await })));
        assert_eq!(of(bench, "task").await, NONE);
        drop(end);
    });
}

#[test]
fn handle_of_async_stds_own_is_not_observed() {
    let bench = &mut *bench();
    task::block_on(async {
        let own = task_name("task", || task::spawn(pending::<()>())).into_inner();
        assert_eq!(of(bench, "task").await, OTHERS);
        own.cancel().await;
    });
}

#[test]
fn root_and_closure_run_to_their_ends() {
    let bench = &mut *bench();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let root = async {
        assert_eq!(of(bench, "root").await, NONE);
        let closure = task_name("closure", || task::spawn_blocking(move || ended.recv()));
        assert_eq!(of(bench, "closure").await, NONE);
        drop(end);
        closure.await.unwrap_err();
    };
    task_name("root", || task::block_on(root));
}

#[test]
fn end_of_the_thread_ends_its_local_tasks() {
    let bench = &mut *bench();
    task::block_on(async {
        let local = task_name("local", || task::spawn_local(pending::<()>()));
        assert_eq!(of(bench, "local").await, OTHERS);
        local.cancel().await;
    });
}
