//! The awaits of tasks in the model.

use crate::scenario::{Builder, MS, SETTLE_NS, scenario};
use insight_model::{KnownAwaits, Model, diagnose, doubted_tasks};
use insight_protocol::*;
use std::collections::BTreeSet;

/// Tasks `a` and `b` of one spawn location that lock the same mutex at one line, and a task `c` of the same location without a wait.
const TASKS: &str = "mutex m
task a timer @1
task b timer
task c timer
a locks m
b locks m";

/// The model of [`TASKS`], with a location of their spawn and one of their waits.
fn model() -> Model {
    let mut model = Model::default();
    Builder::default().add(&mut model, TASKS);
    let spawned = |id| with!(TaskSpawned::default(), id = TaskId(id), location = Some(LocationId(2)));
    let wait = |edge, task| {
        let wait = EdgeWait::new(EdgeId(edge), TaskId(task), ResourceId(1), Operation::Lock, StringId(1), 1, 0);
        with!(wait, location = Some(LocationId(5)))
    };
    let stats = |id| with!(TaskStats::default(), id = TaskId(id), state = Some(TaskState::Idle), polls = 3);
    let edges = model.edges.iter().map(|(id, _)| id.0);
    let closed: Vec<Message> = edges.map(|id| EdgeClosed::new(EdgeId(id), 0).into()).collect();
    closed.iter().for_each(|message| model.apply(message));
    let messages: [Message; 8] = [
        spawned(1).into(),
        spawned(2).into(),
        spawned(3).into(),
        wait(11, 1).into(),
        wait(12, 2).into(),
        stats(1).into(),
        stats(2).into(),
        stats(3).into(),
    ];
    messages.iter().for_each(|message| model.apply(message));
    model
}

fn frame(line: u64, kind: FrameKind) -> AwaitFrame {
    AwaitFrame::new(Some(StringId(1)), Some(LocationId(line)), kind)
}

/// The awaits of task 1: its wait, and a function that is not instrumented.
fn awaits() -> TaskAwaits {
    let lock = Await::new(Some(StringId(1)), vec![frame(5, FrameKind::Dependency), frame(6, FrameKind::Own)]);
    let other = Await::new(Some(StringId(2)), vec![frame(1, FrameKind::Dependency), frame(3, FrameKind::Dependency)]);
    with!(
        TaskAwaits::default(),
        id = TaskId(1),
        polls = 3,
        awaits = vec![with!(lock, edge = Some(EdgeId(11))), other],
        complete = true,
        at_ns = 9 * MS
    )
}

/// `own 1`, `represented 1` or `-`: whether the awaits are those of the task, and the captured task.
fn known(model: &Model, id: u64) -> String {
    match model.awaits(TaskId(id)) {
        None => "-".to_owned(),
        Some(KnownAwaits { awaits, represents: false }) => format!("own {}", awaits.task),
        Some(KnownAwaits { awaits, represents: true }) => format!("represented {}", awaits.task),
    }
}

#[test]
fn the_line_of_an_await_is_the_innermost_own_one() {
    let mut model = model();
    model.apply(&awaits().into());
    let leaves = &model.awaits(TaskId(1)).unwrap().awaits.leaves;
    let line = |leaf: usize| leaves[leaf].line().and_then(|frame| frame.location.as_ref()).unwrap().place.line;
    // Without an own frame, it is the outermost frame of a library.
    assert_eq!((line(0), line(1)), (6, 3));
    assert_eq!(model.await_of(&model.edges[&EdgeId(11)]), Some(&leaves[0]));
    assert_eq!(model.other_awaits(TaskId(1)).collect::<Vec<_>>(), [&leaves[1]]);
}

#[test]
fn a_task_represents_the_idle_tasks_with_its_spawn_location_and_waits() {
    let mut model = model();
    model.apply(&awaits().into());
    assert_eq!([1, 2, 3].map(|id| known(&model, id)), ["own 1", "represented 1", "-"]);
    let leaf = model.await_of(&model.edges[&EdgeId(12)]).unwrap();
    assert_eq!(leaf.edge, Some(EdgeId(11)));
    let running = with!(TaskStats::default(), id = TaskId(2), state = Some(TaskState::Running), polls = 3);
    model.apply(&running.into());
    assert_eq!(known(&model, 2), "-");
    // Its own awaits come first.
    let idle = with!(TaskStats::default(), id = TaskId(2), state = Some(TaskState::Idle), polls = 3);
    model.apply(&idle.into());
    let own = with!(awaits(), id = TaskId(2), awaits = vec![with!(Await::default(), edge = Some(EdgeId(12)))]);
    model.apply(&own.into());
    assert_eq!(known(&model, 2), "own 2");
}

