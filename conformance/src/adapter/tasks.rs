//! Tasks: their spawns, ends, states, wakes and joins.

use super::scene::{At, Case, expect, same};
use super::stage::Stage;
use insight_protocol::adapter::{Adapter, Spawned};
use insight_protocol::{Operation, Outcome, ResourceKind, TaskKind, TaskState};
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("tasks.rs"), comment)
}

async fn is_spawned(stage: Stage) {
    stage.reached(1).await;
}

/// Each task is reported once, with its name, kind, place and parent, and so is the `block_on` around them.
pub(super) fn spawned<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    let executor = case.adapter.descriptor().name;
    case.run(
        |adapter, stage| async move {
            for _ in 0..3 {
                adapter.spawn(is_spawned(stage.clone())).detach(); // is spawned
            }
            stage.reached(Stage::END).await;
        },
        |scene| {
            scene.settle()?;
            let kinds: Vec<&str> = scene.tasks().map(|task| task.origin.kind.as_str()).collect();
            same("the kinds of a `block_on` and three tasks", &kinds, &vec!["block_on", "task", "task", "task"])?;
            let root = scene.tasks().next().cloned().ok_or("no task")?;
            let runs = At::comment("", include_str!("scene.rs"), "runs the program");
            let root_at = root.origin.location.as_deref().map(|location| location.place.line);
            same("the line of the `block_on`", &root_at, &Some(runs.line))?;
            for task in scene.tasks() {
                same("the executor of a task", &task.origin.executor.as_deref(), &Some(executor))?;
                expect("whether a task is a library task", !task.origin.partial, &task, &"not `partial`")?;
                if task.origin.kind == TaskKind::Task {
                    at("is spawned").check("the spawn", task.origin.location.as_deref())?;
                    same("the parent of a task", &task.parent(), &Some(root.id))?;
                    let name = task.origin.name.as_deref().unwrap_or_default();
                    expect("the name of a task", name.ends_with("tasks::is_spawned"), &name, &"its future's type")?;
                }
            }
            Ok(())
        },
    )
}

/// A returned, a panicked and a cancelled task are reported as their handles say. A detached task runs to its end.
pub(super) fn ends<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    let joined: Arc<Mutex<Vec<Outcome>>> = Arc::default();
    let joins = joined.clone();
    case.run(
        |adapter, stage| async move {
            let returns = insight_probe::task_name("returns", || adapter.spawn(async {}));
            // `resume_unwind` calls no panic hook, so that the expected panic prints no message.
            let panics = async { resume_unwind(Box::new("an expected panic")) };
            let panics = insight_probe::task_name("panics", || adapter.spawn(panics));
            let cancelled = insight_probe::task_name("cancelled", || adapter.spawn(stage.reached(Stage::END)));
            let detached = insight_probe::task_name("detached", || adapter.spawn(stage.reached(1)));
            detached.detach();
            let outcomes = vec![returns.await, panics.await];
            *joins.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
            cancelled.cancel();
            stage.reached(Stage::END).await;
        },
        |scene| {
            let expected = [
                ("returns", Outcome::Returned),
                ("panics", Outcome::Panicked),
                ("cancelled", Outcome::Cancelled),
                ("detached", Outcome::Returned),
            ];
            for (name, outcome) in expected {
                if name == "detached" {
                    scene.stage.open(1);
                }
                let id = scene.task(name)?.id;
                let ended =
                    scene.until(&format!("the end of `{name}`"), |reported| reported.ended.get(&id).cloned())?;
                same(&format!("the end of `{name}`"), &ended, &vec![outcome])?;
            }
            let joined = joined.lock().unwrap_or_else(PoisonError::into_inner).clone();
            same("the outcomes of the handles", &joined, &vec![Outcome::Returned, Outcome::Panicked])
        },
    )
}

