//! Facts of whole programs, and the problems that insight finds in them.

use crate::common::{SETTLE, bench, summary};
use insight_model::{EdgeBody, Model};
use insight_protocol::{Operation, PartyRole, Tier};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

/// The tier, the names of the tasks, the kinds of the resources and the lines of the waits.
type Found = (Tier, Vec<String>, Vec<String>, Vec<u32>);

fn problems(model: &Model) -> Vec<Found> {
    let problems = model.problems().problems;
    let found = problems.iter().map(|problem| {
        let tasks = problem.tasks.iter().map(|task| {
            let name = task.name.as_deref().unwrap_or("?");
            name.rsplit("::").next().unwrap_or(name).to_owned()
        });
        let resources = problem.resources.iter().map(|resource| resource.kind.to_string());
        let waits = problem.edges.iter().filter(|edge| edge.kind == "wait");
        let lines = waits.map(|edge| edge.location.as_ref().map_or(0, |location| location.line));
        let mut tasks: Vec<String> = tasks.collect();
        tasks.sort();
        (problem.tier, tasks, resources.collect(), lines.collect())
    });
    found.collect()
}

fn waits_of<'a>(model: &'a Model, task: &str) -> Vec<&'a insight_model::Edge> {
    let named = |id| model.tasks.get(&id).and_then(|task| task.origin.name.clone()).unwrap_or_default();
    let waits = model.edges.values().filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
    waits.filter(|edge| named(edge.task).ends_with(task)).collect()
}

#[test]
fn a_full_channel_and_who_can_make_room() {
    async fn fill(sender: mpsc::Sender<u8>) {
        for n in 0..9 {
            let _ = sender.send(n).await;
        }
    }
    async fn read(mut receiver: mpsc::Receiver<u8>, go_on: oneshot::Receiver<()>) {
        receiver.recv().await;
        let _ = go_on.await;
    }
    bench(|bench, runtime| {
        let (sender, receiver) = mpsc::channel(2);
        let (_go_on, wait) = oneshot::channel();
        runtime.spawn(fill(sender));
        runtime.spawn(read(receiver, wait));
        let (resource, location) = bench.until(|model| {
            let waits = waits_of(model, "fill");
            let wait = waits.first()?;
            let full = model.resources.get(&wait.resource)?.length == Some(2);
            full.then(|| (wait.resource, wait.location.clone().expect("a location")))
        });
        assert!(location.place.file.ends_with("observed/problems.rs"));
        assert_eq!(location.place.line, line_of("let _ = sender.send(n).await;"));
        let model = bench.after_settle_times(4);
        let channel = &model.resources[&resource];
        assert_eq!((channel.capacity, channel.senders, channel.receivers), (Some(2), Some(1), Some(1)));
        let freers = model.freers(channel, &insight_protocol::Operation::Send);
        let names: Vec<String> = freers.known.iter().map(|freer| model.task_label(freer.task)).collect();
        assert!(matches!(&names[..], [name] if name.ends_with("read)")), "{names:?}");
        assert!(freers.certain());
        let reader = &model.tasks[&freers.known[0].task];
        assert_eq!(reader.stats().as_ref().unwrap().foreign_wakers, 0, "it waits for a oneshot, which is observed");
        assert_eq!(problems(model), []);
    });
}

/// The line of this file with `text`, except for this call.
fn line_of(text: &str) -> u32 {
    let has = |line: &str| line.contains(text) && !line.contains("line_of");
    let lines: Vec<&str> = include_str!("problems.rs").lines().collect();
    lines.iter().position(|line| has(line)).map_or(0, |at| at as u32 + 1)
}

/// Locks `first`, sends a message, waits until the other task has locked its first, and locks `second`.
async fn both(first: Arc<Mutex<u8>>, second: Arc<Mutex<u8>>, ready: oneshot::Sender<()>, other: oneshot::Receiver<()>) {
    let _first = first.lock().await;
    let _ = ready.send(());
    let _ = other.await;
    let _second = second.lock().await;
}

async fn both_patient(
    first: Arc<Mutex<u8>>,
    second: Arc<Mutex<u8>>,
    ready: oneshot::Sender<()>,
    other: oneshot::Receiver<()>,
    patience: Duration,
) {
    let _ = tokio::time::timeout(patience, both(first, second, ready, other)).await;
}

#[test]
fn two_locks_in_opposite_orders() {
    bench(|bench, runtime| {
        let (left, right) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
        let ((ready, at_left), (also_ready, at_right)) = (oneshot::channel(), oneshot::channel());
        runtime.spawn(both(left.clone(), right.clone(), ready, at_right));
        runtime.spawn(both(right, left, also_ready, at_left));
        bench.until(|model| (!model.problems.is_empty()).then_some(()));
        let line = line_of("let _second = second.lock().await;");
        let names = vec!["both".to_owned(), "both".to_owned()];
        let kinds = vec!["mutex".to_owned(), "mutex".to_owned()];
        assert_eq!(problems(&bench.model), [(Tier::Proven, names, kinds, vec![line, line])]);
    });
}

