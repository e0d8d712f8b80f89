//! The names that a program gives: to tasks as they are spawned, and to resources.
#![cfg(all(feature = "full", feature = "test-util"))]

extern crate insight_tokio as tokio;

mod common;

use common::bench;
use insight_model::Model;
use insight_probe::{name, task_name};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, JoinSet};

/// What a test leaves running.
type Left = Vec<AbortHandle>;

fn task_names(model: &Model) -> Vec<String> {
    let names = model.tasks.values().filter_map(|task| task.name.as_deref());
    // Without the paths: those of types, and not those that the program gave.
    let mut names: Vec<String> = names.map(|name| name.rsplit("::").next().unwrap_or(name).to_owned()).collect();
    names.sort();
    names
}

fn check_tasks(spawn: impl FnOnce(&Runtime) -> Left, expect: &[&str]) {
    bench(|bench, runtime| {
        let left = spawn(runtime);
        bench.until(|model| (model.tasks.len() == expect.len()).then_some(()));
        assert_eq!(task_names(&bench.model), expect);
        left.iter().for_each(AbortHandle::abort);
    });
}

async fn waits() {
    pending().await
}

#[test]
fn a_task_has_the_name_that_it_is_spawned_with() {
    check_tasks(|runtime| vec![task_name("writer", || runtime.spawn(waits())).abort_handle()], &["writer"]);
    check_tasks(|runtime| vec![task_name("writer", || runtime.handle().spawn(waits())).abort_handle()], &["writer"]);
    check_tasks(|runtime| [(); 2].map(|()| runtime.spawn(waits()).abort_handle()).into(), &["waits", "waits"]);
    // Only the first; the inner name within the outer one; none left over.
    check_tasks(
        |runtime| {
            let spawn = || runtime.spawn(waits()).abort_handle();
            let (first, second) = task_name("first", || (spawn(), spawn()));
            let (inner, outer) = task_name("outer", || (task_name("inner", spawn), spawn()));
            task_name("nobody", || {});
            let _ = catch_unwind(AssertUnwindSafe(|| task_name("nobody", || panic!("on purpose"))));
            vec![first, second, inner, outer, spawn()]
        },
        &["first", "inner", "outer", "waits", "waits"],
    );
    check_tasks(
        |runtime| {
            let _entered = runtime.enter();
            let mut set = JoinSet::new();
            let member = task_name("member", || set.spawn(waits()));
            set.detach_all();
            let in_task = runtime.block_on(async { task_name("in a task", || tokio::spawn(waits())).abort_handle() });
            vec![member, in_task]
        },
        &["in a task", "member"],
    );
}

#[test]
fn threads_and_roots_have_names_too() {
    bench(|bench, runtime| {
        let (stop, mut stopped) = mpsc::channel::<u8>(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                task_name("root", || {
                    runtime.block_on(async {
                        let handle = Handle::current();
                        let thread =
                            task_name("thread", || handle.spawn_blocking(move || stopped.blocking_recv().is_none()));
                        thread.await.unwrap();
                    });
                });
            });
            bench.until(|model| (task_names(model) == ["root", "thread"]).then_some(()));
            // What stands for the end of a task has its name.
            bench.until(|model| {
                let joins = model.resources.values().filter(|resource| resource.kind.as_str() == "join");
                let names: Vec<_> = joins.map(|resource| resource.name.as_deref()).collect();
                (names == [Some("thread")]).then_some(())
            });
            drop(stop);
        });
    });
}

#[test]
fn a_resource_has_the_name_that_it_is_given() {
    fn names(model: &Model) -> Vec<&str> {
        let mut names: Vec<&str> = model.resources.values().filter_map(|resource| resource.name.as_deref()).collect();
        names.sort();
        names
    }
    bench(|bench, runtime| {
        let lock = Arc::new(Mutex::new(1));
        name(&lock, "before its first use");
        let used = Mutex::new(2);
        runtime.block_on(async { drop((lock.lock().await, used.lock().await)) });
        let bounded = mpsc::channel::<u8>(1);
        let unbounded = mpsc::unbounded_channel::<u8>();
        name(&bounded.0, "by its sender");
        name(&unbounded.1, "by its receiver");
        bench.until(|model| (names(model).len() == 3).then_some(()));
        name(&used, "after its first use");
        // The first name stays.
        name(&bounded.1, "another");
        let expect = ["after its first use", "before its first use", "by its receiver", "by its sender"];
        bench.until(|model| (names(model).len() == 4).then_some(()));
        assert_eq!(names(bench.after_settling()), expect);
    });
}
