//! The one recorder of a process, and all facts that it reported.

use super::journal::Journal;
use insight_model::problem::is_measured;
use insight_model::{Checker, Model, Task, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Detail, Message, Outcome, Problem, TaskId, encode};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The settle time of these tests. It is short because each deadlock of a case takes this long to be found.
const SETTLE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Bench {
    pub(super) recorder: Recorder,
    pub(super) reported: Reported,
    pub(super) patience: Duration,
    watch: Watch,
    checker: Checker,
    seq: u64,
}

/// The reported facts.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// The present state.
    pub(super) model: Model,
    /// All tasks since the start, as they were when they were spawned.
    pub(super) tasks: BTreeMap<TaskId, Task>,
    /// The outcomes of the tasks that have ended. More than one is an error.
    pub(super) ended: BTreeMap<TaskId, Vec<Outcome>>,
    /// The problems about stuck tasks, as they were raised.
    pub(super) hangs: Vec<Problem>,
    /// Broken rules of SPEC.md, with the messages that break them.
    pub(super) broken: Vec<String>,
    /// The operations and holds of the present case.
    pub(super) journal: Journal,
}

/// Locks the bench. One case at a time can use it.
pub(super) fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let recorder = Recorder::start(RecorderConfig { detail: Detail::Operations, ..RecorderConfig::default() })
            .expect("the suite has the recorder of its process: nothing else in this test may start one");
        let header = Message::from(recorder.header());
        let watch = Watch::new(SETTLE.as_nanos() as u64);
        let patience = Duration::ZERO;
        let mut bench =
            Bench { recorder, reported: Reported::default(), patience, watch, checker: Checker::default(), seq: 0 };
        // A stream begins with a snapshot. At this time nothing is alive.
        std::iter::once(header).chain(Model::default().snapshot()).for_each(|message| bench.apply(&message));
        Mutex::new(bench)
    });
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bench {
    /// Takes a sample, and returns all reported facts.
    pub(super) fn sample(&mut self) -> &Reported {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        messages.iter().for_each(|message| self.apply(message));
        messages.clear();
        self.watch.check(&self.reported.model, &mut messages);
        messages.iter().for_each(|message| self.apply(message));
        &self.reported
    }

    fn apply(&mut self, message: &Message) {
        self.seq += 1;
        for finding in self.checker.line(&encode(self.seq, message)) {
            self.reported.broken.push(format!("{finding:?} by {message:?}"));
        }
        self.reported.model.apply(message);
        self.reported.journal.apply(message);
        match message {
            Message::TaskSpawned(spawned) => {
                let task = self.reported.model.tasks.get(&spawned.id).cloned();
                self.reported.tasks.extend(task.map(|task| (spawned.id, task)));
            }
            Message::TaskCompleted(completed) => {
                self.reported.ended.entry(completed.id).or_default().push(completed.outcome.clone());
            }
            // Measured problems do not count: they are normal on a busy machine.
            Message::ProblemRaised(raised) if !is_measured(&raised.problem.kind) => {
                self.reported.hangs.push(raised.problem.clone());
            }
            _ => {}
        }
    }

    /// Takes samples until `condition` returns a value. Fails after `patience`.
    pub(super) fn until<T>(&mut self, fact: &str, condition: impl Fn(&Reported) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            // The deadline is read first, so that the last sample is after it.
            let over = Instant::now() >= deadline;
            if let Some(result) = condition(self.sample()) {
                return Ok(result);
            }
            if over {
                return Err(format!("not reported in {:?}: {fact}", self.patience));
            }
            std::thread::yield_now();
        }
    }

    /// Takes samples until a stuck task of the first sample would be a problem.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let start = self.sample().model.now_ns;
        let settled = start + 2 * SETTLE.as_nanos() as u64;
        self.until("a heartbeat", |reported| (reported.model.now_ns > settled).then_some(()))
    }
}
