//! The tasks of each way to run one: their kinds and names, their outcomes, and the waits for their ends.

use crate::common::{Bench, bench, edges, task_name, waits};
use async_std::channel::{Receiver, unbounded};
use async_std::future::timeout;
use async_std::sync::Mutex;
use async_std::task::{self, Builder};
use insight_model::{EdgeBody, Model};
use insight_protocol::Outcome;
use std::future::Future;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// None of these ends by itself while the tests run.
const HOUR: Duration = Duration::from_secs(3600);

fn line(comment: &str) -> u32 {
    insight_test_kit::line_marked(include_str!("tasks.rs"), comment)
}

/// Runs `program` on a thread of its own until its tasks are `expect`: each a kind and a name, in the order of their
/// spawns. The program ends when `stop` has no sender any more.
fn check(program: fn(Receiver<()>), expect: &[(&str, &str)]) {
    bench(|bench| {
        let (stop, stopped) = unbounded();
        std::thread::scope(|scope| {
            scope.spawn(move || program(stopped));
            bench.until(|model| {
                let kinds = model.tasks.iter().map(|(id, task)| (task.origin.kind.to_string(), task_name(model, id)));
                let kinds: Vec<(String, String)> = kinds.collect();
                let same = |((kind, name), expect): (&(String, String), &(&str, &str))| (&**kind, &**name) == *expect;
                (kinds.len() == expect.len() && kinds.iter().zip(expect).all(same)).then_some(())
            });
            let model = bench.after_settling();
            assert!(model.problems.is_empty());
            assert_eq!(model.tasks.len(), expect.len());
            assert!(model.tasks.values().all(|task| task.origin.executor.as_deref() == Some("async-std")));
            drop(stop);
        });
    });
}

#[test]
fn each_way_to_run_a_task() {
    async fn runs(stop: Receiver<()>) {
        let _ = stop.recv().await;
    }
    async fn joins(child: task::JoinHandle<()>) {
        child.await;
    }
    check(|stop| task::block_on(joins(task::spawn(runs(stop)))), &[("task", "runs"), ("block_on", "joins")]);
    check(
        |stop| {
            async fn main(stop: Receiver<()>) {
                task::spawn_local(runs(stop)).await;
            }
            task::block_on(main(stop));
        },
        &[("block_on", "main"), ("local", "runs")],
    );
    // async-std counts three tasks here.
    check(
        |stop| {
            fn block(stop: Receiver<()>) {
                let _ = stop.recv_blocking();
            }
            let blocks = task::spawn_blocking(move || block(stop));
            task::block_on(joins(blocks));
        },
        &[("blocking", "each_way_to_run_a_task"), ("block_on", "joins")],
    );
    check(
        |stop| {
            async fn outer(stop: Receiver<()>) {
                task::block_on(runs(stop));
            }
            task::block_on(outer(stop));
        },
        &[("block_on", "outer"), ("block_on", "runs")],
    );
    check(
        |stop| {
            let named = |name: &str| Builder::new().name(name.to_owned());
            named("the root").blocking(async {
                assert_eq!(task::current().name(), Some("the root"));
                let child = named("a child").spawn(runs(stop.clone())).unwrap();
                assert_eq!(child.task().name(), Some("a child"));
                let local = named("a local child").local(runs(stop)).unwrap();
                child.await;
                local.await;
            });
        },
        &[("block_on", "the root"), ("task", "a child"), ("local", "a local child")],
    );
    check(
        |stop| task::block_on(joins(insight_probe::task_name("named around it", || task::spawn(runs(stop))))),
        &[("task", "named around it"), ("block_on", "joins")],
    );
}

/// The stream has async-std's own number of each task.
#[test]
fn async_stds_own_id() {
    bench(|bench| {
        let (begin, begun) = mpsc::channel();
        let (stop, stopped) = unbounded::<()>();
        let handle = task::spawn(async move {
            begin.send(()).unwrap();
            stopped.recv().await
        });
        let expect = handle.task().id().to_string();
        // The number is known from a task's first poll on, and sent once.
        begun.recv().unwrap();
        bench.until(|model| {
            let told = model.tasks.values().next()?.executor_task_id()?;
            (told.to_string() == expect).then_some(())
        });
        drop(stop);
    });
}

