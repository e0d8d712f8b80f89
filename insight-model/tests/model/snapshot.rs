use crate::scenario::{MS, scenario};
use insight_model::Model;
use insight_protocol::*;

/// A model with every kind of fact.
fn full() -> Model {
    let mut model = scenario(
        "mutex m\nchannel q 2/2 senders=1 weak=1 receivers=1\njoin j
        task a\ntask b timer\ntask c partial\ntask d\ntask e
        a holds m transferable\nb locks m @3000\nc locks m\nb permit q\nc sends q need=2\na receiver q shared\nb sender q
        d joined j\na joins j\nd holds m\ncancellers a b c others\ncancellers c c\nend d\nend e",
    );
    let wait = model.edges.iter().find(|(_, edge)| edge.body.kind() == "wait").unwrap().0;
    let source = Some(with!(SourceLine::new(SourceStatus::Found), text = Some("let (sender, receiver) = ...".into())));
    let messages: Vec<Message> = vec![
        with!(DefineLocation::new(LocationId(900), "src/lib.rs", 3, 9), source).into(),
        DefineString::new(StringId(901), "tokio").into(),
        DefineString::new(StringId(902), "never used").into(),
        with!(
            TaskSpawned::default(),
            id = TaskId(70),
            kind = TaskKind::Blocking,
            location = Some(LocationId(900)),
            parent = Some(TaskId(1)),
            executor = Some(StringId(901)),
            executor_task_id = Some(12),
            future_bytes = Some(640),
            at_ns = 9_000 * MS
        )
        .into(),
        with!(
            TaskStats::default(),
            id = TaskId(70),
            state = Some(TaskState::Running),
            polls = 4,
            wakes = 3,
            self_wakes = 1,
            woken_by = Some(TaskId(2)),
            poll_ns_log2 = vec![0, 1, 3]
        )
        .into(),
        with!(
            ResourceCreated::new(ResourceId(70), ResourceKind::Other("com.example.gate".into()), 9_500 * MS),
            location = Some(LocationId(900)),
            task = Some(TaskId(70)),
            hand_off = Some(HandOff::Other("com.example.lifo".into())),
            closed_by_any = true
        )
        .into(),
        with!(
            StreamCoverage::default(),
            executors = vec![with!(ExecutorCoverage::new("tokio", "1.54"), unobserved_tasks = Some(2))],
            at_ns = 9_550 * MS
        )
        .into(),
        with!(EdgeUpdated::default(), id = wait, polls = Some(7), polled = Some(true), at_ns = 9_600 * MS).into(),
        with!(EdgeUpdated::default(), id = wait, polls = Some(8), granted_ns = Some(9_500 * MS), at_ns = 9_700 * MS)
            .into(),
        with!(TaskUpdated::default(), id = TaskId(1), name = StringId(901), at_ns = 9_750 * MS).into(),
        with!(
            TaskAwaits::default(),
            id = TaskId(2),
            polls = 9,
            awaits = vec![with!(
                Await::new(
                    Some(StringId(901)),
                    vec![AwaitFrame::new(Some(StringId(901)), Some(LocationId(900)), FrameKind::Own)]
                ),
                edge = Some(wait),
                cut = true
            )],
            spans = vec![StringId(901)],
            more = 2,
            at_ns = 9_800 * MS
        )
        .into(),
        ProblemRaised::new(
            with!(
                Problem::new(ProblemId(5), ProblemKind::Deadlock, Tier::Suspected, Severity::Hang),
                title = "t".into(),
                unknowns = vec!["u".into()],
                docs = "/docs/deadlock".into(),
                since_ns = 1
            ),
            10_000 * MS,
        )
        .into(),
    ];
    messages.iter().for_each(|message| model.apply(message));
    model
}

pub(crate) fn fold(messages: &[Message]) -> Model {
    let mut model = Model::default();
    messages.iter().for_each(|message| model.apply(message));
    model
}

