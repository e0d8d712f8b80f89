//! The tasks and other code that can cancel a task, for each way to run it and to cancel it.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_probe::task_name;
use insight_test_kit::{Bench, bench};
use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::{Builder, Handle, LocalRuntime, Runtime};
use tokio::task::{JoinHandle, JoinSet, LocalSet, spawn_blocking, spawn_local, yield_now};

/// The tasks by their names, and whether there is other code.
type Cancellers = (Vec<String>, bool);

fn only(tasks: &[&str]) -> Cancellers {
    (tasks.iter().map(ToString::to_string).collect(), false)
}

/// Other code, and no task that is known.
fn others() -> Cancellers {
    (Vec::new(), true)
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn current() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Waits until the task has begun.
async fn of(bench: &mut Bench, name: &str) -> Cancellers {
    loop {
        if let Some(cancellers) = bench.cancellers(name) {
            return cancellers;
        }
        yield_now().await;
    }
}

fn of_now(bench: &mut Bench, name: &str) -> Cancellers {
    loop {
        if let Some(cancellers) = bench.cancellers(name) {
            return cancellers;
        }
        std::thread::yield_now();
    }
}

fn spawn() -> JoinHandle<()> {
    task_name("task", || tokio::spawn(pending()))
}

fn root<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    task_name("root", || runtime.block_on(future))
}

/// The cancellers of `task`, which `start` starts in a root of a runtime. The result of `start` is kept.
fn with_root<T>(bench: &mut Bench, runtime: &Runtime, start: impl FnOnce() -> T) -> Cancellers {
    root(runtime, async {
        let _kept = start();
        of(bench, "task").await
    })
}

fn runtimes() -> [Runtime; 3] {
    [threads(), current(), Runtime::new().unwrap()]
}

#[test]
fn root_that_borrows_the_runtime_can_cancel_its_tasks() {
    let bench = &mut *bench();
    for runtime in runtimes() {
        assert_eq!(with_root(bench, &runtime, || drop(spawn())), only(&["root"]), "detached");
        assert_eq!(with_root(bench, &runtime, spawn), only(&["root"]), "with a join handle");
    }
}

#[test]
fn other_code_can_cancel_a_task_with_another_handle() {
    let bench = &mut *bench();
    for runtime in runtimes() {
        assert_eq!(with_root(bench, &runtime, || spawn().abort_handle()), others());
        assert_eq!(with_root(bench, &runtime, || real::task::JoinHandle::from(spawn())), others());
        let in_set = || {
            let mut set = JoinSet::new();
            task_name("task", || set.spawn(pending::<()>()));
            set
        };
        assert_eq!(with_root(bench, &runtime, in_set), others());
        let on = || {
            let mut set = JoinSet::new();
            task_name("task", || set.spawn_on(pending::<()>(), &Handle::current()));
            set.detach_all();
        };
        assert_eq!(with_root(bench, &runtime, on), others());
    }
}

#[test]
fn abort_handle_is_known_also_if_it_is_made_later() {
    let bench = &mut *bench();
    root(&threads(), async {
        let task = spawn();
        assert_eq!(of(bench, "task").await, only(&["root"]));
        drop([task.abort_handle(), task.abort_handle()]);
        assert_eq!(of(bench, "task").await, others());
    });
}

#[test]
fn other_code_can_end_a_runtime_without_a_root() {
    let bench = &mut *bench();
    let runtime = threads();
    let _task = task_name("task", || runtime.spawn(pending::<()>()));
    assert_eq!(of_now(bench, "task"), others());
    root(&runtime, async { assert_eq!(of(bench, "task").await, only(&["root"])) });
    assert_eq!(of_now(bench, "task"), others());
    // A handle does not keep the runtime.
    let handle = runtime.handle().clone();
    task_name("handle's", || {
        handle.block_on(async {
            assert_eq!(of(bench, "task").await, others());
            assert_eq!(of(bench, "handle's").await, only(&[]));
        });
    });
}

#[test]
fn runtime_ends_only_after_each_of_its_roots() {
    let bench = &mut *bench();
    let runtime = threads();
    std::thread::scope(|scope| {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        // The first of them.
        scope.spawn(|| task_name("second", || runtime.block_on(ended)));
        while bench.cancellers("second").is_none() {
            std::thread::yield_now();
        }
        root(&runtime, async {
            spawn();
            assert_eq!(of(bench, "task").await, only(&["second"]));
        });
        end.send(()).unwrap();
    });
}

#[test]
fn root_runs_to_its_end() {
    let bench = &mut *bench();
    for runtime in runtimes() {
        root(&runtime, async { assert_eq!(of(bench, "root").await, only(&[])) });
    }
}

