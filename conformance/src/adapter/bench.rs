//! The one recorder of a process, and all facts that it reported.

use super::journal::Journal;
use super::transcript::Transcript;
use insight_model::problem::is_measured;
use insight_model::{Checker, Model, RuleFinding, Task, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Detail, Message, Outcome, Problem, ResourceId, StreamHeader, TaskId, encode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The settle time of the cases. It is short because each stuck task of a case takes this long to be found.
pub(super) const SETTLE: Duration = Duration::from_millis(50);

/// Changes the stream of a case before the suite reads it, as a broken adapter would. It may keep numbers in the set.
pub type Filter = fn(Message, &mut BTreeSet<u64>) -> Vec<Message>;

#[derive(Debug)]
pub(super) struct Bench {
    recorder: Recorder,
    filter: Option<Filter>,
    /// The numbers that the filter keeps.
    kept: BTreeSet<u64>,
    pub(super) reported: Reported,
    watch: Watch,
    checker: Checker,
    seq: u64,
}

/// The reported facts.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// The present state.
    pub(super) model: Model,
    /// All tasks since the begin of the case, as they were when they were spawned.
    pub(super) tasks: BTreeMap<TaskId, Task>,
    /// The first outcomes of the tasks that have ended since the begin of the case.
    pub(super) ended: BTreeMap<TaskId, Outcome>,
    /// All resources since the begin of the case.
    pub(super) made: BTreeSet<ResourceId>,
    /// The problems about stuck tasks, as they were raised since the case began.
    pub(super) hangs: Vec<Problem>,
    /// The rules that the lines since the begin of the case break.
    pub(super) broken: Vec<RuleFinding>,
    /// The lines since the begin of the case.
    pub(super) transcript: Transcript,
    /// The operations and holds since the begin of the case.
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
        let mut bench = Bench {
            recorder,
            filter: None,
            kept: BTreeSet::new(),
            reported: Reported::default(),
            watch,
            checker: Checker::default(),
            seq: 0,
        };
        // A stream begins with a snapshot. At this time nothing is alive.
        std::iter::once(header).chain(Model::default().snapshot()).for_each(|message| bench.apply(message));
        Mutex::new(bench)
    });
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bench {
    /// Begins a case: earlier tasks, resources, problems, broken rules and lines do not belong to it.
    pub(super) fn begin(&mut self, filter: Option<Filter>) {
        self.filter = None;
        self.sample();
        self.filter = filter;
        self.kept.clear();
        let Reported { tasks, ended, made, hangs, broken, transcript, journal, .. } = &mut self.reported;
        transcript.begin();
        journal.begin();
        hangs.clear();
        broken.clear();
        tasks.clear();
        ended.clear();
        made.clear();
    }

    /// Takes a sample, and returns all reported facts.
    pub(super) fn sample(&mut self) -> &Reported {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        for message in messages.drain(..) {
            match self.filter {
                Some(filter) => filter(message, &mut self.kept).into_iter().for_each(|message| self.apply(message)),
                None => self.apply(message),
            }
        }
        self.watch.check(&self.reported.model, &mut messages);
        messages.into_iter().for_each(|message| self.apply(message));
        &self.reported
    }

    /// The header of a stream that would begin now.
    pub(super) fn header(&self) -> StreamHeader {
        self.recorder.header()
    }

    fn apply(&mut self, message: Message) {
        self.seq += 1;
        let reported = &mut self.reported;
        reported.broken.extend(self.checker.line(&encode(self.seq, &message)));
        reported.model.apply(&message);
        reported.journal.apply(&message);
        match &message {
            Message::TaskSpawned(spawned) => {
                let task = reported.model.tasks.get(&spawned.id).cloned();
                reported.tasks.extend(task.map(|task| (spawned.id, task)));
            }
            Message::TaskCompleted(completed) => {
                reported.ended.entry(completed.id).or_insert_with(|| completed.outcome.clone());
            }
            Message::ResourceCreated(created) => {
                reported.made.insert(created.id);
            }
            // Measured problems do not count: they are normal on a busy machine.
            Message::ProblemRaised(raised) if !is_measured(&raised.problem.kind) => {
                reported.hangs.push(raised.problem.clone());
            }
            _ => {}
        }
        reported.transcript.line(self.seq, message);
    }
}
