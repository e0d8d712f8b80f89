//! What one task at a time can have: who has it, who waits for it, and that it is told free before it is.

use super::scene::{At, Case, expect, same};
use super::stage::{Stage, StoppedWakes};
use insight_model::EdgeBody;
use insight_model::resource_kind::{self, UnitKind};
use insight_protocol::adapter::{Adapter, Lock, Spawned};
use insight_protocol::{HoldMode, Operation, ProblemKind, Tier};
use std::collections::BTreeSet;
use std::sync::Arc;

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("locks.rs"), comment)
}

const OPERATIONS: [Operation; 3] = [Operation::Lock, Operation::Write, Operation::Acquire];

/// The hold and the wait, each at its `.await`; once it is given back, the one who waited holds it.
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
            same("the kind of what is held", &lock.kind, &L::KIND)?;
            at("is created").check("the resource", lock.location.as_deref())?;
            scene.stage.open(1);
            let wait = scene.wait("waits")?;
            wait.check(&OPERATIONS, &L::KIND, at("waits for it"))?;
            same("what is waited for", &wait.resource.id, &lock.id)?;
            scene.freed_by(&wait, &["has"])?;
            scene.stage.open(2);
            let (edge, then) = scene.hold("waits")?;
            at("waits for it").check("the hold of the one who waited", edge.location.as_deref())?;
            same("what the one who waited holds then", &then.id, &lock.id)
        },
    )
}

/// In the midst of the wake that gives it to another, it is not told as held.
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
                return Err("who waits is not woken when it is released".to_owned());
            }
            // r[edge.hold.before-release]
            scene.look();
            let held = scene.seen().model.edges_of_resource(lock.id).any(|edge| edge.id == hold.id);
            scene.stage.open(3);
            expect("who has it while it is given to another", !held, &hold, &"that hold closed before the release")
        },
    )
}

/// Two tasks, two locks, each in the other's order: proven to be stuck.
pub(super) fn in_both_orders<A: Adapter, L: Lock>(case: &mut Case<'_, A>) -> Result<(), String> {
    async fn takes<L: Lock>(first: Arc<L>, second: Arc<L>, stage: Stage) {
        let _first = first.acquire().await;
        stage.reached(1).await;
        let _second = second.acquire().await; // is stuck
    }

    case.hangs = true;
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
            let problem = scene.until("a deadlock of both tasks", |seen| {
                let mut found = seen.model.problems.values();
                found
                    .find(|problem| problem.tasks.iter().map(|task| task.id).collect::<BTreeSet<_>>() == tasks)
                    .cloned()
            })?;
            same("what is found", &(&problem.kind, problem.tier), &(&ProblemKind::Deadlock, Tier::Proven))?;
            for task in ["A/B", "B/A"] {
                scene.wait(task)?.check(&OPERATIONS, &L::KIND, at("is stuck"))?;
            }
            Ok(())
        },
    )
}