/// Runs `program` until its tasks have ended with the outcomes `expect`, in the order of their spawns.
fn check_outcomes(program: impl FnOnce(&mut Bench), expect: &[Outcome]) {
    bench(|bench| {
        bench.messages.clear();
        program(bench);
        bench.until(|model| model.tasks.is_empty().then_some(()));
        let mut found = bench.outcomes();
        found.sort_by_key(|(task, _)| *task);
        let found: Vec<Outcome> = found.into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(found, expect);
    });
}

#[test]
fn how_tasks_end() {
    fn fails() {
        panic!("as it should");
    }
    check_outcomes(|_| task::block_on(task::spawn(async {})), &[Outcome::Returned, Outcome::Returned]);
    check_outcomes(
        |_| assert_eq!(task::block_on(task::spawn_blocking(|| 7)), 7),
        &[Outcome::Returned, Outcome::Returned],
    );
    // Dropping a handle does not cancel the task.
    check_outcomes(
        |bench| {
            let (stop, stopped) = unbounded::<()>();
            drop(task::spawn(async move { stopped.recv().await }));
            bench.until(|model| (waits(model).len() == 1).then_some(()));
            assert_eq!(bench.after_settling().tasks.len(), 1);
            drop(stop);
        },
        &[Outcome::Returned],
    );
    check_outcomes(
        |_| assert_eq!(task::block_on(task::spawn(pending::<u8>()).cancel()), None),
        &[Outcome::Cancelled, Outcome::Returned],
    );
    // The task is cancelled only when `cancel` is awaited, and that is too late.
    check_outcomes(
        |bench| {
            let cancel = task::spawn(async { 7 }).cancel();
            bench.until(|model| model.tasks.is_empty().then_some(()));
            task::block_on(cancel);
        },
        &[Outcome::Returned, Outcome::Returned],
    );
    check_outcomes(
        |_| {
            let joins = catch_unwind(|| task::block_on(task::spawn(async { fails() })));
            assert!(joins.is_err());
        },
        &[Outcome::Panicked, Outcome::Panicked],
    );
    check_outcomes(
        |_| {
            let joins = catch_unwind(|| task::block_on(task::spawn_blocking(fails)));
            assert!(joins.is_err());
        },
        &[Outcome::Panicked, Outcome::Panicked],
    );
    check_outcomes(|_| drop(task::spawn(async { fails() })), &[Outcome::Panicked]);
    check_outcomes(
        |_| {
            let given_up = task::block_on(async {
                let mut root = Box::pin(async { pending::<()>().await });
                std::future::poll_fn(|cx| std::task::Poll::Ready(root.as_mut().poll(cx).is_pending())).await
            });
            assert!(given_up);
        },
        &[Outcome::Returned],
    );
}

/// The names of the tasks that can end the waits in `operation`, and the number of unknown ones.
fn freers(model: &Model, operation: &str) -> Option<(Vec<String>, u64)> {
    let edge = waits(model).into_iter().find(
        |edge| matches!(&edge.body, EdgeBody::Wait { operation: found, .. } if &*found.to_string() == operation),
    )?;
    let EdgeBody::Wait { operation, .. } = &edge.body else { unreachable!("a wait") };
    let freers = model.freers(&model.resources[&edge.resource], operation);
    Some((freers.known.iter().map(|freer| task_name(model, freer.task)).collect(), freers.unknown))
}

#[test]
fn who_joins_whom() {
    async fn child(stop: Receiver<()>) {
        let _ = stop.recv().await;
    }
    const AWAITS: u32 = line!() + 2;
    async fn parent(child: task::JoinHandle<()>) {
        child.await;
    }
    /// `spawn` returns the child's handle, and a channel that ends the child.
    type Child = (task::JoinHandle<()>, Box<dyn FnOnce()>);
    fn check(spawn: fn() -> Child, name: &str) {
        bench(|bench| {
            let (handle, stop) = spawn();
            let joins = task::spawn(parent(handle));
            let found = bench.until(|model| freers(model, "join"));
            assert_eq!(found, (vec![name.to_owned()], 0));
            let model = bench.after_settling();
            assert!(model.problems.is_empty());
            assert!(edges(model).contains(&format!("parent join join :{AWAITS}")), "{:?}", edges(model));
            stop();
            task::block_on(joins);
        });
    }
    check(
        || {
            let (stop, stopped) = unbounded();
            (task::spawn(child(stopped)), Box::new(|| drop(stop)))
        },
        "child",
    );
    check(
        || {
            let (stop, stopped) = mpsc::channel::<()>();
            let blocks = task::spawn_blocking(move || {
                let _ = stopped.recv();
            });
            (blocks, Box::new(|| drop(stop)))
        },
        "who_joins_whom",
    );
}

