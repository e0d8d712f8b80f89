//! The story as messages: a handler's task sends to a full channel whose reader waits for another channel.

use insight_protocol::*;

/// One second.
pub const S: u64 = 1_000_000_000;

/// Builds messages, interning as it goes.
#[derive(Default)]
pub struct Story {
    pub messages: Vec<Message>,
    strings: Vec<String>,
    locations: u64,
}

impl Story {
    pub fn push(&mut self, message: impl Into<Message>) {
        self.messages.push(message.into());
    }

    pub fn string(&mut self, text: &str) -> StringId {
        if let Some(index) = self.strings.iter().position(|other| other == text) {
            return StringId(index as u64 + 1);
        }
        self.strings.push(text.into());
        let id = StringId(self.strings.len() as u64);
        self.push(DefineString::new(id, text));
        id
    }

    pub fn location(&mut self, line: u32, status: SourceStatus, text: Option<&str>) -> LocationId {
        let source = with!(SourceLine::new(status), text = text.map(str::to_owned));
        self.place("examples/src/bin/barbara.rs", line, Some(source))
    }

    /// A line of any file.
    pub fn place(&mut self, file: &str, line: u32, source: Option<SourceLine>) -> LocationId {
        self.locations += 1;
        let id = LocationId(self.locations);
        self.push(with!(DefineLocation::new(id, file, line, 9), source));
        id
    }

    pub fn found(&mut self, line: u32, text: &str) -> LocationId {
        self.location(line, SourceStatus::Found, Some(text))
    }

    /// A task that has been idle since second 4.
    pub fn task(&mut self, id: u64, name: &str, location: Option<LocationId>, parent: Option<u64>) {
        let (name, executor) = (Some(self.string(name)), Some(self.string("tokio")));
        let parent = parent.map(TaskId);
        self.push(with!(
            TaskSpawned::default(),
            id = TaskId(id),
            name,
            location,
            parent,
            executor,
            executor_task_id = Some(id + 20),
            future_bytes = Some(312),
            at_ns = 2 * S
        ));
        self.stats(id, TaskState::Idle, 4 * S, 3, 0);
    }

    pub fn stats(&mut self, id: u64, state: TaskState, since_ns: u64, polls: u64, foreign_wakers: u64) {
        self.push(with!(
            TaskStats::default(),
            id = TaskId(id),
            state = Some(state),
            since_ns,
            polls,
            wakes = polls,
            running_ns = S / 2,
            scheduled_ns = S / 4,
            idle_ns = since_ns.saturating_sub(2 * S + S * 3 / 4),
            foreign_wakers,
            at_ns = since_ns
        ));
    }

    pub fn channel(&mut self, id: u64, name: &str, location: LocationId, capacity: u64, length: u64) {
        let name = Some(self.string(name));
        self.resource(id, ResourceKind::Channel, name, Some(location), Some(capacity));
        self.push(with!(
            ResourceUpdated::default(),
            id = ResourceId(id),
            length = Some(length),
            senders = Some(1),
            receivers = Some(1),
            at_ns = 3 * S
        ));
    }

    pub fn resource(
        &mut self,
        id: u64,
        kind: ResourceKind,
        name: Option<StringId>,
        location: Option<LocationId>,
        capacity: Option<u64>,
    ) {
        self.push(with!(ResourceCreated::new(ResourceId(id), kind, 3 * S), name, location, capacity));
    }

    pub fn wait(
        &mut self,
        id: u64,
        (task, resource): (u64, u64),
        operation: Operation,
        reason: &str,
        location: Option<LocationId>,
    ) {
        let reason = self.string(reason);
        let (id, task, resource) = (EdgeId(id), TaskId(task), ResourceId(resource));
        self.push(with!(EdgeWait::new(id, task, resource, operation, reason, 1, 4 * S), location));
    }

    pub fn party(&mut self, id: u64, (task, resource): (u64, u64), role: PartyRole) {
        let (id, task, resource) = (EdgeId(id), TaskId(task), ResourceId(resource));
        self.push(EdgeParty::new(id, task, resource, role, true, 3 * S));
    }

    /// Tasks that have ended: one returned, one panicked with this message, one was cancelled, and a library task.
    pub fn ended(&mut self, panic: Option<&str>) {
        let spawn = self.found(30, "    tokio::spawn(import(user));");
        let (import, executor) = (self.string("shop::import"), self.string("tokio"));
        let ended = |id, outcome, ended_ns| TaskEnded::new(TaskId(id), outcome, 2 * S, ended_ns);
        let (name, location, executor) = (Some(import), Some(spawn), Some(executor));
        let panic = panic.map(str::to_owned);
        let parent = Some(TaskId(1));
        self.push(with!(ended(11, Outcome::Panicked, 13 * S), name, location, executor, parent, panic));
        self.push(with!(ended(1_200, Outcome::Cancelled, 16 * S - S / 4), name, location, executor));
        self.push(with!(ended(10, Outcome::Returned, 3 * S), name, location, executor, future_bytes = Some(96)));
        self.push(with!(ended(12, Outcome::Unseen, 14 * S), kind = TaskKind::Task, partial = true));
    }

    /// The whole stream, numbered from 1.
    pub fn lines(&self) -> Vec<String> {
        (1..).zip(&self.messages).map(|(seq, message)| encode(seq, message)).collect()
    }
}

