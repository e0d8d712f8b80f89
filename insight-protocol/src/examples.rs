//! Valid messages of every type, for schema/v1/examples and for tests.

use crate::*;

/// Messages of every type in the order of [`Message::TYPES`]: one with every field, and one with the required fields only, if
/// these differ.
pub fn examples() -> Vec<Message> {
    let mut examples = stream();
    examples.extend(tasks());
    examples.extend(resources());
    examples.extend(edges());
    examples.extend(problems());
    examples.extend([
        SnapshotBegin { at_ns: 12_200_000_000, tasks: 5, resources: 3, edges: 6, problems: 0 }.into(),
        SnapshotEnd { at_ns: 12_200_000_000 }.into(),
        Gap {
            count: 311,
            kinds: vec!["task.spawned".into(), "edge.party".into()],
            reason: "there was no room within the 67108864 bytes that insight may take".into(),
            tasks: Some(40),
            standing: true,
            at_ns: 12_210_000_000,
        }
        .into(),
        Gap {
            count: 1,
            kinds: vec![],
            reason: "the reader was too slow".into(),
            at_ns: 12_210_000_000,
            ..Gap::default()
        }
        .into(),
    ]);
    examples
}

fn stream() -> Vec<Message> {
    vec![
        StreamHeader {
            protocol: PROTOCOL_VERSION.into(),
            session: "9f2c41d07a5be386".into(),
            process: Process { pid: 4127, name: "barbara".into(), working_directory: Some("/srv/barbara".into()) },
            executors: vec![Executor { name: "tokio".into(), version: "1.54".into() }],
            clock: Clock { wall_anchor_unix_ms: 1_700_000_000_000 },
            detail: Detail::Structure,
            interval_ms: 100,
            capabilities: vec![Capability::Tasks, Capability::Other("com.example.gates".into())],
            extensions: vec!["com.example".into()],
            at_ns: 12_000_431_877,
        }
        .into(),
        StreamHeader {
            protocol: PROTOCOL_VERSION.into(),
            session: "f00".into(),
            process: Process { pid: 1, name: "init".into(), working_directory: None },
            executors: vec![],
            clock: Clock { wall_anchor_unix_ms: 1_700_000_000_000 },
            detail: Detail::Operations,
            interval_ms: 1000,
            capabilities: vec![],
            extensions: vec![],
            at_ns: 0,
        }
        .into(),
        StreamHeartbeat { at_ns: 12_100_000_000 }.into(),
        StreamCoverage {
            executors: vec![ExecutorCoverage {
                name: "tokio".into(),
                version: "1.54".into(),
                unobserved_tasks: Some(8),
            }],
            packages: Some(vec![PackageCoverage {
                name: "flume".into(),
                version: "0.11.1".into(),
                covered: false,
                reason: Some("only awaits show these waits".into()),
            }]),
            packages_left_out: 3,
            awaits_of: Some(AwaitsOf::Problems),
            at_ns: 12_100_000_000,
        }
        .into(),
        StreamCoverage {
            executors: vec![ExecutorCoverage { name: "smol".into(), version: "2.0".into(), unobserved_tasks: None }],
            at_ns: 12_100_000_000,
            ..StreamCoverage::default()
        }
        .into(),
        StreamCoverage {
            packages: Some(vec![PackageCoverage {
                name: "async-channel".into(),
                version: "2.5.0".into(),
                covered: true,
                reason: None,
            }]),
            at_ns: 12_100_000_000,
            ..StreamCoverage::default()
        }
        .into(),
        DefineString { id: StringId(1), text: "waiting on channel capacity".into() }.into(),
        DefineString { id: StringId(MAX_ID), text: "naïve \"name\"\n\u{1f980}\u{0}".into() }.into(),
        DefineLocation {
            id: LocationId(1),
            file: "examples/barbara.rs".into(),
            line: 76,
            column: 14,
            source: Some(SourceLine {
                status: SourceStatus::Found,
                text: Some("        chan.send(value).await".into()),
            }),
        }
        .into(),
        DefineLocation {
            id: LocationId(2),
            file: "/rustc/library/std/src/lib.rs".into(),
            line: 1,
            column: 1,
            source: Some(SourceLine { status: SourceStatus::Missing, text: None }),
        }
        .into(),
        DefineLocation { id: LocationId(3), file: "src/main.rs".into(), line: u32::MAX, column: 1, source: None }
            .into(),
        DefineDropped { strings: vec![StringId(MAX_ID)] }.into(),
    ]
}

