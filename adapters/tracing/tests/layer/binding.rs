//! Facts from the binding's own spans and events, which the tests send by hand.

use crate::common::{Bench, bench, edges, named, summary};
use insight_model::Model;
use insight_protocol::{Outcome, TaskState};
use tracing::field::Empty;
use tracing::{Span, trace, trace_span};

fn task(id: u64, name: &str) -> Span {
    trace_span!(target: "insight", parent: None, "task", id, kind = "task", name, file = "toy.rs", line = 7_u64,
        column = 3_u64, parent = Empty, executor = "toy", executor_task_id = 70 + id, future_bytes = 99_u64, outcome = Empty)
}

fn resource(id: u64, kind: &str) -> Span {
    trace_span!(target: "insight", parent: None, "resource", id, kind, name = "r", file = "toy.rs", line = 8_u64,
        column = 1_u64, task = 1_u64, capacity = 2_u64)
}

fn wait(id: u64, task: u64, resource: u64, operation: &str) -> Span {
    trace_span!(target: "insight", parent: None, "wait", id, task, resource, operation, reason = "for a reason", need = 1_u64,
        file = "toy.rs", line = 9_u64, column = 2_u64, outcome = Empty)
}

fn hold(id: u64, task: u64, resource: u64, mode: &str) -> Span {
    trace_span!(target: "insight", parent: None, "hold", id, task, resource, mode, units = 1_u64, outcome = Empty)
}

fn party(id: u64, task: u64, resource: u64, role: &str) -> Span {
    trace_span!(target: "insight", parent: None, "party", id, task, resource, role, exclusive = true, outcome = Empty)
}

fn state(model: &Model, name: &str) -> Option<TaskState> {
    named(model, name).and_then(insight_model::Task::state)
}

/// Two emitters may not use the same ID at once, so the tests take turns.
fn each(test: impl FnOnce(&mut Bench)) {
    test(&mut bench());
}