#[test]
fn closure_that_runs_cannot_be_cancelled() {
    let bench = &mut *bench();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let runtime = threads();
    let _closure = task_name("task", || runtime.spawn_blocking(move || ended.recv()));
    assert_eq!(of_now(bench, "task"), only(&[]));
    drop(end);
}

#[test]
fn each_runtime_has_its_own_roots() {
    let bench = &mut *bench();
    let (outer, inner) = (threads(), current());
    let without_root = threads();
    task_name("third", || without_root.spawn(pending::<()>()));
    root(&outer, async {
        task_name("outer's", || tokio::spawn(pending::<()>()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                task_name("inner", || {
                    inner.block_on(async {
                        task_name("inner's", || tokio::spawn(pending::<()>()));
                        assert_eq!(of(bench, "inner's").await, only(&["inner"]));
                        assert_eq!(of(bench, "outer's").await, only(&["root"]));
                        assert_eq!(of(bench, "third").await, others());
                    });
                });
            });
        });
    });
}

#[test]
fn root_within_a_task_is_the_root_of_its_own_runtime_only() {
    let bench = &mut *bench();
    let (outer, inner) = (threads(), Arc::new(current()));
    root(&outer, async {
        let ends = Arc::new(tokio::sync::Notify::new());
        let (of_inner, notified) = (inner.clone(), ends.clone());
        let within = tokio::spawn(async move {
            tokio::task::block_in_place(|| {
                task_name("inner", || {
                    of_inner.block_on(async {
                        task_name("inner's", || tokio::spawn(pending::<()>()));
                        notified.notified().await;
                    });
                });
            });
            // On a thread of the outer runtime, which has just polled for the inner one.
            task_name("outer's", || tokio::spawn(pending::<()>()));
        });
        assert_eq!(of(bench, "inner's").await, only(&["inner"]));
        ends.notify_one();
        within.await.unwrap();
        assert_eq!(of(bench, "outer's").await, only(&["root"]));
        assert_eq!(of(bench, "inner's").await, others());
    });
}

#[test]
fn runtime_of_tokio_has_unknown_threads() {
    let bench = &mut *bench();
    let real = |mut builder: real::runtime::Builder| Runtime::from(builder.enable_all().build().unwrap());
    // The thread that calls `block_on` is known.
    let runtime = real(real::runtime::Builder::new_current_thread());
    assert_eq!(with_root(bench, &runtime, || drop(spawn())), only(&["root"]));
    let runtime = real(real::runtime::Builder::new_multi_thread());
    assert_eq!(with_root(bench, &runtime, || drop(spawn())), others());
    let runtime = Builder::from(real::runtime::Builder::new_multi_thread()).build().unwrap();
    assert_eq!(with_root(bench, &runtime, || drop(spawn())), others());
}

/// A library's closure on the blocking pool of the facade's runtime runs a runtime of tokio's own.
#[test]
fn runtime_that_a_library_runs_in_a_closure_is_unknown() {
    let bench = &mut *bench();
    let in_closure = |handle: &real::runtime::Handle| {
        handle.spawn_blocking(|| {
            let own = real::runtime::Builder::new_current_thread().build().unwrap();
            own.block_on(async {
                spawn();
                std::future::poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    std::thread::yield_now();
                    if END.load(Ordering::SeqCst) == 0 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
                })
                .await;
            });
        });
    };
    for runtime in runtimes() {
        END.store(0, Ordering::SeqCst);
        let found = with_root(bench, &runtime, || in_closure(&Handle::current()));
        END.store(1, Ordering::SeqCst);
        assert_eq!(found, others());
    }
}

static END: AtomicUsize = AtomicUsize::new(0);

#[test]
fn task_from_before_recording_can_be_cancelled_by_other_code() {
    let bench = &mut *bench();
    let runtime = threads();
    root(&runtime, async {
        bench.turn(false);
        let wake = Arc::new(tokio::sync::Notify::new());
        let woken = wake.clone();
        let _task = task_name("task", || {
            tokio::spawn(async move {
                woken.notified().await;
                pending::<()>().await
            })
        });
        yield_now().await;
        bench.turn(true);
        wake.notify_one();
        // Its name is lost, too.
        let late = loop {
            yield_now().await;
            let location = |task: &&insight_model::Task| task.origin.kind == insight_protocol::TaskKind::Task;
            if let Some(task) = bench.sample().tasks.values().find(location) {
                break task.id;
            }
        };
        let found = bench.recorder.cancellers(late).unwrap();
        assert_eq!((found.tasks, found.others), (Vec::new(), true));
    });
}

