//! Measures the cost of decoding and checking a stream: `cargo bench -p insight-model`. `-- EVENTS` changes the number
//! of events, which is ten million by default.
//!
//! The stream is that of a program with 1,000 live tasks under load. Each task ends after some samples, and another one
//! takes its place. Most of them are sampled, wait on a channel and are woken. The stream is generated in parts, which
//! is not timed. The last row is the fold alone, of tasks that end within one sample. The times are CPU times on Linux, and
//! wall times elsewhere. The memory is that of the process.

use insight_model::{Checker, Model};
use insight_protocol::*;
use std::time::{Duration, Instant};

const TASKS: u64 = 1_000;
/// Number of samples in the life of a task.
const LIFE: u64 = 50;

fn main() {
    let events = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000);
    let mut program = Program::default();
    let (mut checker, mut model) = (Checker::default(), Model::default());
    let mut spent = [Duration::ZERO; 3];
    let (mut bytes, mut printed) = (0, 0);
    let mut text = String::new();
    println!("{:>10}  {:>10}  {:>12}", "events", "alive", "memory");
    while program.seq < events {
        text.clear();
        let from = program.seq;
        while text.len() < 4_000_000 {
            program.sample(&mut text);
        }
        bytes += text.len();
        spent[0] += timed(|| {
            for line in text.lines() {
                std::hint::black_box(decode(line)).expect("a valid line");
            }
        });
        spent[1] += timed(|| {
            for line in text.lines() {
                assert_eq!(checker.line(line), []);
            }
        });
        spent[2] += timed(|| {
            for line in text.lines() {
                let Ok(Decoded::Message { message, .. }) = decode(line) else { unreachable!() };
                model.apply(&message);
            }
        });
        if from / 1_000_000 > printed || from == 0 {
            printed = from / 1_000_000;
            println!("{:>10}  {:>10}  {:>9} kB", program.seq, checker.alive(), resident_kb());
        }
    }
    let events = program.seq as f64;
    println!("{:.0} bytes an event", bytes as f64 / events);
    for (name, spent) in ["decode", "decode and check", "decode and fold"].iter().zip(spent) {
        let ns = spent.as_nanos() as f64 / events;
        println!("{name:18} {ns:6.0} ns an event  {:>9.0} events/s", 1e9 / ns);
    }
    let ns = short_tasks().as_nanos() as f64 / SHORT_TASKS as f64;
    println!("{:18} {ns:6.0} ns a task    {:>9.0} tasks/s", "fold a short task", 1e9 / ns);
}

/// Number of tasks that end within the sample of their spawn.
const SHORT_TASKS: u64 = 2_000_000;

/// Folds the spawn and the end of each short task. Making the messages is not timed.
fn short_tasks() -> Duration {
    let mut model = Model::default();
    for (id, text) in (1..).zip(["handler", "tokio"]) {
        model.apply(&DefineString::new(StringId(id), text).into());
    }
    model.apply(&DefineLocation::new(LocationId(1), "src/server.rs", 80, 9).into());
    let mut spent = Duration::ZERO;
    for part in 0..SHORT_TASKS / TASKS {
        let mut messages: Vec<Message> = Vec::new();
        for id in (part * TASKS + 1..).take(TASKS as usize).map(TaskId) {
            let at_ns = id.0 * 1_000;
            let spawned = with!(
                TaskSpawned::default(),
                id,
                name = Some(StringId(1)),
                location = Some(LocationId(1)),
                executor = Some(StringId(2)),
                future_bytes = Some(384),
                at_ns
            );
            messages.extend([spawned.into(), TaskCompleted::new(id, Outcome::Returned, at_ns + 500).into()]);
        }
        spent += timed(|| messages.iter().for_each(|message| model.apply(message)));
    }
    std::hint::black_box(&model);
    spent
}

/// A generated program.
#[derive(Default)]
struct Program {
    seq: u64,
    now_ns: u64,
    samples: u64,
    edges: u64,
    /// The live tasks, the oldest first, each with the edge of its wait.
    tasks: std::collections::VecDeque<(TaskId, Option<EdgeId>)>,
    spawned: u64,
}

impl Program {
    fn send(&mut self, text: &mut String, message: impl Into<Message>) {
        self.seq += 1;
        text.push_str(&encode(self.seq, &message.into()));
        text.push('\n');
    }

