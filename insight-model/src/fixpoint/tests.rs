//! Random programs: an incremental update must find the same as a diagnosis of the whole model.

use super::Fixpoint;
use crate::resource_kind::{self, Ends, UnitKind};
use crate::{Model, Watch};
use insight_protocol::*;
use std::collections::BTreeMap;

const SETTLE_NS: u64 = 500;
const TASKS: u64 = 9;
const RESOURCES: u64 = 7;

/// Knuth's linear congruential generator. We use the upper bits, which are the good ones.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Clone>(&mut self, words: &[T]) -> T {
        words[self.below(words.len() as u64) as usize].clone()
    }
}

/// A program that changes at random. Most steps leave it as it is, so some tasks are stuck now and then.
struct Program {
    random: Random,
    model: Model,
    now_ns: u64,
    edges: u64,
    kinds: BTreeMap<u64, ResourceKind>,
}

impl Program {
    fn new(seed: u64) -> Program {
        let mut program =
            Program { random: Random(seed), model: Model::default(), now_ns: 10_000, edges: 0, kinds: BTreeMap::new() };
        (1..=TASKS).for_each(|id| program.spawn(id));
        (1..=RESOURCES).for_each(|id| program.create(id));
        program
    }

    fn apply(&mut self, message: impl Into<Message>) {
        self.model.apply(&message.into());
    }

    fn spawn(&mut self, id: u64) {
        let partial = self.random.one_in(20);
        self.apply(with!(TaskSpawned::default(), id = TaskId(id), partial, at_ns = self.now_ns));
        self.stats(id, partial);
    }

    fn stats(&mut self, id: u64, partial: bool) {
        const IDLE: TaskState = TaskState::Idle;
        let state = self.random.of(&[IDLE, IDLE, IDLE, IDLE, IDLE, TaskState::Running, TaskState::Scheduled]);
        let (foreign_wakers, lost_waker) = (u64::from(self.random.one_in(8)), self.random.one_in(8));
        let since_ns = self.now_ns;
        let state = (!partial).then_some(state);
        let at_ns = since_ns;
        let id = TaskId(id);
        self.apply(with!(TaskStats::default(), id, state, since_ns, foreign_wakers, lost_waker, at_ns));
    }

    fn create(&mut self, id: u64) {
        use ResourceKind::{Channel, Join, Mutex, OnceCell, Oneshot, Rwlock, Semaphore};
        let kind = match self.random.one_in(8) {
            true => ResourceKind::from(self.random.of(ResourceKind::KNOWN)),
            false => self.random.of(&[Channel, Channel, Join, Mutex, Mutex, OnceCell, Oneshot, Rwlock, Semaphore]),
        };
        let words =
            [Some(HandOff::Fifo), Some(HandOff::Fifo), Some(HandOff::WriterFirst), Some(HandOff::Barging), None];
        let hand_off = self.random.of(&words);
        let counts = matches!(resource_kind::of(&kind).units, UnitKind::Room | UnitKind::Permits);
        let capacity = counts.then(|| 1 + self.random.below(2));
        self.kinds.insert(id, kind.clone());
        let (id, at_ns) = (ResourceId(id), self.now_ns);
        let closed_by_any = self.random.one_in(5);
        self.apply(with!(ResourceCreated::new(id, kind, at_ns), capacity, hand_off, closed_by_any));
        self.count(id.0);
    }

    fn count(&mut self, id: u64) {
        let mut count = |most| (!self.random.one_in(10)).then(|| self.random.below(most));
        let (length, senders, receivers) = (count(3), count(3), count(3));
        let outside_senders = if self.random.one_in(20) { Some(1) } else { Some(0) };
        let id = ResourceId(id);
        self.apply(with!(ResourceUpdated::default(), id, length, senders, receivers, outside_senders));
    }