pub fn header(session: &str) -> StreamHeader {
    with!(
        StreamHeader::new(session, Process::new(4242, "barbara")),
        executors = vec![Executor::new("tokio", "1.54")],
        clock = Clock::new(1_700_000_000_000),
        detail = Detail::Structure,
        interval_ms = 100,
        capabilities = vec![Capability::Tasks]
    )
}

/// The coverage at second 16.
pub fn coverage(executors: Vec<(&str, Option<u64>)>, packages: Option<Vec<PackageCoverage>>) -> StreamCoverage {
    let executor = |(name, unobserved_tasks): (&str, _)| with!(ExecutorCoverage::new(name, "1.54"), unobserved_tasks);
    let executors = executors.into_iter().map(executor).collect();
    with!(StreamCoverage::default(), executors, packages, at_ns = 16 * S)
}

/// The story at second 16. The messages of `more` are in the snapshot.
pub fn story(more: impl FnOnce(&mut Story)) -> Story {
    let mut story = Story::default();
    let s = &mut story;
    s.push(header("first run"));
    s.push(with!(SnapshotBegin::default(), at_ns = 16 * S, tasks = 5, resources = 3, edges = 7));
    s.push(coverage(vec![("tokio", Some(0))], None));
    let main = s.found(12, "#[tokio::main]");
    s.task(1, "main", Some(main), None);
    s.stats(1, TaskState::Idle, 2 * S + S * 3 / 4, 2, 1);
    let spawn = s.found(44, "    let sender = tokio::spawn(post_prototype(tx));");
    s.task(2, "POST /prototype", Some(main), Some(1));
    s.task(3, "post_prototype", Some(spawn), Some(2));
    let spawn_reader = s.found(45, "    tokio::spawn(do_work(rx, warm_up));");
    s.task(4, "do_work", Some(spawn_reader), Some(2));
    s.task(5, "metrics", Some(main), Some(1));
    s.stats(5, TaskState::Running, 16 * S - S / 50, 120_034, 0);

    let created = s.found(41, "    let (tx, rx) = mpsc::channel(2);");
    s.channel(1, "prototype_channel", created, 2, 2);
    let created = s.location(42, SourceStatus::Changed, Some("    let (warm, warm_up) = mpsc::channel(1);"));
    s.channel(2, "warm_up", created, 1, 0);
    s.resource(3, ResourceKind::Join, None, Some(spawn), None);
    let mutex = (s.string("db"), s.location(7, SourceStatus::Missing, None));
    s.resource(4, ResourceKind::Mutex, Some(mutex.0), Some(mutex.1), None);

    let send = s.found(61, "    tx.send(prototype).await.unwrap();");
    s.wait(1, (3, 1), Operation::Send, "waiting on channel capacity", Some(send));
    s.party(2, (3, 1), PartyRole::Sender);
    s.party(3, (4, 1), PartyRole::Receiver);
    let recv = s.location(70, SourceStatus::Changed, Some("\tlet () = warm_up.recv().await.unwrap();"));
    s.wait(4, (4, 2), Operation::Recv, "waiting on channel message", Some(recv));
    let join = s.found(46, "    sender.await.unwrap();");
    s.wait(5, (2, 3), Operation::Join, "waiting on a task's end", Some(join));
    s.party(6, (3, 3), PartyRole::Joined);
    s.push(with!(
        EdgeHold::new(EdgeId(7), TaskId(4), ResourceId(4), HoldMode::Exclusive, 1, 4 * S),
        location = Some(mutex.1)
    ));
    more(s);
    s.push(SnapshotEnd::new(16 * S));
    story
}

/// A deadlock of the task `post_prototype` with itself.
pub fn deadlock(id: u64, tier: Tier) -> ProblemRaised {
    let place = |line| Some(SourceLocation::new("examples/src/bin/deadlock.rs", line, 9));
    let edge = |kind: &str, operation, reason: &str, location| {
        with!(ProblemEdge::new(kind, TaskId(3), ResourceId(1), 4 * S), operation, reason = reason.into(), location)
    };
    let unknowns = if tier == Tier::Proven { vec![] } else { vec!["one receiver that no task has used yet".into()] };
    let problem = with!(
        Problem::new(ProblemId(id), ProblemKind::Deadlock, tier, Severity::Hang),
        title = "deadlock cycle: task 3 (post_prototype) waits for itself".into(),
        tasks = vec![with!(ProblemTask::new(TaskId(3)), name = Some("post_prototype".into()), location = place(44))],
        resources = vec![with!(
            ProblemResource::new(ResourceId(1), ResourceKind::Channel),
            name = Some("prototype_channel".into()),
            location = place(41)
        )],
        edges = vec![
            edge("wait", Some(Operation::Send), "waiting on channel capacity", place(61)),
            edge("party", None, "receiver", None),
        ],
        unknowns,
        explanation = vec![
            "Task 3 (post_prototype) waits for room in `prototype_channel`.".into(),
            "Only task 3 (post_prototype) receives from `prototype_channel`.".into(),
        ],
        advice = "Receive before sending, or let another task receive.".into(),
        docs = "/docs/deadlock".into(),
        since_ns = 4 * S
    );
    ProblemRaised::new(problem, 16 * S)
}

/// A problem that is no hang, of task 2.
pub fn no_hang(id: u64, severity: Severity) -> ProblemRaised {
    let mut raised = deadlock(id, Tier::Proven);
    raised.problem.kind = ProblemKind::LockHeldLong;
    raised.problem.severity = severity;
    raised.problem.title = format!("lock held long: a {severity}");
    raised.problem.tasks[0].id = TaskId(2);
    raised
}
