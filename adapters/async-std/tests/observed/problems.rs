//! Programs that cannot make progress, and their problems.

use crate::common::{bench, task_name};
use async_std::channel::{Receiver, Sender, bounded};
use async_std::sync::{Arc, Mutex, RwLock};
use async_std::task::{self, JoinHandle};
use insight_protocol::Tier;

/// The tasks of a program, from the first to the last.
type Program = fn() -> Vec<JoinHandle<()>>;

/// Runs `program` until insight finds a problem of the tasks `names` with these waits.
fn check(program: Program, names: &[&str], waits: &[&str]) {
    bench(|bench| {
        let tasks = program();
        let (tier, found, waited) = bench.until(|model| {
            let problem = model.problems.values().next()?;
            let mut names: Vec<String> = problem.tasks.iter().map(|task| task_name(model, task.id)).collect();
            let edges = problem.edges.iter().filter(|edge| edge.kind == "wait");
            let mut waits: Vec<String> = edges
                .map(|edge| {
                    let operation = edge.operation.as_ref().map(ToString::to_string).unwrap_or_default();
                    format!("{operation} {}", model.resources[&edge.resource].kind)
                })
                .collect();
            names.sort();
            waits.sort();
            Some((problem.tier, names, waits))
        });
        assert_eq!((tier, found, waited), (Tier::Proven, own(names), own(waits)));
        assert_eq!(bench.after_settling().problems.len(), 1);
        for task in tasks {
            task::block_on(task.cancel());
        }
    });
}

fn own(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn two_locks_in_two_orders() {
    async fn takes(first: Arc<Mutex<u8>>, second: Arc<Mutex<u8>>, meet: (Sender<()>, Receiver<()>)) {
        let _first = first.lock().await;
        let _ = meet.0.send(()).await;
        let _ = meet.1.recv().await;
        let _second = second.lock().await;
    }
    check(
        || {
            let (a, b) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
            let ((to_one, from_two), (to_two, from_one)) = (bounded(1), bounded(1));
            let one = task::spawn(takes(a.clone(), b.clone(), (to_one, from_one)));
            let two = task::spawn(takes(b, a, (to_two, from_two)));
            vec![one, two]
        },
        &["takes", "takes"],
        &["lock mutex", "lock mutex"],
    );
}

#[test]
fn a_parent_that_holds_what_its_child_wants() {
    async fn child(lock: Arc<RwLock<u8>>) {
        *lock.write().await = 2;
    }
    async fn parent() {
        let lock = Arc::new(RwLock::new(1));
        let held = lock.read().await;
        task::spawn(child(lock.clone())).await;
        drop(held);
    }
    check(|| vec![task::spawn(parent())], &["child", "parent"], &["join join", "write rwlock"]);
}