    fn edge(&mut self) {
        let (task, resource) = (TaskId(1 + self.random.below(TASKS)), 1 + self.random.below(RESOURCES));
        self.edges += 1;
        let (id, since_ns, kind) = (EdgeId(self.edges), self.now_ns, resource_kind::of(&self.kinds[&resource]));
        let (resource, location) = (ResourceId(resource), None);
        let units = 1 + self.random.below(8) / 7;
        match self.random.below(5) {
            0 | 1 => {
                let operations = match kind.waits {
                    [] => kind.usual,
                    waits => waits[self.random.below(waits.len() as u64) as usize].operations,
                };
                let operation = self.random.of(operations);
                let (reason, need) = (StringId(1), units);
                self.apply(with!(EdgeWait::new(id, task, resource, operation, reason, need, since_ns), location));
                if self.random.one_in(4) {
                    self.waiter(id);
                }
            }
            _ if kind.ends == Ends::Joined => {
                let (role, exclusive) = (PartyRole::Joined, false);
                self.apply(EdgeParty::new(id, task, resource, role, exclusive, since_ns));
            }
            2 | 3 if kind.ends == Ends::Handles => {
                let role = self.random.of(&[PartyRole::Sender, PartyRole::Receiver]);
                let exclusive = !self.random.one_in(5);
                self.apply(EdgeParty::new(id, task, resource, role, exclusive, since_ns));
            }
            _ => {
                let mode = match kind.units {
                    UnitKind::ReadWriteLock => {
                        self.random.of(&[HoldMode::Shared, HoldMode::Shared, HoldMode::Exclusive])
                    }
                    UnitKind::Permits | UnitKind::Room => HoldMode::Permit,
                    UnitKind::Lock | UnitKind::Unknown => HoldMode::Exclusive,
                };
                let transferable = self.random.one_in(6);
                self.apply(with!(EdgeHold::new(id, task, resource, mode, units, since_ns), transferable, location));
            }
        }
    }

    fn waiter(&mut self, id: EdgeId) {
        let polled = self.random.of(&[None, Some(true), Some(false), Some(false)]);
        let granted_ns = self.random.one_in(3).then_some(self.now_ns);
        self.apply(with!(EdgeUpdated::default(), id, polled, granted_ns, at_ns = self.now_ns));
    }

    /// The awaits of a task: some of its waits, and sometimes a function that is not instrumented.
    fn awaits(&mut self, id: TaskId) {
        let waits: Vec<EdgeId> = self.model.waits_of_task(id).into_iter().map(|wait| wait.id).collect();
        let edges = waits.into_iter().filter(|_| !self.random.one_in(4)).map(Some).collect::<Vec<_>>();
        let other = self.random.one_in(6).then_some(None);
        let awaits = edges.into_iter().chain(other).map(|edge| with!(Await::default(), edge)).collect();
        let complete = !self.random.one_in(4);
        self.apply(with!(TaskAwaits::default(), id, awaits, complete, at_ns = self.now_ns));
    }

    fn cancellers(&mut self, id: TaskId) {
        let tasks = (0..self.random.below(3)).map(|_| TaskId(1 + self.random.below(TASKS))).collect();
        let others = self.random.one_in(6);
        self.apply(with!(TaskCancellers::default(), id, tasks, others, at_ns = self.now_ns));
    }

    fn an_edge(&mut self) -> Option<EdgeId> {
        let edges: Vec<EdgeId> = self.model.edges.keys().collect();
        (!edges.is_empty()).then(|| self.random.of(&edges))
    }

