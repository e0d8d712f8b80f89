//! Tasks: that they are told, how they end, what they do meanwhile, and who wakes them.

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

/// Each task once, with its name, kind, place and parent; and the `block_on` around them.
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
            let kinds: Vec<&str> = scene.tasks().map(|task| task.kind.as_str()).collect();
            same("the kinds of a `block_on` and three tasks", &kinds, &vec!["block_on", "task", "task", "task"])?;
            let root = scene.tasks().next().cloned().ok_or("no task")?;
            let runs = At::comment("", include_str!("scene.rs"), "runs the program");
            let root_at = root.location.as_deref().map(|location| location.place.line);
            same("the line of the `block_on`", &root_at, &Some(runs.line))?;
            for task in scene.tasks() {
                same("the executor of a task", &task.executor.as_deref(), &Some(executor))?;
                expect("that a task is seen as a whole", !task.partial, &task, &"not `partial`")?;
                if task.kind == TaskKind::Task {
                    at("is spawned").check("the spawn", task.location.as_deref())?;
                    same("who spawned a task", &task.parent(), &Some(root.id))?;
                    let name = task.name.as_deref().unwrap_or_default();
                    expect("the name of a task", name.ends_with("tasks::is_spawned"), &name, &"its future's type")?;
                }
            }
            Ok(())
        },
    )
}

/// Returned, panicked and cancelled, as is told and as its handle says; a detached task runs to its end.
pub(super) fn ends<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    let joined: Arc<Mutex<Vec<Outcome>>> = Arc::default();
    let joins = joined.clone();
    case.run(
        |adapter, stage| async move {
            let returns = insight_probe::task_name("returns", || adapter.spawn(async {}));
            // Past the hook: a panic that is meant to be needs no message.
            let panics = async { resume_unwind(Box::new("as it is meant to")) };
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
                let ended = scene.until(&format!("the end of `{name}`"), |seen| seen.ended.get(&id).cloned())?;
                same(&format!("the end of `{name}`"), &ended, &vec![outcome])?;
            }
            let joined = joined.lock().unwrap_or_else(PoisonError::into_inner).clone();
            same("what the handles say", &joined, &vec![Outcome::Returned, Outcome::Panicked])
        },
    )
}

/// Idle while it waits, running while it runs, and the time of both.
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
            let idle = scene.until("that a task which waits is idle", |seen| {
                let stats = seen.model.tasks.get(&id)?.stats()?;
                (stats.state == Some(TaskState::Idle) && stats.polls > 0).then_some(stats)
            })?;
            same("the polls and wakes of a task that waits since its first poll", &(idle.polls, idle.wakes), &(1, 0))?;
            scene.stage.open(1);
            let running = scene.until("that a task which runs is running", |seen| {
                let stats = seen.model.tasks.get(&id)?.stats()?;
                (stats.state == Some(TaskState::Running)).then_some(stats)
            })?;
            let told = (running.polls, running.wakes, running.woken_by);
            same("the polls and wakes of a task in its second poll, and who woke it", &told, &(1, 1, None))?;
            let times = [running.running_ns, running.scheduled_ns, running.idle_ns];
            expect("its times running, scheduled, idle", times.iter().all(|it| *it > 0), &times, &"more than 0")
        },
    )
}

/// Which task woke which.
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
            scene.until("that both wait", |seen| {
                let polls = |id| seen.model.tasks.get(id).and_then(|task| Some(task.stats().as_ref()?.polls));
                (polls(&woken) == Some(1) && polls(&wakes) == Some(1)).then_some(())
            })?;
            scene.stage.open(1);
            let stats = scene.until("a second poll", |seen| {
                let stats = seen.model.tasks.get(&woken)?.stats()?;
                (stats.polls == 2).then_some(stats)
            })?;
            let told = (stats.wakes, stats.self_wakes, stats.woken_by);
            same("how often a task was woken, by itself, and by whom", &told, &(1, 0, Some(wakes)))
        },
    )
}

/// How many wakers are held by something that is not seen.
pub(super) fn foreign_wakers<A: Adapter>(case: &mut Case<'_, A>) -> Result<(), String> {
    // One of the tasks is forgotten by all that could wake it.
    case.hangs = true;
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
                let foreign = scene.until(&format!("the wakers of `{name}`"), |seen| {
                    let stats = seen.model.tasks.get(&id)?.counters()?;
                    (stats.state == Some(TaskState::Idle) && stats.polls > 0).then_some(stats.foreign_wakers)
                })?;
                same(&format!("the foreign wakers of `{name}`"), &foreign, &expected)?;
            }
            Ok(())
        },
    )
}

/// Who waits for the end of a task waits for that task.
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
            same("the kind of what is waited for", &wait.resource.kind, &ResourceKind::Join)?;
            at("is joined").check("a join, which is where its task was spawned", wait.resource.location.as_deref())?;
            scene.freed_by(&wait, &["joined"])
        },
    )
}
