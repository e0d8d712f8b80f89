//! The one recorder of a process, and all that it told.

use insight_model::problem::is_measured;
use insight_model::{Checker, Model, Task, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, Outcome, Problem, TaskId, encode};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Short, so that the cases are: no fact of theirs stands for less.
const SETTLE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Bench {
    pub(super) recorder: Recorder,
    pub(super) seen: Seen,
    pub(super) patience: Duration,
    watch: Watch,
    checker: Checker,
    seq: u64,
}

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// As it is now.
    pub(super) model: Model,
    /// Every task that there was.
    pub(super) tasks: BTreeMap<TaskId, Task>,
    /// How they ended.
    pub(super) ended: BTreeMap<TaskId, Vec<Outcome>>,
    /// The problems of tasks that cannot go on, as they were raised.
    pub(super) hangs: Vec<Problem>,
    /// The rules of SPEC.md that what was told breaks.
    pub(super) broken: Vec<String>,
}

/// The bench; who asks for it has it alone.
pub(super) fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let recorder = Recorder::start(RecorderConfig::default())
            .expect("the suite has the recorder of its process: nothing else in this test may start one");
        let header = Message::from(recorder.header());
        let watch = Watch::new(SETTLE.as_nanos() as u64);
        let patience = Duration::ZERO;
        let mut bench = Bench { recorder, seen: Seen::default(), patience, watch, checker: Checker::default(), seq: 0 };
        // A stream opens with a picture, here of nothing.
        std::iter::once(header).chain(Model::default().snapshot()).for_each(|message| bench.told(&message));
        Mutex::new(bench)
    });
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bench {
    /// Takes what is told now.
    pub(super) fn look(&mut self) -> &Seen {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        messages.iter().for_each(|message| self.told(message));
        messages.clear();
        self.watch.check(&self.seen.model, &mut messages);
        messages.iter().for_each(|message| self.told(message));
        &self.seen
    }

    fn told(&mut self, message: &Message) {
        self.seq += 1;
        for finding in self.checker.line(&encode(self.seq, message)) {
            self.seen.broken.push(format!("{finding:?} by {message:?}"));
        }
        self.seen.model.apply(message);
        match message {
            Message::TaskSpawned(spawned) => {
                let task = self.seen.model.tasks.get(&spawned.id).cloned();
                self.seen.tasks.extend(task.map(|task| (spawned.id, task)));
            }
            Message::TaskCompleted(completed) => {
                self.seen.ended.entry(completed.id).or_default().push(completed.outcome.clone());
            }
            // Of what is measured, a busy machine may have some.
            Message::ProblemRaised(raised) if !is_measured(&raised.problem.kind) => {
                self.seen.hangs.push(raised.problem.clone());
            }
            _ => {}
        }
    }

    /// Looks until `condition` holds; an error when it does not in time.
    pub(super) fn until<T>(&mut self, what: &str, condition: impl Fn(&Seen) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            // In this order, so that the last look is after the deadline.
            let over = Instant::now() >= deadline;
            if let Some(result) = condition(self.look()) {
                return Ok(result);
            }
            if over {
                return Err(format!("not told in {:?}: {what}", self.patience));
            }
            std::thread::yield_now();
        }
    }

    /// Looks until the facts of now have stood for longer than a problem takes to be told.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let start = self.look().model.now_ns;
        let settled = start + 2 * SETTLE.as_nanos() as u64;
        self.until("a heartbeat", |seen| (seen.model.now_ns > settled).then_some(()))
    }
}
