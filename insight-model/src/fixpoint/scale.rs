//! Many tasks that wait for one resource or for each other. The steps of a look must be proportional to the tasks and
//! edges.

use crate::Model;
use crate::diagnose::Diagnosis;
use crate::state::steps;
use insight_protocol::*;

const SETTLE_NS: u64 = 1_000;

/// A program that grows message by message.
struct Program {
    model: Model,
    diagnosis: Diagnosis,
    now_ns: u64,
    edges: u64,
    /// Number of edges that the looks visited.
    steps: u64,
}

impl Program {
    fn new() -> Program {
        let diagnosis = Diagnosis::new(SETTLE_NS);
        Program { model: Model::default(), diagnosis, now_ns: 0, edges: 0, steps: 0 }
    }

    fn apply(&mut self, message: impl Into<Message>) {
        self.model.apply(&message.into());
    }

    /// Adds an idle task. If it has a foreign waker, it may be woken at any time.
    fn task(&mut self, id: u64, foreign_wakers: u64) {
        let (id, at_ns) = (TaskId(id), self.now_ns);
        self.apply(with!(TaskSpawned::default(), id, at_ns));
        let state = Some(TaskState::Idle);
        self.apply(with!(TaskStats::default(), id, state, since_ns = at_ns, foreign_wakers, at_ns));
    }

    fn resource(&mut self, id: u64, kind: ResourceKind, capacity: Option<u64>, length: u64) {
        let (id, at_ns, hand_off) = (ResourceId(id), self.now_ns, Some(HandOff::Fifo));
        self.apply(with!(ResourceCreated::new(id, kind, at_ns), capacity, hand_off));
        let (senders, receivers) = (Some(1), Some(1));
        let (outside_senders, outside_receivers) = (Some(0), Some(0));
        let length = Some(length);
        self.apply(with!(
            ResourceUpdated::default(),
            id,
            length,
            senders,
            receivers,
            outside_senders,
            outside_receivers
        ));
    }

    fn wait(&mut self, task: u64, resource: u64, operation: Operation) -> EdgeId {
        self.edges += 1;
        let (id, task, resource, reason) = (EdgeId(self.edges), TaskId(task), ResourceId(resource), StringId(1));
        let since_ns = self.now_ns;
        self.apply(EdgeWait::new(id, task, resource, operation, reason, 1, since_ns));
        self.apply(with!(EdgeUpdated::default(), id, polled = Some(true), at_ns = since_ns));
        id
    }

    fn hold(&mut self, task: u64, resource: u64, mode: HoldMode) -> EdgeId {
        self.edges += 1;
        let (id, task, resource, since_ns) = (EdgeId(self.edges), TaskId(task), ResourceId(resource), self.now_ns);
        let (units, transferable, location) = (1, false, None);
        self.apply(with!(EdgeHold::new(id, task, resource, mode, units, since_ns), transferable, location));
        id
    }

    fn party(&mut self, task: u64, resource: u64, role: PartyRole) {
        self.edges += 1;
        let (id, task, resource, since_ns) = (EdgeId(self.edges), TaskId(task), ResourceId(resource), self.now_ns);
        self.apply(EdgeParty::new(id, task, resource, role, true, since_ns));
    }

    /// Advances the time by more than the settle time, and updates the diagnosis.
    fn look(&mut self) {
        self.now_ns += 10_000_000 * SETTLE_NS;
        self.apply(StreamHeartbeat::new(self.now_ns));
        let before = steps();
        self.diagnosis.update(&self.model);
        self.steps += steps() - before;
    }

    /// Returns the steps of all looks since the last call.
    fn take_steps(&mut self) -> u64 {
        std::mem::take(&mut self.steps)
    }

    fn findings(&self) -> usize {
        self.diagnosis.findings().len()
    }
}

/// Builds a program of about `n` tasks, with ten looks in between. Returns the number of findings at the end.
type Build = fn(&mut Program, u64) -> usize;

/// The id of the central task and of the central resource.
const HUB: u64 = 1;

fn each(program: &mut Program, n: u64, mut one: impl FnMut(&mut Program, u64)) {
    for i in 0..n {
        one(program, i);
        if i % (n / 10) == 0 {
            program.look();
        }
    }
    program.look();
}

/// All tasks wait for a lock whose holder waits for itself.
fn star(program: &mut Program, n: u64) -> usize {
    program.task(HUB, 0);
    program.resource(HUB, ResourceKind::Mutex, None, 1);
    program.hold(HUB, HUB, HoldMode::Exclusive);
    program.wait(HUB, HUB, Operation::Lock);
    each(program, n, |program, i| {
        program.task(i + 2, 0);
        program.wait(i + 2, HUB, Operation::Lock);
    });
    1
}

/// All tasks wait for one signal, and its sender waits for a timer.
fn signal(program: &mut Program, n: u64, kind: ResourceKind, operation: &Operation) -> usize {
    program.task(HUB, 1);
    program.resource(HUB, kind, None, 0);
    program.party(HUB, HUB, PartyRole::Sender);
    each(program, n, |program, i| {
        program.task(i + 2, 0);
        program.party(i + 2, HUB, PartyRole::Receiver);
        program.wait(i + 2, HUB, operation.clone());
    });
    0
}