#[test]
fn two_locks_and_a_timeout() {
    bench(|bench, runtime| {
        let (left, right) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
        let ((ready, at_left), (also_ready, at_right)) = (oneshot::channel(), oneshot::channel());
        let patience = 6 * SETTLE;
        let one = runtime.spawn(both_patient(left.clone(), right.clone(), ready, at_right, patience));
        let two = runtime.spawn(both_patient(right, left, also_ready, at_left, patience));
        let locking = |wait: &&insight_model::Edge| matches!(&wait.body, EdgeBody::Wait { operation, .. } if *operation == Operation::Lock);
        // Each also waits for its timer.
        bench.until(|model| (waits_of(model, "both_patient").into_iter().filter(locking).count() == 2).then_some(()));
        bench.until(|model| {
            assert_eq!(problems(model), []);
            model.tasks.values().all(|task| task.origin.partial).then_some(())
        });
        assert!(one.is_finished() && two.is_finished());
    });
}

#[test]
fn a_task_that_waits_for_itself() {
    async fn relock(lock: Arc<Mutex<u8>>) {
        let _outer = lock.lock().await;
        let _inner = lock.lock().await;
    }
    async fn pump(sender: mpsc::Sender<u8>, mut receiver: mpsc::Receiver<u8>) {
        let _ = sender.send(1).await;
        while receiver.recv().await.is_some() {
            let _ = sender.send(1).await;
            let _ = sender.send(2).await;
        }
    }
    async fn holds_and_joins(lock: Arc<Mutex<u8>>) {
        let _held = lock.lock().await;
        let child = tokio::spawn(needs(lock.clone()));
        let _ = child.await;
    }
    async fn needs(lock: Arc<Mutex<u8>>) {
        *lock.lock().await += 1;
    }
    let found = |tier: Tier, tasks: &[&str], resources: &[&str], lines: &[&str]| {
        let tasks = tasks.iter().map(|name| (*name).to_owned()).collect();
        let resources = resources.iter().map(|kind| (*kind).to_owned()).collect();
        vec![(tier, tasks, resources, lines.iter().map(|line| line_of(line)).collect())]
    };
    bench(|bench, runtime| {
        runtime.spawn(relock(Arc::new(Mutex::new(1))));
        bench.until(|model| (!model.problems.is_empty()).then_some(()));
        let expect = found(Tier::Proven, &["relock"], &["mutex"], &["let _inner = lock.lock().await;"]);
        assert_eq!(problems(bench.after_settle_times(4)), expect);
    });
    bench(|bench, runtime| {
        let (sender, receiver) = mpsc::channel(1);
        runtime.spawn(pump(sender, receiver));
        bench.until(|model| (!model.problems.is_empty()).then_some(()));
        let expect = found(Tier::Suspected, &["pump"], &["channel"], &["let _ = sender.send(2).await;"]);
        assert_eq!(problems(bench.after_settle_times(4)), expect);
    });
    bench(|bench, runtime| {
        runtime.spawn(holds_and_joins(Arc::new(Mutex::new(1))));
        bench.until(|model| (!model.problems.is_empty()).then_some(()));
        let found = problems(bench.after_settle_times(4));
        assert_eq!((found.len(), found[0].0), (1, Tier::Proven));
        assert_eq!(found[0].1, ["holds_and_joins", "needs"]);
    });
}

#[test]
fn a_receiver_that_went_along_with_a_spawn_is_nobody_s() {
    async fn hand_over(sender: mpsc::Sender<u8>, mut receiver: mpsc::Receiver<u8>, go_on: oneshot::Receiver<()>) {
        sender.send(0).await.unwrap();
        receiver.recv().await;
        let reader = tokio::spawn(reads_later(receiver, go_on));
        for n in 0..3 {
            sender.send(n).await.unwrap();
        }
        drop(sender);
        reader.await.unwrap();
    }
    async fn reads_later(mut receiver: mpsc::Receiver<u8>, go_on: oneshot::Receiver<()>) {
        let _ = go_on.await;
        while receiver.recv().await.is_some() {}
    }
    bench(|bench, runtime| {
        let (sender, receiver) = mpsc::channel(1);
        let (go_on, wait) = oneshot::channel();
        runtime.spawn(hand_over(sender, receiver, wait));
        bench.until(|model| (!waits_of(model, "hand_over").is_empty()).then_some(()));
        let found = problems(bench.after_settle_times(4));
        assert!(found.iter().all(|found| found.0 == Tier::Suspected), "the task no longer has the receiver: {found:?}");
        go_on.send(()).unwrap();
    });
}

#[test]
fn a_root_that_hangs_in_its_first_poll_is_seen() {
    bench(|bench, runtime| {
        let (go_on, wait) = oneshot::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                runtime.block_on(async {
                    let lock = Mutex::new(1);
                    let held = lock.lock().await;
                    tokio::select! {
                        _ = lock.lock() => {}
                        _ = wait => {}
                    }
                    drop(held);
                });
            });
            let task = bench.until(|model| {
                Some(waits_of(model, "problems::a_root_that_hangs_in_its_first_poll_is_seen").first()?.task)
            });
            assert_eq!(bench.model.tasks[&task].origin.kind.as_str(), "block_on");
            // The oneshot may unblock it.
            assert_eq!(problems(bench.after_settle_times(4)), []);
            go_on.send(()).unwrap();
        });
    });
}