fn tasks() -> Vec<Message> {
    vec![
        TaskSpawned {
            id: TaskId(4),
            kind: TaskKind::Task,
            name: Some(StringId(2)),
            location: Some(LocationId(2)),
            parent: Some(TaskId(3)),
            executor: Some(StringId(3)),
            executor_task_id: Some(19),
            future_bytes: Some(312),
            partial: true,
            at_ns: 8_210_004_512,
        }
        .into(),
        TaskSpawned { id: TaskId(5), kind: TaskKind::BlockOn, ..TaskSpawned::default() }.into(),
        TaskUpdated { id: TaskId(4), name: StringId(5), at_ns: 8_300_000_000 }.into(),
        TaskCompleted {
            id: TaskId(4),
            outcome: Outcome::Panicked,
            panic: Some("called `Option::unwrap()` on a `None` value".into()),
            at_ns: 9_004_410_021,
        }
        .into(),
        TaskCompleted::new(TaskId(5), Outcome::Cancelled, 9_004_410_021).into(),
        TaskEnded {
            id: TaskId(4),
            kind: TaskKind::Task,
            name: Some(StringId(2)),
            location: Some(LocationId(2)),
            parent: Some(TaskId(3)),
            executor: Some(StringId(3)),
            executor_task_id: Some(19),
            future_bytes: Some(312),
            partial: true,
            spawned_ns: 8_210_004_512,
            outcome: Outcome::Panicked,
            panic: Some("called `Option::unwrap()` on a `None` value".into()),
            at_ns: 9_004_410_021,
        }
        .into(),
        TaskEnded::new(TaskId(5), Outcome::Returned, 0, 1).into(),
        TaskStats {
            id: TaskId(4),
            state: Some(TaskState::Idle),
            since_ns: 8_210_310_877,
            polls: 3,
            wakes: 2,
            self_wakes: 1,
            woken_by: Some(TaskId(5)),
            running_ns: 41_210,
            scheduled_ns: 19_022,
            idle_ns: 246_133,
            foreign_wakers: 1,
            lost_waker: false,
            poll_ns_log2: vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
            at_ns: 12_100_000_000,
        }
        .into(),
        TaskStats { id: TaskId(5), ..TaskStats::default() }.into(),
        TaskPolls {
            thread: 2,
            tasks: vec![TaskId(4), TaskId(5), TaskId(4)],
            after_ns: vec![0, 1_204, 38_900],
            running_ns: vec![412, 988, 35_107],
            at_ns: 12_000_512_004,
        }
        .into(),
        TaskPolls { thread: 1, tasks: vec![TaskId(4)], after_ns: vec![0], running_ns: vec![0], at_ns: 0 }.into(),
        TaskOperation {
            id: OperationId(41),
            event: OperationEvent::Begun,
            task: Some(TaskId(4)),
            thread: 2,
            resource: Some(ResourceId(2)),
            joined: None,
            operation: Some(Call::Lock),
            mode: None,
            units: Some(1),
            outcome: None,
            location: Some(LocationId(3)),
            at_ns: 12_000_512_004,
        }
        .into(),
        TaskOperation {
            outcome: Some(OperationOutcome::Unavailable),
            ..TaskOperation::new(OperationId(41), OperationEvent::Claimed, 2, 12_000_512_104)
        }
        .into(),
        TaskOperation {
            task: Some(TaskId(5)),
            joined: Some(TaskId(4)),
            operation: Some(Call::Join),
            units: Some(1),
            ..TaskOperation::new(OperationId(42), OperationEvent::Begun, 1, 12_000_512_204)
        }
        .into(),
        TaskOperation {
            task: Some(TaskId(4)),
            resource: Some(ResourceId(2)),
            mode: Some(HoldMode::Exclusive),
            units: Some(1),
            ..TaskOperation::new(OperationId(43), OperationEvent::Held, 2, 12_000_512_304)
        }
        .into(),
        TaskOperation::new(OperationId(43), OperationEvent::Released, 1, 0).into(),
        TaskAwaits {
            id: TaskId(4),
            polls: 3,
            awaits: vec![Await {
                edge: Some(EdgeId(7)),
                function: Some(StringId(6)),
                frames: vec![AwaitFrame {
                    function: Some(StringId(2)),
                    location: Some(LocationId(2)),
                    kind: FrameKind::Own,
                }],
                cut: true,
            }],
            spans: vec![StringId(7)],
            more: 1,
            complete: false,
            at_ns: 9_310_400_000,
        }
        .into(),
        TaskAwaits {
            id: TaskId(5),
            awaits: vec![Await {
                frames: vec![AwaitFrame { function: None, location: None, kind: FrameKind::Unknown }],
                ..Await::default()
            }],
            complete: true,
            ..TaskAwaits::default()
        }
        .into(),
        TaskCancellers { id: TaskId(4), tasks: vec![TaskId(1)], others: true, at_ns: 9_310_400_000 }.into(),
        TaskCancellers { id: TaskId(5), ..TaskCancellers::default() }.into(),
    ]
}

