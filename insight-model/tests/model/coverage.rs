use crate::scenario::MS;
use insight_model::{Model, ObservedTasks};
use insight_protocol::*;

fn executor(name: &str, unobserved_tasks: Option<u64>) -> ExecutorCoverage {
    with!(ExecutorCoverage::new(name, "1.0"), unobserved_tasks)
}

fn package(name: &str, covered: bool, reason: Option<&str>) -> PackageCoverage {
    with!(PackageCoverage::new(name, "2.0", covered), reason = reason.map(str::to_owned))
}

fn coverage(executors: Vec<ExecutorCoverage>, packages: Option<Vec<PackageCoverage>>) -> StreamCoverage {
    with!(StreamCoverage::default(), executors, packages, at_ns = 10 * MS)
}

/// A model with this number of tasks of `tokio`, and with a partial task if there are any.
fn model(tasks: u64, coverage: Option<StreamCoverage>) -> Model {
    let mut messages: Vec<Message> = vec![DefineString::new(StringId(1), "tokio").into()];
    let spawned = |id, partial| with!(TaskSpawned::default(), id = TaskId(id), executor = Some(StringId(1)), partial);
    messages.extend((1..=tasks).map(|id| spawned(id, false).into()));
    if tasks > 0 {
        messages.push(spawned(100, true).into());
    }
    messages.extend(coverage.map(Message::from));
    let mut model = Model::default();
    messages.iter().for_each(|message| model.apply(message));
    model
}

#[test]
fn coverage_is_shown_in_words() {
    let check = |tasks, sent: Option<StreamCoverage>, partly: bool, expect: &str| {
        let model = model(tasks, sent);
        assert_eq!(model.coverage_text(&ObservedTasks::of(&model)), expect);
        assert_eq!(model.is_partly_observed(), partly, "{expect}");
    };
    let tokio = |count| vec![executor("tokio", count)];
    check(3, None, false, "coverage: unknown");
    check(0, Some(coverage(vec![], None)), true, "observed: no runtime · dependencies: unknown");
    check(0, Some(coverage(tokio(Some(0)), None)), false, "observed: no task of tokio 1.0 · dependencies: unknown");
    check(
        1,
        Some(coverage(tokio(Some(0)), Some(vec![]))),
        false,
        "observed: the only task of tokio 1.0 · dependencies: all covered",
    );
    check(
        3,
        Some(coverage(tokio(Some(0)), Some(vec![package("a", true, None)]))),
        false,
        "observed: all 3 tasks of tokio 1.0 · dependencies: all covered",
    );
    check(
        3,
        Some(coverage(vec![executor("tokio", Some(2)), executor("smol", None)], None)),
        true,
        "observed: 3 of 5 tasks of tokio 1.0, 0 tasks of smol 1.0 (others unknown) · dependencies: unknown",
    );
    for (awaits_of, words) in [
        (AwaitsOf::All, ""),
        (AwaitsOf::Problems, "awaits: only of tasks with a problem · "),
        (AwaitsOf::NoTask, "awaits: off · "),
        ("new".into(), ""),
    ] {
        let coverage = with!(coverage(tokio(Some(0)), None), awaits_of = Some(awaits_of));
        check(
            1,
            Some(coverage),
            false,
            &format!("observed: the only task of tokio 1.0 · {words}dependencies: unknown"),
        );
    }
    let reason = Some("only awaits show these waits");
    let packages = vec![package("a", false, reason), package("b", false, None), package("c", false, reason)];
    let mut long = coverage(tokio(None), Some(packages));
    long.packages_left_out = 7;
    check(
        1,
        Some(long),
        true,
        "observed: 1 task of tokio 1.0 (others unknown) · not covered: a 2.0, c 2.0 (only awaits show these waits), \
         b 2.0, and 7 packages that are not listed",
    );
}

#[test]
fn an_empty_model_has_a_reason() {
    let check = |executors: Option<Vec<ExecutorCoverage>>, expect: &str| {
        let model = model(0, executors.map(|executors| coverage(executors, None)));
        assert_eq!(model.why_empty().as_deref(), Some(expect));
    };
    check(None, "No task is observed. Whether there are others is unknown.");
    check(Some(vec![]), "No task is observed: the program has used no runtime that insight observes.");
    check(Some(vec![executor("tokio", Some(0))]), "No task is alive.");
    check(Some(vec![executor("tokio", Some(8))]), "All live tasks are unobserved: tokio 1.0 has 8 of them.");
    check(
        Some(vec![executor("tokio", Some(0)), executor("smol", None)]),
        "No task is observed. Whether smol 1.0 has others is unknown.",
    );
    assert_eq!(model(1, None).why_empty(), None);
}

#[test]
fn the_latest_coverage_holds_until_a_snapshot_begins() {
    let mut model = model(0, Some(coverage(vec![executor("tokio", Some(8))], None)));
    let later = with!(coverage(vec![executor("tokio", Some(2))], None), at_ns = 20 * MS);
    model.apply(&later.clone().into());
    assert_eq!(model.coverage, Some(later));
    model.apply(&with!(SnapshotBegin::default(), at_ns = 30 * MS).into());
    assert_eq!(model.coverage, None);
}
