//! Locks: a task holds the lock, another waits for it, and the hold ends before the lock is free.

use super::contract;
use super::scene::{At, Fact, Running, is_edge};
use super::stage::{Stage, StoppedWake};
use insight_model::EdgeBody;
use insight_model::resource_kind::{self, UnitKind};
use insight_protocol::adapter::{Adapter, Lock, Spawned};
use insight_protocol::{Capability, HoldMode, Message, Operation, ProblemKind, ResourceKind};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("locks.rs"), comment)
}

/// Time for which a wake is stopped. A lock may wake while it is locked itself, and then nothing can be found.
const STOPPED: Duration = Duration::from_secs(1);

/// The operation of [`Lock::acquire`].
fn operation<L: Lock>() -> Operation {
    match L::KIND {
        ResourceKind::Rwlock => Operation::Write,
        ResourceKind::Semaphore => Operation::Acquire,
        _ => Operation::Lock,
    }
}

/// The hold and the wait are at their `.await`. After the release, the waiting task holds the lock.
pub(super) fn held<A: Adapter, L: Lock>(case: &mut Running<'_, A>) {
    case.run(
        |adapter, stage| async move {
            let lock = Arc::new(L::new()); // is created
            let (actor, locks) = (stage.actor("has"), lock.clone());
            let has = stage.actor("has").plays(async move {
                let _guard = locks.acquire().await; // takes it
                actor.reached(2).await;
            });
            insight_probe::task_name("has", || adapter.spawn(has)).detach();
            let actor = stage.actor("waits");
            let waits = stage.actor("waits").plays(async move {
                actor.reached(1).await;
                let _guard = lock.acquire().await; // waits for it
                actor.reached(3).await;
            });
            insight_probe::task_name("waits", || adapter.spawn(waits)).detach();
            stage.over().await;
        },
        |scene| {
            scene.program("`has` has the lock", |stage| stage.act("has").waits_at(2))?;
            let (edge, lock) = scene.hold("has", at("takes it"))?;
            let EdgeBody::Hold { mode, units, .. } = &edge.body else { return Ok(()) };
            let expected = match resource_kind::of(&L::KIND).units {
                UnitKind::Permits => HoldMode::Permit,
                UnitKind::Lock | UnitKind::ReadWriteLock | UnitKind::Room | UnitKind::Unknown => HoldMode::Exclusive,
            };
            let fact = Fact {
                rule: "fields.meaning",
                about: "the mode and the units of the hold of `has`".to_owned(),
                expected: format!(r#"{{"type":"edge.hold","id":{},"mode":"{expected}","units":1}}"#, edge.id),
            };
            scene.check((mode, *units) == (&expected, 1), fact, is_edge(&edge));
            scene.check_kind(&lock, &L::KIND);
            scene.check_made_at(&lock, at("is created"));
            scene.open(1);
            scene.program("`waits` waits for the lock", |stage| stage.act("waits").waits_after(1))?;
            if let Ok(wait) = scene.wait("waits") {
                scene.check_wait(&wait, &[operation::<L>()], &L::KIND, Some(at("waits for it")));
                let fact = Fact {
                    rule: "fields.meaning",
                    about: "the resource of the wait of `waits`".to_owned(),
                    expected: format!(r#"{{"type":"edge.wait","id":{},"resource":{}}}"#, wait.edge.id, lock.id),
                };
                scene.check(wait.resource.id == lock.id, fact, is_edge(&wait.edge));
            }
            scene.open(2);
            scene.program("`waits` has the lock", |stage| stage.act("waits").waits_at(3))?;
            let (edge, then) = scene.hold("waits", at("waits for it"))?;
            let fact = Fact {
                rule: "fields.meaning",
                about: "the resource of the hold of `waits`".to_owned(),
                expected: format!(r#"{{"type":"edge.hold","id":{},"resource":{}}}"#, edge.id, lock.id),
            };
            scene.check(then.id == lock.id, fact, is_edge(&edge));
            let id = edge.task;
            let fact = Fact {
                rule: "edge.wait.ends",
                about: "the end of the wait of `waits`, which has the lock".to_owned(),
                expected: r#"{"type":"edge.closed","outcome":"claimed"}"#.to_owned(),
            };
            let of_waits = move |message: &Message| matches!(message, Message::EdgeWait(wait) if wait.task == id);
            scene.fact_like(fact, of_waits, |reported, _| reported.model.waits_of_task(id).is_empty().then_some(()))
        },
    );
}

/// The hold ends before other code can take the lock. The other code is the suite's own thread, which waits for the lock and
/// tries to take it while its wake stops the thread that releases the lock.
pub(super) fn released<A: Adapter, L: Lock>(case: &mut Running<'_, A>) {
    let lock = Arc::new(L::new());
    let locks = lock.clone();
    let hung_after = case.limits.hung_after;
    case.run(
        |adapter, stage| async move {
            let actor = stage.actor("has");
            let has = stage.actor("has").plays(async move {
                let _guard = locks.acquire().await; // has it
                actor.reached(1).await;
            });
            insight_probe::task_name("has", || adapter.spawn(has)).detach();
            stage.over().await;
        },
        // It drops the lock at its end.
        move |scene| {
            scene.program("`has` has the lock", |stage| stage.act("has").waits_at(1))?;
            let (hold, resource) = scene.hold("has", at("has it"))?;
            let woken = Stage::default();
            let stopped = StoppedWake { woken: woken.clone(), limit: STOPPED };
            let waker = Waker::from(Arc::new(stopped));
            let mut acquire = pin!(lock.acquire());
            let mut try_to_take = || acquire.as_mut().poll(&mut Context::from_waker(&waker));
            let lock_fact = |about: &str, expected: &str| Fact {
                rule: contract::LOCK,
                about: about.to_owned(),
                expected: expected.to_owned(),
            };
            if try_to_take().is_ready() {
                let fact = lock_fact("the lock that `has` has", "no other code can take it");
                scene.check(false, fact, is_edge(&hold));
                return Ok(());
            }
            scene.step("other code waits for the lock".to_owned());
            scene.open(1);
            if !woken.block(1, hung_after) {
                let fact = lock_fact("the lock after its release", "the waiting code is woken");
                scene.check(false, fact, is_edge(&hold));
                woken.open(2);
                return Ok(());
            }
            // If the lock can be taken now, it was free in this sample, too, since the thread that released it stands still. A
            // lock may wake before it is free. Then it stays unknown whether the hold ends in time.
            scene.sample();
            let is_held = scene.holds(hold.task, resource.id);
            let taken = try_to_take();
            woken.open(2);
            if let Poll::Ready(_guard) = taken {
                let fact = Fact {
                    rule: "edge.hold.before-release",
                    about: "the hold of `has`, while other code can take the lock".to_owned(),
                    expected: format!(r#"{{"type":"edge.closed","id":{}}}"#, hold.id),
                };
                scene.check(!is_held, fact, is_edge(&hold));
            }
            Ok(())
        },
    );
}

/// Two tasks take two locks in opposite orders: each waits for the other one.
pub(super) fn in_both_orders<A: Adapter, L: Lock>(case: &mut Running<'_, A>) {
    case.expects_hang = true;
    let listed = case.adapter.descriptor().capabilities;
    let judged = [Capability::TaskTimes, Capability::ForeignWakers].iter().all(|it| listed.contains(it));
    case.run(
        |adapter, stage| async move {
            let (a, b) = (Arc::new(L::new()), Arc::new(L::new()));
            let mut handles = Vec::new();
            for (name, first, second) in [("A/B", a.clone(), b.clone()), ("B/A", b, a)] {
                let actor = stage.actor(name);
                let task = stage.actor(name).plays(async move {
                    let _first = first.acquire().await; // takes one
                    actor.reached(1).await;
                    let _second = second.acquire().await; // is stuck
                });
                handles.push(insight_probe::task_name(name, || adapter.spawn(task)));
            }
            stage.over().await;
            handles.into_iter().for_each(Spawned::cancel);
        },
        |scene| {
            let have = |stage: &Stage| stage.act("A/B").waits_at(1) && stage.act("B/A").waits_at(1);
            scene.program("each task has a lock", have)?;
            let (a_b, b_a) = (scene.hold("A/B", at("takes one"))?, scene.hold("B/A", at("takes one"))?);
            scene.open(1);
            let wait = |stage: &Stage| stage.act("A/B").waits_after(1) && stage.act("B/A").waits_after(1);
            scene.program("each task waits for the other lock", wait)?;
            for (task, other) in [("A/B", "B/A"), ("B/A", "A/B")] {
                let wait = scene.wait(task)?;
                scene.check_wait(&wait, &[operation::<L>()], &L::KIND, Some(at("is stuck")));
                scene.unblocked_by(&wait, "sampled.open-sent", "edge.hold", &[other])?;
            }
            // A task with a foreign waker may make progress: r[task.foreign.may-wake].
            let tasks = BTreeSet::from([a_b.0.task, b_a.0.task]);
            if !judged || tasks.iter().any(|task| scene.may_be_woken(*task)) {
                return Ok(());
            }
            let fact = Fact {
                rule: "problem.kind.deadlock",
                about: "a deadlock of both tasks, which follows from these facts".to_owned(),
                expected: r#"{"type":"problem.raised","problem":{"kind":"deadlock"}}"#.to_owned(),
            };
            scene.fact(fact, |reported, _| {
                let mut found = reported.model.problems.values();
                found
                    .any(|problem| {
                        let of: BTreeSet<_> = problem.tasks.iter().map(|task| task.id).collect();
                        problem.kind == ProblemKind::Deadlock && of == tasks
                    })
                    .then_some(())
            })
        },
    );
}