fn broadcast(program: &mut Program, n: u64) -> usize {
    signal(program, n, ResourceKind::Broadcast, &Operation::Recv)
}

fn watch(program: &mut Program, n: u64) -> usize {
    signal(program, n, ResourceKind::Watch, &Operation::Changed)
}

/// Half of the tasks hold all permits, and the other half wait for one. The holders wait for a lock of the hub. The hub
/// waits for itself or for a timer.
fn bipartite(program: &mut Program, n: u64, foreign: u64) -> usize {
    let (lock, permits) = (HUB, HUB + 1);
    program.task(HUB, foreign);
    program.resource(lock, ResourceKind::Mutex, None, 1);
    program.hold(HUB, lock, HoldMode::Exclusive);
    if foreign == 0 {
        program.wait(HUB, lock, Operation::Lock);
    }
    program.resource(permits, ResourceKind::Semaphore, Some(n / 2), n / 2);
    each(program, n, |program, i| {
        let task = i + 2;
        program.task(task, 0);
        if i < n / 2 {
            program.hold(task, permits, HoldMode::Permit);
            program.wait(task, lock, Operation::Lock);
        } else {
            program.wait(task, permits, Operation::Acquire);
        }
    });
    usize::from(foreign == 0)
}

/// Each task has a permit and waits for a second one, as handlers do that take two connections of a pool.
fn pool(program: &mut Program, n: u64) -> usize {
    program.resource(HUB, ResourceKind::Semaphore, Some(n), n);
    each(program, n, |program, i| {
        program.task(i + 1, 0);
        program.hold(i + 1, HUB, HoldMode::Permit);
        program.wait(i + 1, HUB, Operation::Acquire);
    });
    1
}

/// Each task holds a lock and waits for that of the next one. The last one waits for the first one's lock, or for a
/// timer.
fn chain(program: &mut Program, n: u64, circle: bool, reverse: bool) -> usize {
    let at = |i: u64| if reverse { n - i } else { i + 1 };
    (1..=n).for_each(|id| program.resource(id, ResourceKind::Mutex, None, 1));
    each(program, n, |program, i| {
        let last = i + 1 == n;
        program.task(at(i), u64::from(last && !circle));
        program.hold(at(i), at(i), HoldMode::Exclusive);
        if !last {
            program.wait(at(i), at(i + 1), Operation::Lock);
        } else if circle {
            program.wait(at(i), at(0), Operation::Lock);
        }
    });
    usize::from(circle)
}

/// Half of the tasks are a chain that a timer ends, and each of these has a permit. Each of the others waits for a
/// permit.
fn chain_with_permits(program: &mut Program, n: u64) -> usize {
    let permits = n + 1;
    program.resource(permits, ResourceKind::Semaphore, Some(n / 2), n / 2);
    (1..=n / 2).for_each(|id| program.resource(id, ResourceKind::Mutex, None, 1));
    each(program, n, |program, i| {
        let id = i + 1;
        program.task(id, u64::from(id == n / 2));
        if id > n / 2 {
            program.wait(id, permits, Operation::Acquire);
            return;
        }
        program.hold(id, permits, HoldMode::Permit);
        program.hold(id, id, HoldMode::Exclusive);
        if id < n / 2 {
            program.wait(id, id + 1, Operation::Lock);
        }
    });
    0
}

const PROGRAMS: [(&str, Build); 11] = [
    ("star", star),
    ("broadcast", broadcast),
    ("watch", watch),
    ("bipartite, stuck", |program, n| bipartite(program, n, 0)),
    ("bipartite", |program, n| bipartite(program, n, 1)),
    ("pool", pool),
    ("chain", |program, n| chain(program, n, false, false)),
    ("chain, from its end", |program, n| chain(program, n, false, true)),
    ("chain with permits", chain_with_permits),
    ("circle", |program, n| chain(program, n, true, false)),
    ("circle, from its end", |program, n| chain(program, n, true, true)),
];

/// Maximum number of steps for each task: of all looks while a program is built, and of one look after a change of one
/// task.
const MOST: [u64; 2] = [100, 20];

/// The numbers of tasks. The largest program takes two minutes in a debug build.
const SIZES: &[u64] = if cfg!(debug_assertions) { &[1_000, 10_000] } else { &[1_000, 10_000, 100_000] };

#[test]
fn steps_are_proportional_to_the_program() {
    for (name, build) in PROGRAMS {
        for &n in SIZES {
            let mut program = Program::new();
            let findings = build(&mut program, n);
            assert_eq!(program.findings(), findings, "{name} {n}");
            let built = program.take_steps();
            // Another task that waits for the central resource.
            let operation = match name {
                "broadcast" => Operation::Recv,
                "watch" => Operation::Changed,
                _ => Operation::Lock,
            };
            program.task(n + 10, 0);
            let wait = program.wait(n + 10, HUB, operation);
            program.look();
            let joined = program.take_steps();
            program.apply(EdgeClosed::new(wait, program.now_ns));
            program.look();
            let left = program.take_steps();
            assert!(built <= MOST[0] * n, "{name} {n}: {built}");
            assert!(joined.max(left) <= MOST[1] * n, "{name} {n}: {joined} {left}");
        }
    }
}
