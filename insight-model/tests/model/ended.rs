//! The last ended tasks.

use crate::snapshot::fold;
use insight_model::{EndedTask, Model};
use insight_protocol::*;

fn spawned(id: u64, name: u64) -> Message {
    let (name, location) = (Some(StringId(name)), Some(LocationId(1)));
    with!(TaskSpawned::default(), id = TaskId(id), name, location, at_ns = id).into()
}

fn completed(id: u64, outcome: Outcome) -> Message {
    let panic = (outcome == Outcome::Panicked).then(|| format!("panic of {id}"));
    with!(TaskCompleted::new(TaskId(id), outcome, id + 1), panic).into()
}

fn model(messages: impl IntoIterator<Item = Message>) -> Model {
    let mut model = Model::default();
    let defined: [Message; 3] = [
        DefineString::new(StringId(1), "worker").into(),
        DefineString::new(StringId(2), "request 2").into(),
        DefineLocation::new(LocationId(1), "src/main.rs", 9, 5).into(),
    ];
    defined.into_iter().chain(messages).for_each(|message| model.apply(&message));
    model
}

fn ids<'t>(tasks: impl Iterator<Item = &'t EndedTask>) -> Vec<u64> {
    tasks.map(|task| task.id.0).collect()
}

/// r[task.ended.bounded], r[task.ended.last]
#[test]
fn each_group_keeps_its_last_hundred() {
    let outcomes = [Outcome::Returned, Outcome::Panicked, Outcome::Cancelled, Outcome::Unseen];
    let outcome = |id: u64| outcomes[(id % 4) as usize].clone();
    let model = model((1..=1000).flat_map(|id| [spawned(id, 1), completed(id, outcome(id))]));
    let last = |failed: bool| -> Vec<u64> {
        let all: Vec<u64> = (1..=1000).filter(|id| outcome(*id).is_failure() == failed).collect();
        all[all.len() - MAX_ENDED..].to_vec()
    };
    let ended = &model.ended_tasks;
    assert_eq!((ids(ended.failed()), ids(ended.others())), (last(true), last(false)));
    assert_eq!((ended.len(), model.ended, model.panicked), (200, 1000, 250));
    assert_eq!(ids(ended.newest_first().into_iter()).first(), Some(&1000));
    let panicked = ended.get(TaskId(901)).unwrap();
    assert_eq!((panicked.panic.as_deref(), panicked.spawned_ns, panicked.ended_ns), (Some("panic of 901"), 901, 902));
    assert_eq!(ended.get(TaskId(1)), None);
    assert_eq!(model.task_label(TaskId(901)), "task 901 (worker)");
    check_snapshot(&model);
}

/// r[task.ended.order], r[snapshot.order]
fn check_snapshot(model: &Model) {
    let snapshot = model.snapshot();
    let same = fold(&snapshot);
    assert_eq!(same.ended_tasks, model.ended_tasks);
    assert_eq!(same.tasks, model.tasks);
    assert_eq!(same.snapshot(), snapshot);
    let mut checker = insight_model::Checker::default();
    let header = StreamHeader::new("made-up", Process::new(1, "test")).into();
    for (seq, message) in (1..).zip([header].into_iter().chain(snapshot)) {
        let found = checker.line(&encode(seq, &message));
        assert_eq!(found, [], "{message:?}");
    }
}

/// r[task.ended.over]
#[test]
fn live_task_is_not_among_the_ended_ones() {
    let ended = TaskEnded::new(TaskId(1), Outcome::Panicked, 1, 5);
    let model = model([spawned(1, 1), ended.into()]);
    assert_eq!((model.tasks.len(), model.ended_tasks.len()), (1, 0));
}

#[test]
fn ended_task_with_an_edge_is_in_a_snapshot_twice() {
    let held: [Message; 4] = [
        ResourceCreated::new(ResourceId(1), ResourceKind::Mutex, 1).into(),
        spawned(1, 1),
        EdgeHold::new(EdgeId(1), TaskId(1), ResourceId(1), HoldMode::Exclusive, 1, 1).into(),
        completed(1, Outcome::Panicked),
    ];
    let mut model = model(held);
    assert_eq!((model.tasks.len(), ids(model.ended_tasks.iter())), (1, vec![1]));
    check_snapshot(&model);
    let types: Vec<&str> = model.snapshot().iter().map(Message::type_name).collect();
    assert_eq!(types[types.len() - 3..], ["task.completed", "task.ended", "snapshot.end"]);
    // Against the protocol, it ends again.
    model.apply(&completed(1, Outcome::Returned));
    assert_eq!(ids(model.ended_tasks.iter()), [1]);
    model.apply(&EdgeClosed::new(EdgeId(1), 5).into());
    assert_eq!((model.tasks.len(), ids(model.ended_tasks.iter())), (0, vec![1]));
    check_snapshot(&model);
}

/// A program that makes a name for each task: the producer drops the names of ended tasks.
#[test]
fn name_of_an_ended_task_stays_when_its_string_is_dropped() {
    let mut model = model([spawned(1, 2), completed(1, Outcome::Cancelled), spawned(2, 1)]);
    model.apply(&DefineDropped::new(vec![StringId(2)]).into());
    assert_eq!(model.ended_tasks.get(TaskId(1)).unwrap().origin.name.as_deref(), Some("request 2"));
    check_snapshot(&model);
    // The same text under another id.
    model.apply(&DefineString::new(StringId(3), "request 2").into());
    check_snapshot(&model);
    model.apply(&DefineDropped::new(vec![StringId(3)]).into());
    check_snapshot(&model);
    // The name is forgotten when the task is: no text is kept without end.
    for id in 10..1_000 {
        let name = StringId(id);
        model.apply(&DefineString::new(name, format!("request {id}")).into());
        model.apply(&spawned(id, id));
        model.apply(&completed(id, Outcome::Cancelled));
        model.apply(&DefineDropped::new(vec![name]).into());
    }
    let defined = model.snapshot().iter().filter(|message| message.type_name() == "define.string").count();
    assert_eq!(defined, MAX_ENDED + 1);
    check_snapshot(&model);
}

/// A snapshot begins a new state, also of the ended tasks.
#[test]
fn snapshot_replaces_the_ended_tasks() {
    let mut model = model([spawned(1, 1), completed(1, Outcome::Panicked)]);
    model.apply(&SnapshotBegin::default().into());
    model.apply(&TaskEnded::new(TaskId(7), Outcome::Returned, 3, 4).into());
    model.apply(&SnapshotEnd::new(0).into());
    assert_eq!(ids(model.ended_tasks.iter()), [7]);
    assert_eq!((model.ended, model.panicked), (0, 0));
    model.apply(&spawned(8, 1));
    model.apply(&completed(8, Outcome::Returned));
    assert_eq!(ids(model.ended_tasks.iter()), [7, 8]);
}
