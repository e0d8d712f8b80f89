//! Tasks: their spawns, ends, states, wakes and joins.

use super::contract;
use super::scene::{At, Checked, Fact, Running, Scene, is_spawn, is_stats};
use super::stage::{Act, Stage};
use insight_protocol::adapter::{Adapter, Spawned};
use insight_protocol::{Message, Operation, Outcome, ResourceKind, TaskId, TaskKind, TaskState, TaskStats};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("tasks.rs"), comment)
}

/// Number of wakes whose waking task is looked at. An executor may wake a task by itself, and then nothing is known.
const ROUNDS: u32 = 5;

/// Each task is sent once, with its kind, its place and its parent, and so is the `block_on` around them.
pub(super) fn spawned<A: Adapter>(case: &mut Running<'_, A>) {
    const NAMES: [&str; 3] = ["first", "second", "third"];
    let executor = case.adapter.descriptor().name;
    case.run(
        |adapter, stage| async move {
            for name in NAMES {
                let actor = stage.actor(name);
                let waits = actor.clone();
                let task = actor.plays(async move { waits.reached(1).await });
                insight_probe::task_name(name, || adapter.spawn(task)).detach(); // is spawned
            }
            stage.over().await;
        },
        |scene| {
            scene.program("three tasks wait", |stage| NAMES.iter().all(|name| stage.act(name).waits_at(1)))?;
            scene.settle();
            let root = scene.root()?;
            for name in NAMES {
                let task = scene.task(name)?;
                let id = task.id;
                let field = |field: &str, expected: String| Fact {
                    rule: "fields.meaning",
                    about: format!("`{field}` of `{name}`"),
                    expected: format!(r#"{{"type":"task.spawned","id":{id},{expected}}}"#),
                };
                let origin = &task.origin;
                let kind = field("kind", r#""kind":"task""#.to_owned());
                scene.check(origin.kind == TaskKind::Task, kind, is_spawn(id));
                let partial = field("partial", r#""partial":false"#.to_owned());
                scene.check(!origin.partial, partial, is_spawn(id));
                // These two are optional.
                let named = origin.executor.as_deref().is_none_or(|named| named == executor);
                scene.check(named, field("executor", format!(r#""executor":"{executor}""#)), is_spawn(id));
                let parent = task.parent().is_none_or(|parent| parent == root.id);
                scene.check(parent, field("parent", format!(r#""parent":{}"#, root.id)), is_spawn(id));
                scene.check_spawned_at(&task, at("is spawned"));
            }
            let number = scene.tasks_at(at("is spawned"));
            let twice = Fact {
                rule: "task.spawned.once",
                about: format!("the number of tasks at this location, which is {number}"),
                expected: "three lines of `task.spawned`".to_owned(),
            };
            scene.check(number <= NAMES.len(), twice, |message| matches!(message, Message::TaskSpawned(_)));
            Ok(())
        },
    );
}

/// A returned, a panicked and a cancelled task are sent as such. A detached task runs to its end.
pub(super) fn ends<A: Adapter>(case: &mut Running<'_, A>) {
    let joined: Arc<Mutex<Vec<Outcome>>> = Arc::default();
    let joins = joined.clone();
    case.run(
        |adapter, stage| async move {
            let returns = stage.actor("returns").plays(async {});
            let returns = insight_probe::task_name("returns", || adapter.spawn(returns));
            // `resume_unwind` calls no panic hook, so that the expected panic prints no message.
            let panics = stage.actor("panics").plays(async { resume_unwind(Box::new("an expected panic")) });
            let panics = insight_probe::task_name("panics", || adapter.spawn(panics));
            let waits = stage.actor("cancelled");
            let cancelled = stage.actor("cancelled").plays(async move { waits.reached(Stage::END).await });
            let cancelled = insight_probe::task_name("cancelled", || adapter.spawn(cancelled));
            let waits = stage.actor("detached");
            let detached = stage.actor("detached").plays(async move { waits.reached(1).await });
            insight_probe::task_name("detached", || adapter.spawn(detached)).detach();
            let outcomes = vec![returns.await, panics.await];
            *joins.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
            cancelled.cancel();
            stage.over().await;
        },
        |scene| {
            for name in ["returns", "panics", "cancelled", "detached"] {
                if name == "detached" {
                    scene.open(1);
                }
                scene.program(&format!("`{name}` ends"), |stage| stage.act(name).end.is_some())?;
                check_end(scene, name)?;
            }
            let joined = joined.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let about = format!("the outcomes of the handles of `returns` and `panics`, which are {joined:?}");
            let expected = format!("{:?}", [Outcome::Returned, Outcome::Panicked]);
            let as_they_ended = joined == [Outcome::Returned, Outcome::Panicked];
            let completed = |message: &Message| matches!(message, Message::TaskCompleted(_));
            scene.check(as_they_ended, Fact { rule: contract::OUTCOME, about, expected }, completed);
            Ok(())
        },
    );
}

/// Checks that the end of a task is sent as the task itself recorded it.
fn check_end(scene: &mut Scene<'_, '_>, name: &str) -> Checked {
    let Some(outcome) = scene.stage.act(name).end else { return Ok(()) };
    let id = scene.task(name)?.id;
    let expected = format!(r#"{{"type":"task.completed","id":{id},"outcome":"{outcome}"}}"#);
    let about = format!("the end of `{name}`");
    let fact = Fact { rule: "task.completed.sent", about: about.clone(), expected: expected.clone() };
    let Ok(sent) = scene.fact_like(fact, is_stats(id), |reported, _| reported.ended.get(&id).cloned()) else {
        // The ends of the other tasks are still checked.
        return Ok(());
    };
    let completed = |message: &Message| matches!(message, Message::TaskCompleted(completed) if completed.id == id);
    scene.check(sent == outcome, Fact { rule: "fields.meaning", about, expected }, completed);
    Ok(())
}

/// Takes samples until the counters of a task fulfil `fits`, beside the acts that the task recorded.
fn stats(
    scene: &mut Scene<'_, '_>,
    name: &str,
    id: TaskId,
    (rule, expected): (&'static str, &str),
    fits: impl Fn(&TaskStats, &Act) -> bool,
) -> Checked<TaskStats> {
    let fact = Fact {
        rule,
        about: format!("the state and the counters of `{name}`"),
        expected: format!(r#"{{"type":"task.stats","id":{id},{expected}}}"#),
    };
    scene.fact_like(fact, is_stats(id), |reported, stage| {
        let stats = reported.model.tasks.get(&id)?.counters()?;
        fits(&stats, &stage.act(name)).then_some(stats)
    })
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// A waiting task is idle, a task in a poll is running, and both times are counted.
pub(super) fn states<A: Adapter>(case: &mut Running<'_, A>) {
    let limit = case.limits.hung_after;
    case.run(
        move |adapter, stage| async move {
            let works = stage.actor("works");
            let task = stage.actor("works").plays(async move {
                works.reached(1).await;
                works.block(2, limit);
                works.reached(3).await;
            });
            insight_probe::task_name("works", || adapter.spawn(task)).detach();
            stage.over().await;
        },
        |scene| {
            // A wrapper of the future may be polled more often than the future.
            let counted = |stats: &TaskStats, act: &Act| stats.polls >= act.polls_ended && stats.wakes >= act.wakes;
            scene.program("`works` waits", |stage| stage.act("works").waits_at(1))?;
            let id = scene.task("works")?.id;
            let is = ("task.state.idle", r#""state":"idle""#);
            let _ = stats(scene, "works", id, is, |stats, _| stats.state == Some(TaskState::Idle));
            let polls = scene.stage.act("works").polls_ended;
            let is = ("task.stats.sent", &*format!(r#""polls":{polls}"#));
            let _ = stats(scene, "works", id, is, counted);
            scene.settle();
            scene.open(1);
            scene.program("`works` is in a poll", |stage| stage.act("works").is_blocked())?;
            let is = ("task.state.running", r#""state":"running""#);
            let _ = stats(scene, "works", id, is, |stats, _| stats.state == Some(TaskState::Running));
            scene.settle();
            scene.open(2);
            scene.program("`works` waits again", |stage| stage.act("works").waits_at(3))?;
            let act = scene.stage.act("works");
            let is = ("task.stats.sent", &*format!(r#""polls":{},"wakes":{}"#, act.polls_ended, act.wakes));
            let is_idle = |stats: &TaskStats| stats.state == Some(TaskState::Idle);
            let sent = stats(scene, "works", id, is, |stats, act| is_idle(stats) && counted(stats, act))?;
            // The task has measured less than the whole time. A producer may measure coarsely: r[clock.precision].
            let ran = nanoseconds(act.running) / 2;
            let about = "the time that `works` ran".to_owned();
            let expected = format!(r#"{{"type":"task.stats","id":{id},"running_ns":{ran}}} or more"#);
            scene.check(sent.running_ns >= ran, Fact { rule: "fields.meaning", about, expected }, is_stats(id));
            let waited = nanoseconds(act.waiting) / 2;
            let about = "the time that `works` waited".to_owned();
            let expected =
                format!(r#"{{"type":"task.stats","id":{id},"idle_ns":{waited}}} or more, with `scheduled_ns`"#);
            let enough = sent.idle_ns + sent.scheduled_ns >= waited;
            scene.check(enough, Fact { rule: "fields.meaning", about, expected }, is_stats(id));
            Ok(())
        },
    );
}

/// A wake by another task names that task.
pub(super) fn wakes<A: Adapter>(case: &mut Running<'_, A>) {
    let inner = Stage::default();
    let on_inner = inner.clone();
    case.run(
        |adapter, stage| async move {
            let (woken, last) = (on_inner.actor("woken"), stage.actor("woken"));
            let task = stage.actor("woken").plays(async move {
                for round in 1..=ROUNDS {
                    woken.reached(round).await;
                }
                last.reached(Stage::END).await;
            });
            insight_probe::task_name("woken", || adapter.spawn(task)).detach();
            let wakes = stage.actor("wakes");
            let task = stage.actor("wakes").plays(async move {
                for round in 1..=ROUNDS {
                    wakes.reached(round).await;
                    on_inner.open(round);
                }
            });
            insight_probe::task_name("wakes", || adapter.spawn(task)).detach();
            stage.over().await;
        },
        |scene| {
            let counted = |stats: &TaskStats, act: &Act| stats.polls >= act.polls_ended;
            let mut wrong = None;
            for round in 1..=ROUNDS {
                let waiting = |stage: &Stage| {
                    let woken = stage.act("woken").waits() && inner.act("woken").is_at(round);
                    woken && stage.act("wakes").waits_at(round)
                };
                scene.program("both tasks wait", waiting)?;
                let (woken, wakes) = (scene.task("woken")?.id, scene.task("wakes")?.id);
                let polls = scene.stage.act("woken").polls_ended;
                let is = ("task.stats.sent", &*format!(r#""polls":{polls}"#));
                let before = stats(scene, "woken", woken, is, counted)?;
                scene.open(round);
                let done = |stage: &Stage| stage.act("woken").waits() && inner.act("woken").has_passed(round);
                scene.program("`woken` has been woken", done)?;
                let wanted = before.wakes + 1;
                let is = ("task.stats.sent", &*format!(r#""wakes":{wanted}"#));
                let after =
                    stats(scene, "woken", woken, is, |stats, act| stats.wakes >= wanted && counted(stats, act))?;
                // With another number of wakes, the executor has woken it, too.
                let own = after.self_wakes != before.self_wakes;
                if after.wakes == wanted && after.woken_by == Some(wakes) && !own {
                    return Ok(());
                }
                if after.wakes == wanted {
                    wrong = Some((woken, wakes, before.self_wakes, after));
                }
            }
            // A wake by the executor may have come just before one by the task, and counts instead of it. But not in each round.
            let Some((woken, wakes, self_wakes, after)) = wrong else { return Ok(()) };
            let by = Fact {
                rule: "fields.meaning",
                about: "`woken_by` after a wake by `wakes`".to_owned(),
                expected: format!(r#"{{"type":"task.stats","id":{woken},"woken_by":{wakes}}}"#),
            };
            scene.check(after.woken_by == Some(wakes), by, is_stats(woken));
            let own = Fact {
                rule: "fields.meaning",
                about: "`self_wakes` after a wake by another task".to_owned(),
                expected: format!(r#"{{"type":"task.stats","id":{woken},"self_wakes":{self_wakes}}}"#),
            };
            scene.check(after.self_wakes == self_wakes, own, is_stats(woken));
            Ok(())
        },
    );
}

/// While the program keeps a waker of a task, the task has a foreign waker, and its waker is not lost.
pub(super) fn foreign_wakers<A: Adapter>(case: &mut Running<'_, A>) {
    const KEPT: usize = 2;
    case.run(
        |adapter, stage| async move {
            let keeps = stage.actor("keeps");
            let task = stage.actor("keeps").plays(async move { keeps.keeps(KEPT).await });
            let keeps = insight_probe::task_name("keeps", || adapter.spawn(task));
            stage.over().await;
            keeps.cancel();
        },
        |scene| {
            scene.program("`keeps` waits", |stage| stage.act("keeps").waits())?;
            let id = scene.task("keeps")?.id;
            // An executor may keep clones of its own, and a combinator may keep one waker for all of its futures.
            for kept in (1..=KEPT).rev() {
                let is = ("fields.meaning", r#""foreign_wakers":1"#);
                let idle = |stats: &TaskStats| stats.state.is_none_or(|state| state == TaskState::Idle);
                let _ = stats(scene, "keeps", id, is, |stats, _| idle(stats) && stats.foreign_wakers > 0);
                scene.settle();
                let sent = stats(scene, "keeps", id, is, |_, _| true)?;
                let number = Fact {
                    rule: "fields.meaning",
                    about: format!("the foreign wakers while the program keeps {kept}"),
                    expected: format!(r#"{{"type":"task.stats","id":{id},"foreign_wakers":1}} or more"#),
                };
                scene.check(sent.foreign_wakers > 0, number, is_stats(id));
                let lost = Fact {
                    rule: "task.lost-waker.true",
                    about: format!("`lost_waker` while the program keeps {kept}"),
                    expected: format!(r#"{{"type":"task.stats","id":{id},"lost_waker":false}}"#),
                };
                scene.check(!sent.lost_waker, lost, is_stats(id));
                if kept > 1 {
                    scene.step("the program drops one waker".to_owned());
                    scene.stage.drop_kept();
                }
            }
            Ok(())
        },
    );
}

/// A task that joins another one waits for the end of that task.
pub(super) fn joined<A: Adapter>(case: &mut Running<'_, A>) {
    case.run(
        |adapter, stage| async move {
            let waits = stage.actor("joined");
            let task = stage.actor("joined").plays(async move { waits.reached(1).await });
            let joined = insight_probe::task_name("joined", || adapter.spawn(task)); // is joined
            let joiner = stage.actor("joiner").plays(async move {
                joined.await;
            });
            insight_probe::task_name("joiner", || adapter.spawn(joiner)).detach();
            stage.over().await;
        },
        |scene| {
            let waits = |stage: &Stage| stage.act("joiner").waits() && stage.act("joined").waits_at(1);
            scene.program("`joiner` waits", waits)?;
            let wait = scene.wait("joiner")?;
            scene.check_wait(&wait, &[Operation::Join], &ResourceKind::Join, None);
            // The location is optional.
            if wait.resource.location.is_some() {
                scene.check_made_at(&wait.resource, at("is joined"));
            }
            scene.unblocked_by(&wait, "exact.sent", "edge.party", &["joined"])?;
            scene.open(1);
            scene.program("`joiner` ends", |stage| stage.act("joiner").end.is_some())?;
            check_end(scene, "joined")
        },
    );
}