    /// Sends the changes since the last sample, in the order of the recorder.
    fn sample(&mut self, text: &mut String) {
        if self.samples == 0 {
            self.open(text);
        }
        self.samples += 1;
        for _ in 0..TASKS / LIFE {
            if self.tasks.len() as u64 == TASKS {
                let (id, edge) = self.tasks.pop_front().expect("there are 1,000 tasks");
                self.close(text, edge, EdgeOutcome::Abandoned);
                let at_ns = self.now_ns;
                self.send(text, TaskCompleted::new(id, Outcome::Returned, at_ns));
            }
            self.spawn(text);
        }
        for at in 0..self.tasks.len() {
            let (id, edge) = self.tasks[at];
            self.now_ns += 40_000;
            // A third of the tasks have not changed.
            if (at as u64 + self.samples) % 3 == 0 {
                continue;
            }
            self.close(text, edge, EdgeOutcome::Claimed);
            self.stats(text, id, at as u64);
            self.tasks[at].1 = Some(self.wait(text, id, at as u64));
        }
        let at_ns = self.now_ns;
        self.send(text, StreamHeartbeat::new(at_ns));
    }

    fn open(&mut self, text: &mut String) {
        self.send(text, header());
        self.send(text, SnapshotBegin::default());
        self.send(text, SnapshotEnd::new(0));
        for (id, word) in (1..).zip(["server::handler::{async_fn}", "waiting on channel capacity", "jobs"]) {
            self.send(text, DefineString::new(StringId(id), word));
        }
        for id in 1..=10 {
            let file = "src/server.rs".to_owned();
            let location = LocationId(u64::from(id));
            self.send(text, DefineLocation::new(location, file, 80 + id, 9));
            let channel = with!(
                ResourceCreated::new(ResourceId(u64::from(id)), ResourceKind::Channel, 0),
                name = Some(StringId(3)),
                location = Some(location),
                capacity = Some(64)
            );
            self.send(text, channel);
        }
    }

    fn spawn(&mut self, text: &mut String) {
        self.spawned += 1;
        let id = TaskId(self.spawned);
        let task = with!(
            TaskSpawned::default(),
            id,
            name = Some(StringId(1)),
            location = Some(LocationId(1)),
            future_bytes = Some(384),
            at_ns = self.now_ns
        );
        self.send(text, task);
        self.edges += 1;
        let party =
            EdgeParty::new(EdgeId(self.edges), id, ResourceId(id.0 % 10 + 1), PartyRole::Sender, false, self.now_ns);
        self.send(text, party);
        // The handle is dropped before the task ends.
        self.close(text, Some(EdgeId(self.edges)), EdgeOutcome::Moved);
        self.tasks.push_back((id, None));
    }

    fn close(&mut self, text: &mut String, edge: Option<EdgeId>, outcome: EdgeOutcome) {
        let at_ns = self.now_ns;
        if let Some(id) = edge {
            self.send(text, with!(EdgeClosed::new(id, at_ns), outcome = Some(outcome)));
        }
    }

    fn wait(&mut self, text: &mut String, task: TaskId, at: u64) -> EdgeId {
        self.edges += 1;
        let wait = with!(
            EdgeWait::new(
                EdgeId(self.edges),
                task,
                ResourceId(at % 10 + 1),
                Operation::Send,
                StringId(2),
                1,
                self.now_ns
            ),
            location = Some(LocationId(at % 10 + 1))
        );
        self.send(text, wait);
        EdgeId(self.edges)
    }

    fn stats(&mut self, text: &mut String, id: TaskId, at: u64) {
        let polls = self.samples * 3;
        let stats = with!(
            TaskStats::default(),
            id,
            state = Some(TaskState::Idle),
            since_ns = self.now_ns,
            polls,
            wakes = polls - 1,
            woken_by = Some(TaskId(at + 1)),
            running_ns = polls * 5_210,
            scheduled_ns = polls * 1_777,
            idle_ns = self.samples * 50_000_000,
            poll_ns_log2 = vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, polls - polls / 3, polls / 3],
            at_ns = self.now_ns
        );
        self.send(text, stats);
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

/// 0 if the system does not report it.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

fn header() -> StreamHeader {
    with!(
        StreamHeader::new("made-up", Process::new(1, "server")),
        clock = Clock::new(0),
        detail = Detail::Structure,
        interval_ms = 50,
        capabilities = vec![Capability::Tasks, Capability::TaskTimes, Capability::Channels]
    )
}
