//! The tasks that a capture released.

use crate::scenario::{MS, SETTLE_NS, scenario};
use Release::{Panic, Progress, ReadyWait};
use insight_model::{Model, Release, Watch};
use insight_protocol::*;

/// The problems after these tasks were released, each a second after the one before: `kind tier severity: title`.
fn problems(facts: &str, released: &[(u64, Release)]) -> Vec<String> {
    let (model, problems) = after(facts, released, 0);
    assert!(problems.iter().all(|problem| problem.tasks.is_empty()), "the tasks run on");
    drop(model);
    let words = |it: &Problem| format!("{} {} {}: {}", it.kind, it.tier.as_str(), it.severity, it.title);
    problems.iter().map(words).collect()
}

fn after(facts: &str, released: &[(u64, Release)], later_ns: u64) -> (Model, Vec<Problem>) {
    let mut model = scenario(facts);
    let mut watch = Watch::new(SETTLE_NS);
    for (id, release) in released {
        watch.released(model.before_capture(TaskId(*id)), *release, model.told_ns);
        let at_ns = model.told_ns + 1000 * MS;
        model.apply(&StreamHeartbeat::new(at_ns).into());
    }
    model.apply(&StreamHeartbeat::new(model.told_ns + later_ns).into());
    let mut out = Vec::new();
    watch.check(&model, &mut out);
    out.iter().for_each(|message| model.apply(message));
    let problems = model.problems().problems;
    (model, problems)
}

const NOTICE: &str = "released_by_capture suspected notice: released by a capture: task 1 (a) made progress only because insight \
                      polled it";

#[test]
fn one_released_task_is_a_notice() {
    assert_eq!(problems("task a timer", &[(1, Progress)]), [NOTICE]);
    let (_, problems) = after("task a timer", &[(1, Progress)], 0);
    assert_eq!(
        problems[0].explanation,
        ["Nothing had woken task 1 (a). insight polled it to learn its awaits, and it made progress."]
    );
}

#[test]
fn a_task_that_was_released_from_a_ready_wait_has_lost_its_wakeup() {
    const LOST: &str =
        "lost_wakeup suspected hang: lost wake-up: task 1 (a) made progress only because insight polled it";
    assert_eq!(problems("mutex m\ntask a\na locks m", &[(1, ReadyWait)]), [LOST]);
    // A timer or io may be ready before its wake.
    assert_eq!(problems("resource t timer\ntask a\na sleep t", &[(1, ReadyWait)]), [NOTICE]);
}

#[test]
fn the_third_released_task_of_a_place_has_lost_its_wakeup() {
    let kinds = |facts: &str, released: &[u64]| {
        let released: Vec<_> = released.iter().map(|id| (*id, Progress)).collect();
        let words = problems(facts, &released).into_iter();
        words.map(|it| it.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    const LOCKS: &str = "mutex m\ntask a\na locks m";
    assert_eq!(kinds(LOCKS, &[1, 1]), ["released_by_capture"]);
    assert_eq!(kinds(LOCKS, &[1, 1, 1]), ["lost_wakeup"]);
    // Something unobserved may be a timer.
    assert_eq!(kinds(&LOCKS.replace("task a", "task a timer"), &[1, 1, 1]), ["released_by_capture"]);
    assert_eq!(kinds("resource t timer\ntask a\na sleep t", &[1, 1, 1, 1]), ["released_by_capture"]);
    // Each line of the facts is another place.
    assert_eq!(kinds("task a\ntask b\ntask c", &[1, 2, 3]), ["released_by_capture"; 3]);
}

#[test]
fn a_task_that_panicked_in_a_capture_is_a_notice_and_no_lost_wakeup() {
    const FACTS: &str = "mutex m\ntask a\na locks m";
    let (_, found) = after(FACTS, &[(1, Panic)], 0);
    assert_eq!((found[0].kind.clone(), found[0].severity), (ProblemKind::ReleasedByCapture, Severity::Notice));
    assert_eq!(found[0].title, "released by a capture: task 1 (a) panicked when insight polled it");
    let expect =
        "Nothing had woken task 1 (a). insight polled it to learn its awaits, and this poll panicked. It had waited ";
    assert!(found[0].explanation[0].starts_with(expect), "{:?}", found[0].explanation);
    let kind = |released: &[Release]| {
        let released: Vec<_> = released.iter().map(|release| (1, *release)).collect();
        problems(FACTS, &released).concat()
    };
    assert!(kind(&[Panic; 5]).starts_with("released_by_capture"));
    assert!(kind(&[Progress, Progress, Panic]).starts_with("released_by_capture"));
    assert!(
        kind(&[Progress, Progress, Progress, Panic])
            .ends_with("lost wake-up: task 1 (a) made progress only because insight polled it")
    );
}

#[test]
fn a_release_is_forgotten_after_five_minutes() {
    let count = |later_ms: u64| after("task a timer", &[(1, Progress)], later_ms * MS).1.len();
    assert_eq!((count(298_000), count(300_000)), (1, 0));
}

#[test]
fn a_wait_is_ready_if_its_resource_alone_says_so() {
    let ready = |facts: &str| scenario(facts).has_ready_wait(TaskId(1));
    for (facts, expect) in [
        ("mutex m\ntask a\na locks m", true),
        ("mutex m\ntask a\na locks m unpolled", false),
        ("mutex m\ntask a\na locks m granted=5000", false),
        ("mutex m\ntask a\ntask b\na locks m\nb holds m", false),
        ("mutex m\ntask a\ntask b\na locks m @9\nb locks m @8", false),
        ("channel q 1/2 senders=1 receivers=1\ntask a\na recvs q", true),
        ("channel q 0/2 senders=1 receivers=1\ntask a\na recvs q", false),
        ("channel q 1/2 senders=1 receivers=1\ntask a\na sends q", true),
        ("channel q 2/2 senders=1 receivers=1\ntask a\na sends q", false),
        ("channel q 1/2 senders=1 receivers=1\ntask a\na reserves q need=2", false),
        ("join j\ntask a\na joins j", false),
        ("task a timer", false),
    ] {
        assert_eq!(ready(facts), expect, "{facts}");
    }
}
