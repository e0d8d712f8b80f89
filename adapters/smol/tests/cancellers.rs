//! The tasks and other code that can cancel a task, for each way to run it and to cancel it.

extern crate insight_smol as smol;

use insight_executor::StaticExecutor;
use insight_probe::task_name;
use insight_test_kit::{Bench, bench};
use smol::{Executor, LocalExecutor, Task};
use std::future::{Future, pending};

/// No code that has not the handle can cancel the task.
const NONE: (Vec<String>, bool) = (Vec::new(), false);
/// Other code can.
const OTHERS: (Vec<String>, bool) = (Vec::new(), true);

fn of(bench: &mut Bench, name: &str) -> (Vec<String>, bool) {
    loop {
        if let Some(cancellers) = bench.cancellers(name) {
            return cancellers;
        }
        std::thread::yield_now();
    }
}

fn task<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    task_name("task", || smol::spawn(future))
}

#[test]
fn global_executor_never_ends() {
    let bench = &mut *bench();
    let kept = task(pending::<()>());
    assert_eq!(of(bench, "task"), NONE);
    // The same handle, with its word.
    let kept = kept.fallible();
    assert_eq!(of(bench, "task"), NONE);
    smol::block_on(kept.cancel());
    let (_end, ended) = smol::channel::bounded::<()>(1);
    task(async move { ended.recv().await }).detach();
    assert_eq!(of(bench, "task"), NONE);
}

#[test]
fn handle_of_smols_own_is_not_observed() {
    let bench = &mut *bench();
    let own = task(pending::<()>()).into_inner();
    assert_eq!(of(bench, "task"), OTHERS);
    drop(own);
    let own = task(pending::<()>()).fallible().into_inner();
    assert_eq!(of(bench, "task"), OTHERS);
    drop(own);
}

#[test]
fn root_and_closure_run_to_their_ends() {
    let bench = &mut *bench();
    task_name("root", || smol::block_on(async { assert_eq!(of(bench, "root"), NONE) }));
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let _closure = task_name("closure", || smol::unblock(move || ended.recv()));
    assert_eq!(of(bench, "closure"), NONE);
    drop(end);
}

#[test]
fn program_can_drop_its_own_executor() {
    let bench = &mut *bench();
    let executor = Executor::new();
    let _task = task_name("task", || executor.spawn(pending::<()>()));
    assert!(executor.try_tick());
    assert_eq!(of(bench, "task"), OTHERS);
    let local = LocalExecutor::new();
    let _task = task_name("local", || local.spawn(pending::<()>()));
    assert!(local.try_tick());
    assert_eq!(of(bench, "local"), OTHERS);
    task_name("root", || {
        smol::block_on(executor.run(async {
            let _task = task_name("within", || executor.spawn(pending::<()>()));
            smol::future::yield_now().await;
            assert_eq!(of(bench, "within"), OTHERS);
        }));
    });
}

#[test]
fn static_executor_never_ends_but_for_tasks_that_borrow() {
    static EXECUTOR: StaticExecutor = StaticExecutor::new();
    let bench = &mut *bench();
    let _task = task_name("task", || EXECUTOR.spawn(pending::<()>()));
    assert!(EXECUTOR.try_tick());
    assert_eq!(of(bench, "task"), NONE);
    let borrowed = 7;
    let borrows = async {
        pending::<()>().await;
        assert_eq!(borrowed, 7);
    };
    // SAFETY: the task is dropped before `borrowed`.
    let _task = task_name("scoped", || unsafe { EXECUTOR.spawn_scoped(borrows) });
    assert!(EXECUTOR.try_tick());
    assert_eq!(of(bench, "scoped"), OTHERS);
}