fn resources() -> Vec<Message> {
    vec![
        ResourceCreated {
            id: ResourceId(2),
            kind: ResourceKind::Channel,
            name: Some(StringId(4)),
            location: Some(LocationId(3)),
            task: Some(TaskId(1)),
            capacity: Some(2),
            hand_off: Some(HandOff::Fifo),
            closed_by_any: true,
            at_ns: 8_000_117_301,
        }
        .into(),
        ResourceCreated {
            id: ResourceId(3),
            kind: ResourceKind::Other("com.example.gate".into()),
            name: None,
            location: None,
            task: None,
            capacity: None,
            hand_off: None,
            closed_by_any: false,
            at_ns: 0,
        }
        .into(),
        ResourceUpdated {
            id: ResourceId(2),
            name: Some(StringId(4)),
            capacity: None,
            length: Some(2),
            senders: Some(1),
            weak_senders: Some(0),
            receivers: Some(1),
            outside_senders: Some(0),
            outside_receivers: Some(0),
            at_ns: 12_100_000_000,
        }
        .into(),
        ResourceUpdated { id: ResourceId(2), ..ResourceUpdated::default() }.into(),
        ResourceDropped { id: ResourceId(2), at_ns: 13_002_200_456 }.into(),
    ]
}

fn edges() -> Vec<Message> {
    let (task, resource) = (TaskId(4), ResourceId(2));
    vec![
        EdgeWait {
            id: EdgeId(31),
            task,
            resource,
            operation: Operation::Send,
            reason: StringId(1),
            need: 1,
            transferable: false,
            location: Some(LocationId(1)),
            since_ns: 8_210_310_002,
        }
        .into(),
        EdgeWait {
            id: EdgeId(34),
            task,
            resource,
            operation: Operation::Other("com.example.pass".into()),
            reason: StringId(1),
            need: 1,
            transferable: true,
            location: None,
            since_ns: MAX_NUMBER,
        }
        .into(),
        EdgeHold {
            id: EdgeId(32),
            task,
            resource,
            mode: HoldMode::Exclusive,
            units: 1,
            transferable: true,
            location: Some(LocationId(4)),
            since_ns: 8_105_220_119,
        }
        .into(),
        EdgeHold {
            id: EdgeId(35),
            task,
            resource,
            mode: HoldMode::Permit,
            units: 3,
            transferable: false,
            location: None,
            since_ns: 8_105_220_119,
        }
        .into(),
        EdgeParty {
            id: EdgeId(33),
            task,
            resource,
            role: PartyRole::Receiver,
            exclusive: true,
            since_ns: 8_000_310_442,
        }
        .into(),
        EdgeParty { id: EdgeId(36), task, resource, role: PartyRole::Joined, exclusive: false, since_ns: 1 }.into(),
        EdgeUpdated {
            id: EdgeId(31),
            polls: Some(3),
            polled: Some(false),
            granted_ns: Some(8_310_440_215),
            at_ns: 12_100_000_000,
        }
        .into(),
        EdgeUpdated { id: EdgeId(34), ..EdgeUpdated::default() }.into(),
        EdgeClosed { id: EdgeId(31), outcome: Some(EdgeOutcome::Claimed), at_ns: 12_200_000_000 }.into(),
        EdgeClosed { id: EdgeId(33), outcome: None, at_ns: 12_200_000_000 }.into(),
    ]
}

