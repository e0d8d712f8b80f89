//! Locks: a task holds the lock, another waits for it, and the hold ends before the lock is free.

use super::scene::{At, Case, expect, same};
use super::stage::{Stage, StoppedWakes};
use insight_model::EdgeBody;
use insight_model::resource_kind::{self, UnitKind};
use insight_protocol::adapter::{Adapter, Lock, Spawned};
use insight_protocol::{HoldMode, Operation, ProblemKind, ResourceKind, Tier};
use std::collections::BTreeSet;
use std::sync::Arc;

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("locks.rs"), comment)
}

const OPERATIONS: [Operation; 3] = [Operation::Lock, Operation::Write, Operation::Acquire];

/// The hold and the wait are at their `.await`. After the release, the waiting task holds the lock.
pub(super) fn held<A: Adapter, L: Lock>(case: &mut Case<'_, A>) -> Result<(), String> {
    async fn has<L: Lock>(lock: Arc<L>, stage: Stage) {
        let _guard = lock.acquire().await; // takes it
        stage.reached(2).await;
    }

    async fn waits<L: Lock>(lock: Arc<L>, stage: Stage) {
        stage.reached(1).await;
        let _guard = lock.acquire().await; // waits for it
        stage.reached(3).await;
    }

    case.run(
        |adapter, stage| async move {
            let lock = Arc::new(L::new()); // is created
            let (has, waits) = (has(lock.clone(), stage.clone()), waits(lock, stage.clone()));
            insight_probe::task_name("has", || adapter.spawn(has)).detach();
            insight_probe::task_name("waits", || adapter.spawn(waits)).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            let (edge, lock) = scene.hold("has")?;
            at("takes it").check("the hold", edge.location.as_deref())?;
            let EdgeBody::Hold { mode, units, .. } = edge.body.clone() else { return Err("not a hold".to_owned()) };
            let expected = match resource_kind::of(&L::KIND).units {
                UnitKind::Permits => HoldMode::Permit,
                UnitKind::Lock | UnitKind::ReadWriteLock | UnitKind::Room | UnitKind::Unknown => HoldMode::Exclusive,
            };
            same("the mode of the hold, and its units", &(mode, units), &(expected, 1))?;
            same("the kind of the lock", &lock.kind, &L::KIND)?;
            at("is created").check("the resource", lock.location.as_deref())?;
            scene.stage.open(1);
            let wait = scene.wait("waits")?;
            wait.check(&OPERATIONS, &L::KIND, at("waits for it"))?;
            same("the resource of the wait", &wait.resource.id, &lock.id)?;
            scene.unblocked_by(&wait, &["has"])?;
            scene.stage.open(2);
            let (edge, then) = scene.hold("waits")?;
            at("waits for it").check("the hold of the task that waited", edge.location.as_deref())?;
            same("the lock that the task holds after its wait", &then.id, &lock.id)
        },
    )
}

/// While the wake of the next task runs, the old hold is already closed.
pub(super) fn released<A: Adapter, L: Lock>(case: &mut Case<'_, A>) -> Result<(), String> {
    async fn has<L: Lock>(lock: Arc<L>, stage: Stage) {
        let _guard = lock.acquire().await;
        stage.reached(2).await;
    }

    let patience = case.patience();
    let woken = Stage::default();
    let in_wake = woken.clone();
    case.run(
        move |adapter, stage| async move {
            let lock = Arc::new(L::new());
            let has = has(lock.clone(), stage.clone());
            insight_probe::task_name("has", || adapter.spawn(has)).detach();
            let go_on = stage.clone();
            let waits = async move {
                go_on.reached(1).await;
                let takes = async { drop(lock.acquire().await) };
                StoppedWakes { future: Box::pin(takes), woken: in_wake, go_on: (go_on, 3), patience }.await;
            };
            insight_probe::task_name("waits", || adapter.spawn(waits)).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            let (hold, lock) = scene.hold("has")?;
            scene.stage.open(1);
            scene.wait("waits")?;
            scene.stage.open(2);
            if !woken.block(1, patience) {
                return Err("the waiting task is not woken when the lock is released".to_owned());
            }
            // r[edge.hold.before-release]
            scene.sample();
            let held = scene.reported().model.edges_of_resource(lock.id).any(|edge| edge.id == hold.id);
            scene.stage.open(3);
            expect("the hold while the next task is woken", !held, &hold, &"that hold closed before the release")
        },
    )
}

/// Two tasks take two locks in opposite orders: a proven deadlock. With semaphores it is suspected, since other code can add
/// permits.
pub(super) fn in_both_orders<A: Adapter, L: Lock>(case: &mut Case<'_, A>) -> Result<(), String> {
    async fn takes<L: Lock>(first: Arc<L>, second: Arc<L>, stage: Stage) {
        let _first = first.acquire().await;
        stage.reached(1).await;
        let _second = second.acquire().await; // is stuck
    }

    case.expects_hang = true;
    case.run(
        |adapter, stage| async move {
            let (a, b) = (Arc::new(L::new()), Arc::new(L::new()));
            let a_b = takes(a.clone(), b.clone(), stage.clone());
            let b_a = takes(b, a, stage.clone());
            let a_b = insight_probe::task_name("A/B", || adapter.spawn(a_b));
            let b_a = insight_probe::task_name("B/A", || adapter.spawn(b_a));
            stage.reached(Stage::END).await;
            a_b.cancel();
            b_a.cancel();
        },
        |scene| {
            let (a_b, b_a) = (scene.hold("A/B")?, scene.hold("B/A")?);
            scene.stage.open(1);
            let tasks = BTreeSet::from([a_b.0.task, b_a.0.task]);
            let problem = scene.until("a deadlock of both tasks", |reported| {
                let mut found = reported.model.problems.values();
                found
                    .find(|problem| problem.tasks.iter().map(|task| task.id).collect::<BTreeSet<_>>() == tasks)
                    .cloned()
            })?;
            let tier = if L::KIND == ResourceKind::Semaphore { Tier::Suspected } else { Tier::Proven };
            same(
                "the kind and the tier of the problem",
                &(&problem.kind, problem.tier),
                &(&ProblemKind::Deadlock, tier),
            )?;
            for task in ["A/B", "B/A"] {
                scene.wait(task)?.check(&OPERATIONS, &L::KIND, at("is stuck"))?;
            }
            Ok(())
        },
    )
}
