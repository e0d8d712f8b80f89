//! The recorder of a test program, and the model of its messages.

use insight_model::{Checker, Edge, EdgeBody, Model, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, Outcome, TaskId, TaskState, Tier, encode};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Time that a fact must last to be a problem. It is short, so that tests are fast; every fact of a test lasts longer.
pub const SETTLE: Duration = Duration::from_millis(50);

/// A settle time that no test reaches.
pub const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The recorder, and everything that it recorded.
#[derive(Debug)]
pub struct Bench {
    /// The recorder.
    pub recorder: Recorder,
    /// The state after the last sample.
    pub model: Model,
    /// All messages of this test, in their order.
    pub messages: Vec<Message>,
    /// Called after each message. A test sets it; the next test begins without one.
    pub invariant: Option<fn(&Model)>,
    watch: Watch,
    checker: Checker,
    settle: Duration,
    /// The number of the last message in its stream.
    seq: u64,
}

impl Bench {
    /// Starts the process's recorder. A fact is a problem after `settle`.
    ///
    /// # Panics
    ///
    /// Panics if the process has a recorder already.
    pub fn start(config: RecorderConfig, settle: Duration) -> Bench {
        let recorder = Recorder::start(config).expect("one recorder per process");
        let header = Message::from(recorder.header());
        let mut bench = Bench {
            recorder,
            model: Model::default(),
            messages: Vec::new(),
            invariant: None,
            watch: Watch::new(settle.as_nanos() as u64),
            checker: Checker::default(),
            settle,
            seq: 0,
        };
        // A stream begins with a header and a snapshot, here an empty one.
        bench.fold(std::iter::once(header).chain(Model::default().snapshot()).collect());
        bench
    }

    /// Records up to now.
    pub fn sample(&mut self) -> &Model {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        self.fold(messages);
        let mut problems = Vec::new();
        self.watch.check(&self.model, &mut problems);
        self.fold(problems);
        &self.model
    }

    /// Records up to now, and returns the new messages.
    pub fn collect(&mut self) -> &[Message] {
        let before = self.messages.len();
        self.sample();
        &self.messages[before..]
    }

    /// Turns recording off or on, as the server does.
    pub fn turn(&mut self, on: bool) {
        let mut messages = Vec::new();
        self.watch.forget(self.model.now_ns, &mut messages);
        self.recorder.set_on(on, &mut messages);
        self.fold(messages);
    }

    /// Folds messages into the model, and holds each to the rules.
    pub fn fold(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.seq += 1;
            assert_eq!(self.checker.line(&encode(self.seq, &message)), [], "{message:?}");
            self.model.apply(&message);
            if let Some(invariant) = self.invariant {
                invariant(&self.model);
            }
            self.messages.push(message);
        }
    }

    /// Samples until `condition` holds.
    ///
    /// # Panics
    ///
    /// Panics after [`DEADLINE`](crate::DEADLINE), with the open edges.
    pub fn until<T>(&mut self, mut condition: impl FnMut(&Model) -> Option<T>) -> T {
        let deadline = Instant::now() + crate::DEADLINE;
        loop {
            if let Some(result) = condition(self.sample()) {
                return result;
            }
            assert!(
                Instant::now() < deadline,
                "no such state: {} tasks; {}",
                self.model.tasks.len(),
                summary(&self.model)
            );
            std::thread::yield_now();
        }
    }

    /// Samples until there is a problem, and checks that it is proven and that the tasks wait for these kinds of resources.
    pub fn until_proven(&mut self, kinds: &[&str]) {
        self.until(|model| {
            let problem = model.problems.values().next()?;
            assert_eq!(problem.tier, Tier::Proven);
            let kind = |wait: &&Edge| model.resources[&wait.resource].kind.to_string();
            assert_eq!(waits(model).iter().map(kind).collect::<Vec<String>>(), kinds);
            Some(())
        });
    }

    /// Samples until the present facts have lasted twice as long as a problem needs.
    pub fn after_settling(&mut self) -> &Model {
        self.after_settle_times(2)
    }

    /// Samples until the present facts have lasted for this number of settle times.
    pub fn after_settle_times(&mut self, times: u32) -> &Model {
        let settled = self.sample().now_ns + (times * self.settle).as_nanos() as u64;
        self.until(|model| (model.now_ns > settled).then_some(()));
        &self.model
    }

    /// Samples until no task, edge or resource is left.
    pub fn until_empty(&mut self) {
        self.until(|model| {
            (model.tasks.is_empty() && model.edges.is_empty() && model.resources.is_empty()).then_some(())
        });
    }

    /// Samples once. Returns the names of the tasks that can cancel the task of this name, and whether other code can. `None` until the
    /// task has begun to run.
    pub fn cancellers(&mut self, name: &str) -> Option<(Vec<String>, bool)> {
        self.sample();
        let model = &self.model;
        let named = |task: &&insight_model::Task| task.origin.name.as_deref() == Some(name);
        // A task of before may not have ended yet.
        let task = model.tasks.values().filter(named).max_by_key(|task| task.id)?;
        task.counters().filter(|stats| stats.polls > 0 || stats.state == Some(TaskState::Running))?;
        let found = self.recorder.cancellers(task.id)?;
        assert_eq!(found.id, task.id);
        let name = |id: &TaskId| model.tasks.get(id)?.origin.name.as_deref().map(str::to_owned);
        Some((found.tasks.iter().map(|id| name(id).expect("a named task")).collect(), found.others))
    }

    /// The tasks that have ended in this test, in the order of their ends.
    pub fn outcomes(&self) -> Vec<(TaskId, Outcome)> {
        let ends = self.messages.iter().filter_map(|message| match message {
            Message::TaskCompleted(completed) => Some((completed.id, completed.outcome.clone())),
            _ => None,
        });
        ends.collect()
    }
}

/// The bench of this process, for one test at a time. A problem takes [`SETTLE`].
pub fn bench() -> MutexGuard<'static, Bench> {
    bench_with(|| Bench::start(RecorderConfig::default(), SETTLE))
}

/// The bench of this process, for one test at a time. The first test of the process makes it by `start`.
pub fn bench_with(start: impl FnOnce() -> Bench) -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| Mutex::new(start()));
    let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
    bench.invariant = None;
    bench.sample();
    bench.messages.clear();
    bench
}

/// The open waits.
pub fn waits(model: &Model) -> Vec<&Edge> {
    model.edges.values().filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).collect()
}

/// Each open edge: task, relation, resource and line.
pub fn summary(model: &Model) -> String {
    let edges = model.edges.values().map(|edge| {
        let relation = match &edge.body {
            EdgeBody::Wait { operation, .. } => operation.to_string(),
            EdgeBody::Hold { .. } => "holds".to_owned(),
            EdgeBody::Party { role, .. } => role.to_string(),
        };
        let line = edge.location.as_ref().map_or(0, |location| location.place.line);
        format!("{} {relation} {} :{line}", model.task_label(edge.task), model.resource_label(edge.resource))
    });
    edges.collect::<Vec<_>>().join("; ")
}