#[test]
fn a_snapshot_folds_to_an_equal_model() {
    for model in [Model::default(), full()] {
        let snapshot = model.snapshot();
        let same = fold(&snapshot);
        assert!(same.complete);
        assert_eq!(same.now_ns, model.now_ns);
        assert_eq!(same.tasks, model.tasks);
        assert_eq!(same.resources, model.resources);
        assert_eq!(same.edges, model.edges);
        assert_eq!(same.problems, model.problems);
        assert_eq!(same.coverage, model.coverage);
        for task in model.tasks.values() {
            let awaits = |model: &Model| model.awaits(task.id).map(|known| (known.represents, known.awaits.clone()));
            assert_eq!(awaits(&same), awaits(&model));
            assert_eq!(same.cancellers(task.id), model.cancellers(task.id));
        }
        assert_eq!(same.ended_tasks, model.ended_tasks);
        assert_eq!((same.ended, same.panicked), (0, 0), "tasks that ended before the snapshot do not count");
        // A second snapshot is equal, so later messages may use the earlier ids.
        assert_eq!(same.snapshot(), snapshot);
    }
}

#[test]
fn a_snapshot_has_true_counts_and_defines_each_id_once_before_its_use() {
    let snapshot = full().snapshot();
    let count = |types: &[&str]| snapshot.iter().filter(|m| types.contains(&m.type_name())).count() as u64;
    let Message::SnapshotBegin(begin) = &snapshot[0] else { panic!("{:?}", snapshot[0]) };
    assert_eq!(begin.tasks, count(&["task.spawned"]));
    assert_eq!(begin.resources, count(&["resource.created"]));
    assert_eq!(begin.edges, count(&["edge.wait", "edge.hold", "edge.party"]));
    assert_eq!(begin.problems, count(&["problem.raised"]));
    assert_eq!((begin.tasks, begin.resources, begin.edges, begin.problems), (5, 4, 10, 1));
    assert_eq!(count(&["task.awaits"]), 1);
    assert_eq!(count(&["task.cancellers"]), 2);
    assert_eq!(count(&["task.completed"]), 1, "one task ended with a hold, and the other one has no edge");
    assert_eq!(count(&["task.ended"]), 2);
    let mut strings = Vec::new();
    let mut locations = Vec::new();
    for message in &snapshot {
        match message {
            Message::DefineString(m) => {
                assert!(!strings.contains(&m.id), "defined once");
                assert_ne!(m.text, "never used");
                strings.push(m.id);
            }
            Message::DefineLocation(m) => {
                assert!(!locations.contains(&m.id), "defined once");
                locations.push(m.id);
            }
            Message::EdgeWait(m) => assert!(strings.contains(&m.reason), "defined before its use"),
            Message::ResourceCreated(m) => assert!(m.location.is_none_or(|location| locations.contains(&location))),
            Message::TaskSpawned(m) => assert!(m.name.is_none_or(|name| strings.contains(&name))),
            _ => {}
        }
    }
}

#[test]
fn an_id_with_a_second_text_gives_no_task_a_wrong_name() {
    let mut model = Model::default();
    let define = |id, text: &str| Message::from(DefineString::new(StringId(id), text));
    let spawn = |id, name| Message::from(with!(TaskSpawned::default(), id = TaskId(id), name = Some(StringId(name))));
    [define(1, "a"), define(2, "a"), define(3, "b"), spawn(1, 1), spawn(2, 2), spawn(3, 3)]
        .iter()
        .for_each(|message| model.apply(message));
    assert_eq!(fold(&model.snapshot()).tasks, model.tasks);
    // Against the protocol, the id is defined again. No name is better than a wrong one.
    model.apply(&define(3, "c"));
    let same = fold(&model.snapshot());
    assert_eq!(same.tasks[&TaskId(1)].origin.name.as_deref(), Some("a"));
    assert_eq!(same.tasks[&TaskId(3)].origin.name, None);
}

/// r[gap.standing.replaces]
#[test]
fn a_standing_gap_replaces_earlier_ones() {
    let mut model = Model::default();
    let mut check = |(count, reason, tasks, standing): (u64, &str, Option<u64>, bool), lost: u64, left_out: u64| {
        let kinds = vec!["task.spawned".to_owned()];
        model
            .apply(&with!(Gap::default(), count, kinds, reason = reason.to_owned(), tasks, standing, at_ns = 1).into());
        assert_eq!((model.lost, model.left_out_tasks()), (lost, left_out));
        assert!(model.facts_lost());
    };
    check((3, "no room", Some(3), false), 3, 3);
    check((2, "slow", None, false), 5, 3);
    check((4, "no room", Some(6), false), 9, 6);
    // The seventh joins them, and then all seven are in one gap. Two of them have ended.
    check((7, "no room", Some(4), true), 9, 4);
    check((7, "no room", Some(0), true), 9, 0);
}