#[test]
fn a_task_without_a_wait_in_own_code_is_represented_by_no_other() {
    let wait = |edge, task, location| {
        let wait = EdgeWait::new(EdgeId(edge), TaskId(task), ResourceId(1), Operation::Lock, StringId(1), 1, 0);
        Message::from(with!(wait, location))
    };
    let library = DefineLocation::new(LocationId(99), "/h/registry/src/i/pool-1.0.0/src/lib.rs", 9, 5);
    for (location, expect) in [(Some(5), "represented 1"), (None, "-"), (Some(99), "-")] {
        let mut model = model();
        model.apply(&library.clone().into());
        let location = location.map(LocationId);
        [wait(21, 1, location), wait(22, 2, location)].iter().for_each(|message| model.apply(message));
        model.apply(&awaits().into());
        assert_eq!(known(&model, 2), expect, "{location:?}");
    }
    // Nothing is known about the awaits of two tasks without waits.
    let mut model = model();
    model.apply(&EdgeClosed::new(EdgeId(11), 0).into());
    model.apply(&awaits().into());
    assert_eq!((known(&model, 1), known(&model, 3)), ("own 1".to_owned(), "-".to_owned()));
}

#[test]
fn awaits_are_forgotten_when_they_are_outdated() {
    let stats = |polls| with!(TaskStats::default(), id = TaskId(1), state = Some(TaskState::Idle), polls);
    let wait = EdgeWait::new(EdgeId(20), TaskId(1), ResourceId(1), Operation::Lock, StringId(1), 1, 0);
    let cases: [(Message, &str); 7] = [
        (stats(3).into(), "own 1"),
        (stats(4).into(), "-"),
        (wait.into(), "-"),
        (EdgeClosed::new(EdgeId(11), 0).into(), "-"),
        (ResourceDropped::new(ResourceId(1), 0).into(), "-"),
        (TaskCompleted::new(TaskId(1), Outcome::Returned, 0).into(), "-"),
        (with!(TaskSpawned::default(), id = TaskId(1), location = Some(LocationId(4))).into(), "-"),
    ];
    for (message, expect) in cases {
        let mut model = model();
        model.apply(&awaits().into());
        model.apply(&message);
        assert_eq!(known(&model, 1), expect, "{message:?}");
    }
    // They came too late.
    let mut model = model();
    model.apply(&stats(4).into());
    model.apply(&awaits().into());
    assert_eq!(known(&model, 1), "-");
}

#[test]
fn awaits_of_an_unknown_task_or_wait_are_not_kept() {
    let mut model = model();
    model.apply(&with!(awaits(), id = TaskId(77)).into());
    assert_eq!(known(&model, 77), "-");
    let of_another = with!(awaits(), awaits = vec![with!(Await::default(), edge = Some(EdgeId(12)))]);
    model.apply(&of_another.into());
    assert_eq!(model.awaits(TaskId(1)).unwrap().awaits.leaves[0].edge, None);
}

#[test]
fn a_new_name_replaces_the_old_one() {
    let mut model = model();
    model.apply(&DefineString::new(StringId(90), "shop::order").into());
    model.apply(&with!(TaskUpdated::default(), id = TaskId(2), name = StringId(90)).into());
    assert_eq!(model.task_label(TaskId(2)), "task 2 (shop::order)");
    assert_eq!(model.task_label(TaskId(3)), "task 3");
}