#[test]
fn task_that_runs_a_set_of_local_tasks_can_cancel_them() {
    let bench = &mut *bench();
    for runtime in runtimes() {
        let set = LocalSet::new();
        root(
            &runtime,
            set.run_until(async {
                task_name("task", || spawn_local(pending::<()>()));
                assert_eq!(of(bench, "task").await, only(&["root"]));
                task_name("set's", || set.spawn_local(pending::<()>()));
                assert_eq!(of(bench, "set's").await, only(&["root"]));
            }),
        );
        // Nobody runs the set.
        assert_eq!(of_now(bench, "task"), others());
        drop(set);
        let set = LocalSet::new();
        task_name("blocks", || {
            set.block_on(&runtime, async {
                task_name("task", || spawn_local(pending::<()>()));
                spawn_named("runtime's");
                assert_eq!(of(bench, "task").await, only(&["blocks"]));
                assert_eq!(of(bench, "runtime's").await, only(&["blocks"]));
            });
        });
    }
}

fn spawn_named(name: &str) {
    task_name(name, || tokio::spawn(pending::<()>()));
}

#[test]
fn owner_of_a_set_of_local_tasks_is_unknown_if_it_may_change() {
    let bench = &mut *bench();
    let runtime = current();
    root(&runtime, async {
        // The future can leave the task in its box.
        let set = LocalSet::new();
        let inner = async {
            task_name("task", || spawn_local(pending::<()>()));
            assert_eq!(of(bench, "task").await, others());
        };
        Box::pin(set.run_until(inner)).await;
        drop(set);
        // The set can be moved after a poll.
        let mut set = LocalSet::new();
        task_name("task", || set.spawn_local(pending::<()>()));
        let mut polled = std::pin::pin!(async { of(bench, "task").await });
        let found = std::future::poll_fn(|cx| {
            assert!(std::pin::Pin::new(&mut set).poll(cx).is_pending());
            polled.as_mut().poll(cx)
        });
        assert_eq!(found.await, others());
    });
}

#[test]
fn set_within_a_set_is_another_one() {
    let bench = &mut *bench();
    let (outer, inner) = (LocalSet::new(), real::task::LocalSet::new());
    root(
        &current(),
        outer.run_until(async {
            // tokio's own set, run by the task that runs the outer set, and by a task of the outer set.
            inner
                .run_until(async {
                    task_name("first", || spawn_local(pending::<()>()));
                    assert_eq!(of(bench, "first").await, others());
                })
                .await;
            let run = async move {
                inner
                    .run_until(async {
                        task_name("second", || spawn_local(pending::<()>()));
                        pending::<()>().await;
                    })
                    .await
            };
            spawn_local(run);
            assert_eq!(of(bench, "second").await, others());
            task_name("third", || spawn_local(pending::<()>()));
            assert_eq!(of(bench, "third").await, only(&["root"]));
        }),
    );
}

#[test]
fn root_of_a_local_runtime_can_cancel_its_tasks() {
    let bench = &mut *bench();
    let runtime = LocalRuntime::new().unwrap();
    task_name("root", || {
        runtime.block_on(async {
            task_name("local", || spawn_local(pending::<()>()));
            spawn_named("task");
            assert_eq!(of(bench, "local").await, only(&["root"]));
            assert_eq!(of(bench, "task").await, only(&["root"]));
        });
    });
    assert_eq!(of_now(bench, "task"), others());
}

#[test]
fn hook_of_the_program_is_called_for_each_thread() {
    let started = Arc::new(AtomicUsize::new(0));
    let counts = |started: &Arc<AtomicUsize>| {
        let started = started.clone();
        move || {
            started.fetch_add(1, Ordering::SeqCst);
        }
    };
    let build = |build: fn(Builder) -> io::Result<real::runtime::Runtime>| {
        started.store(0, Ordering::SeqCst);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(3).on_thread_start(counts(&started));
        drop(build(builder).unwrap());
        started.load(Ordering::SeqCst)
    };
    assert_eq!(build(|mut builder| builder.build().map(Runtime::into_inner)), 3);
    assert_eq!(build(|builder| builder.into_inner().build()), 3);
    let after_a_build = |mut builder: Builder| {
        drop(builder.build().unwrap());
        builder.into_inner().build()
    };
    assert_eq!(build(after_a_build), 6);
}

#[test]
fn hook_of_another_runtime_is_not_used_again() {
    let bench = &mut *bench();
    let mut builder = Builder::new_multi_thread();
    let first = builder.worker_threads(1).build().unwrap();
    root(&first, async {
        let second = builder.into_inner().build().unwrap();
        task_name("task", || Handle::from(second.handle().clone()).spawn(pending::<()>()));
        assert_eq!(of(bench, "task").await, others());
        second.shutdown_background();
    });
}

#[test]
fn closure_of_a_library_is_no_thread_of_tasks() {
    let bench = &mut *bench();
    root(&threads(), async {
        let closure = spawn_blocking(|| current().block_on(async { spawn_named("task") }));
        closure.await.unwrap();
        spawn_named("task");
        assert_eq!(of(bench, "task").await, only(&["root"]));
    });
}