#[test]
fn sets_local_tasks_and_blocking_threads() {
    async fn waits_for_any(mut set: JoinSet<()>) {
        while set.join_next().await.is_some() {}
    }
    bench(|bench, runtime| {
        let (sender, mut receiver) = mpsc::channel::<u8>(1);
        let mut set = JoinSet::new();
        set.spawn_blocking_on(move || while receiver.blocking_recv().is_some() {}, runtime.handle());
        runtime.spawn(waits_for_any(set));
        let member = bench.until(|model| {
            let waits = waits_of(model, "waits_for_any");
            let set = model.resources.get(&waits.first()?.resource)?;
            let freers = model.freers(set, &insight_protocol::Operation::Join);
            let member = freers.known.first()?.task;
            let blocked = model.tasks[&member].state() == Some(insight_protocol::TaskState::Idle);
            blocked.then_some(member)
        });
        assert_eq!(bench.model.tasks[&member].origin.kind.as_str(), "blocking");
        assert_eq!(bench.model.waits_of_task(member).len(), 1);
        assert_eq!(problems(bench.after_settle_times(4)), [], "a sender is not used by any task yet");
        drop(sender);
        bench.until(|model| model.tasks.values().all(|task| task.origin.partial).then_some(()));

        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::scope(|scope| {
            let runtime = &runtime;
            scope.spawn(move || {
                let local = LocalSet::new();
                local.spawn_local(std::future::pending::<()>());
                local.block_on(runtime, async { stopped.await.unwrap() });
            });
            bench.until(|model| model.tasks.values().any(|task| task.origin.kind.as_str() == "local").then_some(()));
            stop.send(()).unwrap();
        });
    });
}

#[test]
fn a_task_that_tokio_itself_spawned_is_registered() {
    bench(|bench, runtime| {
        let lock = Arc::new(Mutex::new(1));
        let held = lock.clone().try_lock_owned().unwrap();
        let handle: &tokio::runtime::Handle = runtime.handle();
        // A library that does not know the facade spawns like this.
        let theirs: &real::runtime::Handle = handle;
        let task = theirs.spawn(async move { *lock.lock().await += 1 });
        let number = task.id().to_string();
        let seen = bench.until(|model| {
            let wait = model.edges.values().find(|edge| matches!(edge.body, EdgeBody::Wait { .. }))?;
            model.tasks.get(&wait.task).cloned()
        });
        assert!(seen.origin.partial && seen.origin.name.is_none());
        assert_eq!(seen.executor_task_id().map(|id| id.to_string()), Some(number));
        drop(held);
        runtime.block_on(task).unwrap();
        bench.until(|model| model.edges.is_empty().then_some(()));
    });
}

#[test]
fn many_tasks_that_come_and_go_leave_nothing_behind_and_no_problem() {
    async fn worker(lock: Arc<Mutex<u64>>, sender: mpsc::Sender<u64>, rounds: u64) {
        for n in 0..rounds {
            *lock.lock().await += 1;
            sender.send(n).await.unwrap();
        }
    }
    bench(|bench, runtime| {
        let lock = Arc::new(Mutex::new(0));
        let (sender, mut receiver) = mpsc::channel(4);
        let workers: Vec<_> = (0..20).map(|_| runtime.spawn(worker(lock.clone(), sender.clone(), 500))).collect();
        drop(sender);
        let reader = runtime.spawn(async move {
            let mut count = 0;
            while receiver.recv().await.is_some() {
                count += 1;
            }
            count
        });
        bench.until(|model| {
            assert_eq!(problems(model), []);
            (workers.iter().all(|worker| worker.is_finished()) && reader.is_finished()).then_some(())
        });
        assert_eq!(runtime.block_on(reader).unwrap(), 10_000);
        drop(lock);
        bench.until(|model| (model.edges.is_empty() && model.resources.is_empty()).then_some(()));
    });
}

#[test]
fn a_task_of_a_set_that_spawned_is_gone_when_it_ends() {
    bench(|bench, runtime| {
        let (drained, is_drained) = oneshot::channel();
        let (go_on, stay) = oneshot::channel::<()>();
        let keeper = runtime.spawn(async move {
            let mut set = JoinSet::new();
            for _ in 0..3 {
                set.spawn(async { drop(tokio::spawn(async {}).await) });
            }
            while set.join_next().await.is_some() {}
            let _ = drained.send(());
            let _ = stay.await;
            drop(set);
        });
        runtime.block_on(is_drained).unwrap();
        let joined = |edge: &&insight_model::Edge| matches!(&edge.body, EdgeBody::Party { role, .. } if *role == PartyRole::Joined);
        let parties = |model: &Model| model.edges.values().filter(joined).count();
        bench.until(|model| model.tasks.values().all(|task| task.outcome().is_none()).then_some(()));
        assert_eq!(parties(&bench.model), 0, "{}", summary(&bench.model));
        drop(go_on);
        runtime.block_on(keeper).unwrap();
    });
}
