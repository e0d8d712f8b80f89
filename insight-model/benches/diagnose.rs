//! Measures the cost of the diagnosis: `cargo bench -p insight-model --bench diagnose`.
//!
//! The program consists of pipelines of tasks. Each task waits to receive from the next one, and the last one has a
//! timer. No task is stuck, but only the end of each pipeline shows that.
//!
//! 1. 100,000 waiting tasks, 10,000 changes a second, and a check every 100 ms. We measure the load of one core by the
//!    checks, and by the fold. A changed task is woken and waits again, at any place in its pipeline.
//! 2. A diagnosis of a whole model with 500,000 tasks and 500,000 resources, once without a stuck task, and once with
//!    all tasks stuck.
//!
//! The times are CPU times on Linux, and wall times elsewhere.

use insight_model::{DEFAULT_SETTLE_NS, Model, Watch, diagnose};
use insight_protocol::*;
use std::time::{Duration, Instant};

const MS: u64 = 1_000_000;
const CHECK_NS: u64 = 100 * MS;

fn main() {
    // Deeper than in real programs, and a usual depth.
    [100, 10].into_iter().for_each(incremental);
    for stuck in [false, true] {
        let mut program = Program::new(500_000, 100, stuck);
        program.beat(10_000 * MS);
        let mut findings = 0;
        let spent = timed(|| findings = diagnose(&program.model, DEFAULT_SETTLE_NS).len());
        let nodes = program.model.tasks.len() + program.model.resources.len();
        println!("a whole diagnosis: {nodes} nodes, {findings} findings: {} ms", spent.as_millis());
        assert_eq!(findings > 0, stuck);
    }
}

fn incremental(length: u64) {
    const TASKS: u64 = 100_000;
    const CHECKS: u64 = 100;
    // Three messages each.
    const CHANGES: u64 = 1_000 / 3;
    let mut program = Program::new(TASKS, length, false);
    let mut watch = Watch::new(DEFAULT_SETTLE_NS);
    let mut messages = Vec::new();
    program.beat(10_000 * MS);
    let first = timed(|| watch.check(&program.model, &mut messages));
    let (mut checks, mut folds) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..CHECKS {
        folds += timed(|| {
            (0..CHANGES).for_each(|_| program.change());
            program.beat(program.now_ns + CHECK_NS);
        });
        checks += timed(|| watch.check(&program.model, &mut messages));
    }
    assert!(messages.is_empty(), "nothing is stuck");
    let second = (CHECKS * CHECK_NS) as f64 / 1e9;
    let part = |spent: Duration| 100.0 * spent.as_secs_f64() / second;
    println!(
        "{TASKS} tasks in pipelines of {length}, {} edges, 10,000 changes/s: {:.2}% of a core for the checks, {:.2}% for the fold; the first check {} ms",
        program.model.edges.len(),
        part(checks),
        part(folds),
        first.as_millis()
    );
}

struct Program {
    model: Model,
    now_ns: u64,
    edges: u64,
    tasks: u64,
    length: u64,
    /// The wait of each task, in the order of the tasks.
    waits: Vec<EdgeId>,
    random: u64,
}

impl Program {
    /// With `stuck`, the last task of each pipeline waits for the first one.
    fn new(tasks: u64, length: u64, stuck: bool) -> Program {
        let mut program =
            Program { model: Model::default(), now_ns: 0, edges: 0, tasks, length, waits: Vec::new(), random: 1 };
        for id in 1..=tasks {
            program.apply(with!(TaskSpawned::default(), id = TaskId(id)));
            let kind = ResourceKind::Channel;
            let (name, location, task, capacity, hand_off) = (None, None, None, None, None);
            let id = ResourceId(id);
            program.apply(with!(ResourceCreated::new(id, kind, 0), name, location, task, capacity, hand_off));
            let (senders, receivers) = (Some(1), Some(1));
            program.apply(with!(ResourceUpdated::default(), id, senders, receivers));
        }
        for id in 1..=tasks {
            let last = id % length == 0;
            program.stats(id, TaskState::Idle, last && !stuck);
            program.wait(id);
            let next = if last { id + 1 - length } else { id + 1 };
            program.edges += 1;
            let (edge, resource, role) = (EdgeId(program.edges), ResourceId(id), PartyRole::Sender);
            program.apply(EdgeParty::new(edge, TaskId(next), resource, role, true, 0));
        }
        program
    }

    fn apply(&mut self, message: impl Into<Message>) {
        self.model.apply(&message.into());
    }

    fn beat(&mut self, at_ns: u64) {
        self.now_ns = at_ns;
        self.apply(StreamHeartbeat::new(at_ns));
    }

    fn stats(&mut self, id: u64, state: TaskState, timer: bool) {
        let (state, since_ns) = (Some(state), self.now_ns);
        let foreign_wakers = u64::from(timer);
        self.apply(with!(TaskStats::default(), id = TaskId(id), state, since_ns, foreign_wakers));
    }

    fn wait(&mut self, id: u64) {
        self.edges += 1;
        let edge = EdgeId(self.edges);
        let (task, resource, operation) = (TaskId(id), ResourceId(id), Operation::Recv);
        let (reason, location, since_ns) = (StringId(1), None, self.now_ns);
        self.apply(with!(EdgeWait::new(edge, task, resource, operation, reason, 1, since_ns), location));
        match self.waits.get_mut(id as usize - 1) {
            Some(wait) => *wait = edge,
            None => self.waits.push(edge),
        }
    }

    /// Wakes a task, which then waits again.
    fn change(&mut self) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = 1 + (self.random >> 33) % self.tasks;
        self.apply(EdgeClosed::new(self.waits[id as usize - 1], self.now_ns));
        self.stats(id, TaskState::Idle, id % self.length == 0);
        self.wait(id);
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = cpu_time();
    work();
    cpu_time() - start
}

fn cpu_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let on_cpu = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    match on_cpu.and_then(|text| text.split(' ').next()?.parse().ok()) {
        Some(ns) => Duration::from_nanos(ns),
        None => START.get_or_init(Instant::now).elapsed(),
    }
}