#[test]
fn a_task_and_its_polls() {
    each(|bench| {
        let span = task(1, "reader");
        let model = bench.sample();
        let reader = named(model, "reader").unwrap();
        let location = &reader.origin.location.clone().unwrap().place;
        assert_eq!((location.file.as_ref(), location.line, location.column), ("toy.rs", 7, 3));
        assert_eq!((reader.executor_task_id(), reader.origin.future_bytes), (Some(71), Some(99)));
        assert_eq!((reader.origin.kind.as_str(), reader.origin.executor.as_deref()), ("task", Some("toy")));
        assert_eq!(state(model, "reader"), Some(TaskState::Scheduled));
        {
            let _poll = span.enter();
            assert_eq!(state(bench.sample(), "reader"), Some(TaskState::Running));
        }
        assert_eq!(state(bench.sample(), "reader"), Some(TaskState::Idle));
        trace!(target: "insight", r#type = "task.woken", task = 1_u64);
        assert_eq!(state(bench.sample(), "reader"), Some(TaskState::Scheduled));
        span.in_scope(|| trace!(target: "insight", r#type = "task.woken", task = 1_u64, by = 1_u64));
        let stats = named(bench.sample(), "reader").unwrap().stats().unwrap();
        assert_eq!((stats.polls, stats.wakes, stats.self_wakes), (2, 2, 1));
        assert_eq!(stats.foreign_wakers, 1, "their number is unreported");
        trace!(target: "insight", r#type = "task.foreign_wakers", task = 1_u64, count = 0_u64);
        assert_eq!(named(bench.sample(), "reader").unwrap().stats().unwrap().foreign_wakers, 0);
        let capabilities: Vec<String> = bench.recorder.header().capabilities.iter().map(ToString::to_string).collect();
        for expect in ["tasks", "task.times", "task.foreign_wakers"] {
            assert!(capabilities.iter().any(|it| it == expect), "{expect}: {capabilities:?}");
        }
        assert!(bench.recorder.header().executors.iter().any(|executor| executor.name == "toy"));
    });
}

#[test]
fn the_outcome_of_a_task() {
    let check = |outcome: Option<&str>, expect: Outcome| {
        each(|bench| {
            let (span, on, lock) = (task(1, "ends"), resource(1, "mutex"), hold(1, 1, 1, "exclusive"));
            bench.sample();
            if let Some(outcome) = outcome {
                span.record("outcome", outcome);
            }
            drop(span);
            // Its hold keeps the ended task in the stream.
            assert_eq!(named(bench.sample(), "ends").unwrap().outcome().cloned(), Some(expect));
            drop((lock, on));
        });
    };
    check(Some("returned"), Outcome::Returned);
    check(Some("cancelled"), Outcome::Cancelled);
    check(None, Outcome::Unseen);
}

#[test]
fn an_edge_has_the_fields_of_its_span() {
    let check = |open: fn() -> Vec<Span>, expect: &str| {
        each(|bench| {
            let both = [task(1, "a"), task(2, "b")];
            let channel = resource(1, "channel");
            let lock = resource(2, "mutex");
            let spans = open();
            assert_eq!(edges(bench), expect);
            drop(spans);
            assert_eq!(edges(bench), "");
            drop((both, channel, lock));
            bench.until(|model| model.resources.is_empty().then_some(()));
        });
    };
    check(|| vec![wait(1, 1, 1, "send")], "a waits send 1 channel");
    check(|| vec![wait(1, 1, 1, "com.example.stare")], "a waits com.example.stare 1 channel");
    check(|| vec![hold(1, 2, 2, "exclusive")], "b holds exclusive mutex");
    check(|| vec![hold(1, 1, 2, "shared"), hold(2, 2, 2, "shared")], "a holds shared mutex; b holds shared mutex");
    check(|| vec![party(1, 2, 1, "receiver")], "b receiver channel exclusive");
    // A release is late, but the stream never has two exclusive holds.
    check(|| vec![hold(1, 1, 2, "exclusive"), hold(2, 2, 2, "exclusive")], "b holds exclusive mutex");
    check(|| vec![hold(1, 1, 2, "shared"), hold(2, 2, 2, "exclusive")], "b holds exclusive mutex");
    // A span that names something unknown is ignored.
    check(|| vec![wait(1, 9, 1, "send"), hold(1, 1, 9, "shared")], "");
    // A span with an ID in use is ignored.
    check(|| vec![task(1, "c"), resource(1, "mutex"), wait(1, 1, 1, "recv")], "a waits recv 1 channel");
}

#[test]
fn a_wait_says_where_and_how_it_ended() {
    each(|bench| {
        let (a, channel, waits) = (task(1, "a"), resource(1, "channel"), wait(1, 1, 1, "send"));
        let model = bench.sample();
        let edge = model.edges.values().next().unwrap();
        let place = &edge.location.clone().unwrap().place;
        assert_eq!((place.file.as_ref(), place.line), ("toy.rs", 9));
        waits.record("outcome", "claimed");
        drop((waits, a, channel));
        assert_eq!(edges(bench), "");
    });
}

#[test]
fn what_changes_of_a_resource() {
    each(|bench| {
        let (a, channel) = (task(1, "a"), resource(1, "channel"));
        let created = bench.sample().resources.values().next().unwrap().clone();
        assert_eq!((created.capacity, created.length, created.senders), (Some(2), None, None));
        trace!(target: "insight", r#type = "resource.updated", resource = 1_u64, length = 2_u64, senders = 3_u64, name = "late");
        let updated = bench.sample().resources.values().next().unwrap().clone();
        assert_eq!((updated.length, updated.senders, updated.receivers), (Some(2), Some(3), None));
        assert_eq!(updated.name.as_deref(), Some("late"));
        drop((a, channel));
    });
}

#[test]
fn a_poll_belongs_to_its_thread() {
    each(|bench| {
        // Spans are left in another order than they were entered, and one on another thread. Nothing breaks.
        let (a, b) = (task(1, "a"), task(2, "b"));
        let (first, second) = (a.clone().entered(), b.clone().entered());
        drop(first);
        drop(second);
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        dispatch.enter(&a.id().unwrap());
        std::thread::scope(|scope| scope.spawn(|| dispatch.exit(&a.id().unwrap())).join().unwrap());
        dispatch.exit(&a.id().unwrap());
        assert_eq!(state(bench.sample(), "a"), Some(TaskState::Idle));
        assert_eq!(summary(bench.sample()), "");
        drop((a, b));
    });
}

#[test]
fn spans_of_another_target_or_level_are_the_programs() {
    each(|bench| {
        let spans = [
            trace_span!(target: "other", "task", id = 1_u64, name = "no"),
            tracing::info_span!(target: "insight", "task", id = 1_u64, name = "no"),
            trace_span!(target: "insight", "journey", id = 1_u64, name = "no"),
            trace_span!(target: "insight", "task", name = "no"),
        ];
        assert_eq!(bench.sample().tasks.len(), 0);
        drop(spans);
    });
}