    fn step(&mut self) {
        match self.random.below(40) {
            0..16 if self.model.edges.len() < 30 => self.edge(),
            0..22 => {
                if let Some(id) = self.an_edge() {
                    self.apply(EdgeClosed::new(id, self.now_ns));
                }
            }
            22..26 => {
                let id = 1 + self.random.below(TASKS);
                let task = self.model.tasks.get(&TaskId(id));
                match task.map(|task| (task.origin.partial, task.outcome().is_some())) {
                    Some((partial, false)) => self.stats(id, partial),
                    _ => self.spawn(id),
                }
            }
            26 => {
                let id = TaskId(1 + self.random.below(TASKS));
                self.apply(TaskCompleted::new(id, Outcome::Returned, self.now_ns));
            }
            27 => {
                let id = 1 + self.random.below(RESOURCES);
                self.apply(ResourceDropped::new(ResourceId(id), self.now_ns));
                self.create(id);
            }
            28..30 => {
                let id = 1 + self.random.below(RESOURCES);
                self.count(id);
            }
            30 | 31 => {
                if let Some(id) = self.an_edge() {
                    self.waiter(id);
                }
            }
            34 | 35 => {
                let id = TaskId(1 + self.random.below(TASKS));
                self.awaits(id);
            }
            36 => {
                let id = TaskId(1 + self.random.below(TASKS));
                self.cancellers(id);
            }
            32 if self.random.one_in(40) => {
                let kinds = vec!["edge.hold".to_owned()];
                self.apply(with!(Gap::default(), count = 1, kinds, reason = "lost".into(), at_ns = self.now_ns));
            }
            33 if self.random.one_in(20) => {
                let snapshot = self.model.snapshot();
                snapshot.iter().for_each(|message| self.model.apply(message));
            }
            _ => {
                self.now_ns += self.random.below(300);
                self.apply(StreamHeartbeat::new(self.now_ns));
            }
        }
    }
}

#[test]
fn an_incremental_update_finds_the_same_as_a_whole_diagnosis() {
    let (mut proven, mut suspected, mut problems, mut updates) = (0, 0, 0, 0);
    for seed in 0..90 {
        let mut program = Program::new(seed);
        let mut kept = Fixpoint::new(SETTLE_NS);
        let mut watch = Watch::new(SETTLE_NS);
        let mut ids: BTreeMap<(ProblemKind, Vec<TaskId>, Vec<ResourceId>), ProblemId> = BTreeMap::new();
        for step in 0..1_000 {
            program.step();
            // We do not check after each step, so that several changes come at once.
            if program.random.one_in(3) {
                continue;
            }
            kept.update(&program.model);
            let mut whole = Fixpoint::new(SETTLE_NS);
            whole.update(&program.model);
            assert_eq!(kept.stuck, whole.stuck, "seed {seed}, step {step}");
            assert_eq!(kept.lost, whole.lost, "seed {seed}, step {step}");
            proven += usize::from(!kept.stuck[0].is_empty());
            suspected += usize::from(kept.stuck[0] != kept.stuck[1]);

            let mut messages = Vec::new();
            watch.check(&program.model, &mut messages);
            let mut fresh = Watch::new(SETTLE_NS);
            fresh.check(&program.model, &mut Vec::new());
            let nameless = |watch: &Watch| -> Vec<Problem> {
                watch.standing().map(|problem| with!(problem.clone(), id = ProblemId(1))).collect()
            };
            assert_eq!(nameless(&watch), nameless(&fresh), "seed {seed}, step {step}");
            // An open problem keeps its id, and is not sent again without a change.
            let now: BTreeMap<_, _> = watch
                .standing()
                .map(|it| {
                    let tasks = it.tasks.iter().map(|task| task.id).collect();
                    let resources = it.resources.iter().map(|resource| resource.id).collect();
                    ((it.kind.clone(), tasks, resources), it.id)
                })
                .collect();
            for (key, id) in &now {
                assert!(ids.get(key).is_none_or(|before| before == id), "seed {seed}, step {step}: {key:?}");
            }
            for message in &messages {
                match message {
                    Message::ProblemRaised(it) => assert!(!ids.values().any(|id| *id == it.problem.id)),
                    Message::ProblemUpdated(it) => {
                        updates += 1;
                        assert!(ids.values().any(|id| *id == it.problem.id));
                    }
                    Message::ProblemCleared(it) => assert!(ids.values().any(|id| *id == it.id)),
                    other => panic!("{other:?}"),
                }
            }
            problems += messages.len();
            ids = now;
            messages.clear();
            watch.check(&program.model, &mut messages);
            assert_eq!(messages, [], "nothing has changed");
        }
    }
    let counts = format!("{proven} {suspected} {problems} {updates}");
    assert!(proven > 300 && suspected > 800 && problems > 500 && updates > 5, "{counts}");
}