fn problems() -> Vec<Message> {
    let location = |line| Some(SourceLocation { file: "examples/deadlock.rs".into(), line, column: 19 });
    let raised = Problem {
        id: ProblemId(1),
        kind: ProblemKind::Deadlock,
        tier: Tier::Suspected,
        severity: Severity::Hang,
        title: "deadlock cycle: task 4 (crawl) waits for itself through channel `prototype_channel`, unless the receiver of \
                channel `prototype_channel` was given to other code after 12:03:07 UTC, when task 4 (crawl) used it"
            .into(),
        tasks: vec![ProblemTask { id: TaskId(4), name: Some("crawl".into()), location: location(9), awaits: vec![] }],
        resources: vec![ProblemResource {
            id: ResourceId(2),
            kind: ResourceKind::Channel,
            name: Some("prototype_channel".into()),
            location: location(8),
        }],
        edges: vec![
            ProblemEdge {
                kind: "wait".into(),
                task: TaskId(4),
                resource: ResourceId(2),
                operation: Some(Operation::Send),
                reason: "waiting on channel capacity".into(),
                location: location(18),
                awaited: Some(ProblemAwait {
                    line: location(18),
                    function: Some("tokio::sync::mpsc::Sender::send".into()),
                    frames: vec![ProblemFrame {
                        function: Some("deadlock::crawl".into()),
                        location: location(18),
                        kind: FrameKind::Own,
                    }],
                    cut: false,
                    as_in: None,
                }),
                since_ns: 8_210_310_002,
            },
            ProblemEdge {
                kind: "party".into(),
                task: TaskId(4),
                resource: ResourceId(2),
                operation: None,
                reason: "receiver".into(),
                location: None,
                awaited: None,
                since_ns: 8_000_310_442,
            },
        ],
        unknowns: vec![],
        unless: vec![
            "the receiver of channel `prototype_channel` was given to other code after 12:03:07 UTC, when task 4 (crawl) \
             used it"
                .into(),
        ],
        explanation: vec![
            "task 4 (crawl) waits to send to channel `prototype_channel` (examples/deadlock.rs:18), which is full (2 of 2); \
             task 4 (crawl) receives from it."
                .into(),
        ],
        advice: "Send from another task than the one that receives.".into(),
        docs: "/docs/deadlock".into(),
        since_ns: 8_210_310_002,
    };
    let updated = Problem {
        tasks: vec![ProblemTask {
            id: TaskId(4),
            name: None,
            location: None,
            awaits: vec![ProblemAwait {
                line: None,
                function: None,
                frames: vec![ProblemFrame { function: None, location: None, kind: FrameKind::Unknown }],
                cut: true,
                as_in: Some(TaskId(3)),
            }],
        }],
        unknowns: vec!["1 more receiver of channel `prototype_channel` that no task has used yet".into()],
        explanation: vec![],
        ..raised.clone()
    };
    vec![
        ProblemRaised { problem: raised, at_ns: 8_300_000_000 }.into(),
        ProblemUpdated { problem: updated, at_ns: 8_400_000_000 }.into(),
        ProblemCleared { id: ProblemId(1), at_ns: 8_500_000_000 }.into(),
    ]
}
