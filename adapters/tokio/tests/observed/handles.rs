//! The lines where a join handle and the receiver of a `oneshot` are awaited. Both are futures by themselves.

use crate::common::{bench, summary};
use insight_model::{Edge, EdgeBody, Model};
use insight_protocol::Operation;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_secs(3600);

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

fn joins(model: &Model) -> Vec<&Edge> {
    let is_it = |edge: &&Edge| match &edge.body {
        EdgeBody::Wait { operation, .. } => ["join", "recv"].contains(&operation.to_string().as_str()),
        _ => false,
    };
    model.edges.values().filter(is_it).collect()
}

/// Runs a task until it waits for the end of `other`, or for its message. `expect`: the ends of the lines of its waits,
/// or `None` for an unknown line.
fn check(task: impl FnOnce(JoinHandle<()>, oneshot::Receiver<()>) -> Task, expect: &[Option<&str>]) {
    bench(|bench, runtime| {
        let other = runtime.spawn(pending());
        let stop = other.abort_handle();
        let (send, receive) = oneshot::channel::<()>();
        let handle = runtime.spawn(task(other, receive));
        bench.until(|model| (joins(model).len() == expect.len()).then_some(()));
        let model = bench.after_settling();
        assert!(model.problems.is_empty(), "{}", summary(model));
        let line = |edge: &Edge| edge.location.as_ref().map(|location| location.place.line as usize);
        let mut lines: Vec<Option<usize>> = joins(model).into_iter().map(line).collect();
        lines.sort_unstable();
        let text = |line: usize| include_str!("handles.rs").lines().nth(line - 1).unwrap().trim_end();
        for (line, expect) in lines.iter().zip(expect) {
            let found = line.map(text);
            let is_it = match (found, expect) {
                (Some(found), Some(expect)) => found.ends_with(expect),
                (found, expect) => found.is_none() && expect.is_none(),
            };
            assert!(is_it, "{found:?} is not {expect:?}: {}", summary(model));
        }
        handle.abort();
        stop.abort();
        drop(send);
        bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty()).then_some(()));
    });
}

const HERE: Option<&str> = Some("// here");

#[test]
fn where_the_program_polls_it() {
    type Waits = fn(JoinHandle<()>, oneshot::Receiver<()>) -> Task;
    let cases: [Waits; 4] = [
        |other, _| {
            Box::pin(async {
                other.await.unwrap(); // here
            })
        },
        |_, message| {
            Box::pin(async {
                message
                    .await // here
                    .unwrap();
            })
        },
        |other, _| {
            Box::pin(async {
                timeout(HOUR, other).await.unwrap().unwrap(); // here
            })
        },
        |other, _| {
            Box::pin(async {
                timeout(HOUR, timeout(HOUR, other)).await.unwrap().unwrap().unwrap(); // here
            })
        },
    ];
    for case in cases {
        check(case, &[HERE]);
    }
    let both = |other: JoinHandle<()>, message: oneshot::Receiver<()>| -> Task {
        Box::pin(async {
            tokio::select! { // here
                ended = other => ended.unwrap(),
                answer = message => answer.unwrap(),
            }
        })
    };
    check(both, &[HERE, HERE]);
}

#[test]
fn not_where_other_code_polls_it_for_the_program() {
    check(|other, _| Box::pin(async move { Box::pin(other).await.unwrap() }), &[None]);
    check(|_, mut message| Box::pin(async move { (&mut message).await.unwrap() }), &[None]);
    check(|other, _| Box::pin(async { tokio::join!(other).0.unwrap() }), &[None]);
}

/// Whether the guard that `task` takes, or the wait of its operation, is transferable, as the only edge of this kind shows it.
fn is_transferable(model: &Model, task: &str, of: fn(&EdgeBody) -> Option<bool>) -> Option<bool> {
    let edges = model.edges.values().filter(|edge| {
        let name = model.tasks.get(&edge.task).and_then(|task| task.origin.name.clone());
        name.is_some_and(|name| name.ends_with(task))
    });
    let found: Vec<bool> = edges.filter_map(|edge| of(&edge.body)).collect();
    assert!(found.len() < 2, "{}", summary(model));
    found.first().copied()
}

/// r[edge.hold.transferable]
#[test]
fn a_guard_is_transferable_unless_it_cannot_leave_its_task() {
    async fn in_place(lock: Arc<Mutex<u8>>) {
        let _guard = lock.lock().await;
        pending::<()>().await
    }
    async fn pinned(lock: Arc<Mutex<u8>>) {
        let mut locked = pin!(lock.lock());
        let _guard = (&mut locked).await;
        pending::<()>().await
    }
    async fn owned(lock: Arc<Mutex<u8>>) {
        let _guard = lock.lock_owned().await;
        pending::<()>().await
    }
    async fn boxed(lock: Arc<Mutex<u8>>) {
        Box::pin(in_place(lock)).await
    }
    async fn tried(lock: Arc<Mutex<u8>>) {
        // An operation on this lock that ended here before says nothing about the guard.
        drop(lock.lock().await);
        let _guard = lock.try_lock();
        pending::<()>().await
    }
    fn held(body: &EdgeBody) -> Option<bool> {
        match body {
            EdgeBody::Hold { transferable, .. } => Some(*transferable),
            _ => None,
        }
    }
    fn check<F: Future<Output = ()> + Send + 'static>(task: fn(Arc<Mutex<u8>>) -> F, name: &'static str, expect: bool) {
        bench(|bench, runtime| {
            let task = runtime.spawn(task(Arc::new(Mutex::new(1))));
            assert_eq!(bench.until(|model| is_transferable(model, name, held)), expect, "{name}");
            task.abort();
        });
    }
    check(in_place, "in_place", false);
    check(pinned, "pinned", false);
    check(owned, "owned", true);
    check(boxed, "boxed", true);
    check(tried, "tried", true);
}

/// r[edge.wait.transferable]
#[test]
fn a_boxed_operation_is_transferable() {
    async fn in_place(lock: Arc<Mutex<u8>>) {
        drop(lock.lock().await);
    }
    async fn boxed(lock: Arc<Mutex<u8>>) {
        Box::pin(in_place(lock)).await
    }
    fn waits(body: &EdgeBody) -> Option<bool> {
        match body {
            EdgeBody::Wait { operation: Operation::Lock, transferable, .. } => Some(*transferable),
            _ => None,
        }
    }
    bench(|bench, runtime| {
        let lock = Arc::new(Mutex::new(1));
        let guard = lock.try_lock().unwrap();
        let tasks = [runtime.spawn(in_place(lock.clone())), runtime.spawn(boxed(lock.clone()))];
        assert!(!bench.until(|model| is_transferable(model, "in_place", waits)));
        assert!(bench.until(|model| is_transferable(model, "boxed", waits)));
        drop(guard);
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    });
}