/// The diagnosis of `a`, which waits for its own lock and has a foreign waker, with these awaits: `tier: unknowns`, or `-`.
fn diagnosed(facts: &str, awaits: impl FnOnce(&Model) -> Vec<TaskAwaits>) -> (Vec<String>, BTreeSet<TaskId>) {
    let mut model = scenario(facts);
    awaits(&model).into_iter().for_each(|message| model.apply(&message.into()));
    let findings = diagnose(&model, SETTLE_NS).into_iter();
    let findings = findings.map(|finding| format!("{}: {}", finding.tier.as_str(), finding.unknowns.join("; ")));
    (findings.collect(), doubted_tasks(&model, SETTLE_NS))
}

/// Complete awaits of task 1: one for each of its waits that are `reached`.
fn captured(model: &Model, reached: impl Fn(EdgeId) -> bool) -> TaskAwaits {
    let waits = model.waits_of_task(TaskId(1)).into_iter().map(|wait| wait.id).filter(|id| reached(*id));
    let awaits = waits.map(|id| with!(Await::default(), edge = Some(id))).collect();
    with!(TaskAwaits::default(), id = TaskId(1), polls = 3, awaits, complete = true)
}

/// r[awaits.foreign]
#[test]
fn an_outdated_foreign_waker_hides_no_deadlock_and_proves_none() {
    const ITSELF: &str = "mutex m\ntask a timer\na holds m\na locks m polled";
    const OUTDATED: &str =
        "suspected: something unobserved has a waker of task 1 (a), which none of its awaits seems to use any more";
    let doubted = |ids: &[u64]| ids.iter().map(|id| TaskId(*id)).collect::<BTreeSet<_>>();
    let check = |awaits: fn(&Model) -> Vec<TaskAwaits>, expect: &[&str], expect_doubted: &[u64]| {
        let (findings, doubts) = diagnosed(ITSELF, awaits);
        assert_eq!(findings, expect);
        assert_eq!(doubts, doubted(expect_doubted));
    };
    check(|_| Vec::new(), &[], &[1]);
    check(|model| vec![captured(model, |_| true)], &[OUTDATED], &[]);
    // A part is missing.
    check(|model| vec![with!(captured(model, |_| true), complete = false)], &[], &[]);
    // A future that is not instrumented may have the waker.
    let with_other = |model: &Model| {
        let awaits = captured(model, |_| true);
        let other = awaits.awaits.iter().cloned().chain([Await::default()]).collect();
        vec![with!(awaits, awaits = other)]
    };
    check(with_other, &[], &[]);
    // It keeps its first waker, or it has none: nothing asked for the waker.
    check(|model| vec![captured(model, |_| false)], &[], &[]);
}

#[test]
fn a_task_is_doubted_only_if_its_foreign_waker_alone_hides_a_finding() {
    let doubted = |facts: &str| diagnosed(facts, |_| Vec::new()).1.into_iter().map(|id| id.0).collect::<Vec<u64>>();
    let none = Vec::<u64>::new();
    // Another way out.
    assert_eq!(doubted("mutex m\ntask a timer\ntask b\nb holds m\na locks m polled"), none);
    assert_eq!(
        doubted("channel q 0/1 senders=1 receivers=1\ntask a timer\na receiver q\na sender q\na recvs q polled"),
        none
    );
    assert_eq!(
        doubted(
            "mutex m\nmutex n\ntask a timer\ntask b timer\ntask c timer\na holds m\nb holds n\na locks n polled
            b locks m polled\nc locks m polled"
        ),
        [1, 2]
    );
}

/// r[awaits.not-polled]
#[test]
fn an_operation_that_a_complete_capture_does_not_reach_is_not_polled() {
    let facts = "mutex m\nmutex n\ntask a\na locks m polled\na locks n polled";
    let polled = |complete: bool, of: &str| {
        let mut model = scenario(&facts.replace("n polled", of));
        let (first, second) = (model.waits_of_task(TaskId(1))[0].id, model.waits_of_task(TaskId(1))[1].id);
        let awaits = captured(&model, |id| id == first);
        model.apply(&with!(awaits, complete).into());
        (model.edges[&first].waiter().polled, model.edges[&second].waiter().polled)
    };
    assert_eq!(polled(true, "n polled"), (Some(true), Some(false)));
    assert_eq!(polled(false, "n polled"), (Some(true), Some(true)));
    // Its last poll had another waker.
    assert_eq!(polled(true, "n"), (Some(true), None));
}