/// A waiting task is idle, a running task is running, and both times are counted.
pub(super) fn states<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    let patience = case.patience();
    case.run(
        move |adapter, stage| async move {
            let works = {
                let stage = stage.clone();
                async move {
                    stage.reached(1).await;
                    stage.block(2, patience);
                }
            };
            insight_probe::task_name("works", || adapter.spawn(works)).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            let id = scene.task("works")?.id;
            let idle = scene.until("the state idle of a waiting task", |reported| {
                let stats = reported.model.tasks.get(&id)?.stats()?;
                (stats.state == Some(TaskState::Idle) && stats.polls > 0).then_some(stats)
            })?;
            same(
                "the polls and wakes of a task that has waited since its first poll",
                &(idle.polls, idle.wakes),
                &(1, 0),
            )?;
            scene.stage.open(1);
            let running = scene.until("the state running of a running task", |reported| {
                let stats = reported.model.tasks.get(&id)?.stats()?;
                (stats.state == Some(TaskState::Running)).then_some(stats)
            })?;
            let counted = (running.polls, running.wakes, running.woken_by);
            same("the polls, the wakes and the waking task of a task in its second poll", &counted, &(1, 1, None))?;
            let times = [running.running_ns, running.scheduled_ns, running.idle_ns];
            expect("the times running, scheduled and idle", times.iter().all(|it| *it > 0), &times, &"more than 0")
        },
    )
}

/// A wake names the task that did it.
pub(super) fn wakes<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    case.run(
        |adapter, stage| async move {
            let inner = Stage::default();
            let woken = {
                let (inner, stage) = (inner.clone(), stage.clone());
                async move {
                    inner.reached(1).await;
                    stage.reached(2).await;
                }
            };
            insight_probe::task_name("woken", || adapter.spawn(woken)).detach();
            let wakes = {
                let stage = stage.clone();
                async move {
                    stage.reached(1).await;
                    inner.open(1);
                    stage.reached(2).await;
                }
            };
            insight_probe::task_name("wakes", || adapter.spawn(wakes)).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            let (woken, wakes) = (scene.task("woken")?.id, scene.task("wakes")?.id);
            scene.until("the first poll of both tasks", |reported| {
                let polls = |id| reported.model.tasks.get(id).and_then(|task| Some(task.stats().as_ref()?.polls));
                (polls(&woken) == Some(1) && polls(&wakes) == Some(1)).then_some(())
            })?;
            scene.stage.open(1);
            let stats = scene.until("a second poll", |reported| {
                let stats = reported.model.tasks.get(&woken)?.stats()?;
                (stats.polls == 2).then_some(stats)
            })?;
            let counted = (stats.wakes, stats.self_wakes, stats.woken_by);
            same("the wakes of a task, its self-wakes and its waking task", &counted, &(1, 0, Some(wakes)))
        },
    )
}

/// The number of wakers that an unobserved place holds.
pub(super) fn foreign_wakers<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    // No waker of the task `forgotten` is left, so it is stuck.
    case.expects_hang = true;
    case.run(
        |adapter, stage| async move {
            insight_probe::task_name("waits", || adapter.spawn(stage.reached(1))).detach();
            let forgotten = insight_probe::task_name("forgotten", || adapter.spawn(pending()));
            stage.reached(Stage::END).await;
            forgotten.cancel();
        },
        |scene| {
            for (name, expected) in [("waits", 1), ("forgotten", 0)] {
                let id = scene.task(name)?.id;
                let foreign = scene.until(&format!("the wakers of `{name}`"), |reported| {
                    let stats = reported.model.tasks.get(&id)?.counters()?;
                    (stats.state == Some(TaskState::Idle) && stats.polls > 0).then_some(stats.foreign_wakers)
                })?;
                same(&format!("the foreign wakers of `{name}`"), &foreign, &expected)?;
            }
            Ok(())
        },
    )
}

/// A task that joins another one waits for the end of that task.
pub(super) fn joins<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    case.run(
        |adapter, stage| async move {
            let joined = insight_probe::task_name("joined", || adapter.spawn(stage.reached(1))); // is joined
            let joiner = async move {
                joined.await;
            };
            insight_probe::task_name("joiner", || adapter.spawn(joiner)).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            let wait = scene.wait("joiner")?;
            same("the operation that waits", &wait.operation, &Operation::Join)?;
            same("the kind of the resource", &wait.resource.kind, &ResourceKind::Join)?;
            at("is joined").check("a join, at the spawn of its task", wait.resource.location.as_deref())?;
            scene.unblocked_by(&wait, &["joined"])
        },
    )
}