/// A cancelled task must leave its poll before the wait for its end is over.
#[test]
fn who_cancels_whom() {
    async fn busy(begin: mpsc::Sender<()>, stop: mpsc::Receiver<()>) {
        begin.send(()).unwrap();
        let _ = stop.recv();
        pending::<()>().await;
    }
    async fn cancels(busy: task::JoinHandle<()>) {
        assert_eq!(busy.cancel().await, None);
    }
    bench(|bench| {
        let (begin, begun) = mpsc::channel();
        let (stop, stopped) = mpsc::channel();
        let busy = task::spawn(busy(begin, stopped));
        begun.recv().unwrap();
        let cancels = task::spawn(cancels(busy));
        assert_eq!(bench.until(|model| freers(model, "join")), (vec!["busy".to_owned()], 0));
        drop(stop);
        task::block_on(cancels);
    });
}

/// A library spawns with async-std itself, and an observed task polls that task. Its waits and holds are not those of
/// the observed task.
#[test]
fn a_task_that_was_spawned_unseen() {
    async fn outer(lock: Arc<Mutex<u8>>, stop: real::channel::Receiver<()>) {
        let stopped = stop.clone();
        let inner = real::task::spawn_local(async move {
            let _held = lock.lock().await;
            let _ = timeout(HOUR, stopped.recv()).await; // here: in a library
        });
        // This thread's local tasks run within the poll of this task.
        real::task::block_on(async move {
            let _ = stop.recv().await;
        });
        inner.await;
    }
    bench(|bench| {
        let (stop, stopped) = real::channel::unbounded();
        let outer = task::spawn(outer(Arc::new(Mutex::new(1)), stopped));
        let expect = [format!("partial sleep timer :{}", line("in a library"))];
        bench.until(|model| (edges(model) == expect).then_some(()));
        assert_eq!(edges(bench.after_settling()), expect, "the holder of the lock is unknown");
        drop(stop);
        task::block_on(outer);
    });
}

/// The holder of the lock is an unobserved task. No other task takes its place, so nothing is proven of the waiter.
#[test]
fn a_lock_that_is_held_unseen() {
    async fn waits_for_it(lock: Arc<Mutex<u8>>) {
        *lock.lock().await += 1; // here: lock
    }
    bench(|bench| {
        let lock = Arc::new(Mutex::new(1));
        let (begin, begun) = mpsc::channel();
        let (stop, stopped) = real::channel::unbounded::<()>();
        let unseen = lock.clone();
        let library = real::task::spawn(async move {
            let held = unseen.lock().await;
            begin.send(()).unwrap();
            let _ = stopped.recv().await;
            drop(held);
        });
        begun.recv().unwrap();
        let waits = task::spawn(waits_for_it(lock));
        let expect = [format!("waits_for_it lock mutex :{}", line("lock"))];
        bench.until(|model| (edges(model) == expect).then_some(()));
        let model = bench.after_settling();
        assert_eq!((edges(model), model.problems.len()), (expect.to_vec(), 0));
        drop(stop);
        task::block_on(waits);
        real::task::block_on(library);
    });
}

#[test]
fn handles_to_async_stds_own_and_back() {
    bench(|_| {
        let own: real::task::JoinHandle<u8> = task::spawn(async { 7 }).into();
        assert_eq!(task::block_on(task::JoinHandle::from(own)), 7);
        assert_eq!(real::task::block_on(task::spawn(async { 7 }).into_inner()), 7);
        let panics = task::JoinHandle::from(real::task::spawn(async { panic!("as it should") }));
        assert!(catch_unwind(AssertUnwindSafe(|| task::block_on(panics))).is_err());
    });
}
