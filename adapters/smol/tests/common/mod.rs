//! The one recorder of a test program, and the model of what it told.
#![allow(dead_code, reason = "each test program uses a part of it")]

use insight_model::{Checker, EdgeBody, Model, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, Outcome, encode};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Short, so that the tests are: no fact of theirs stands for less.
pub const SETTLE: Duration = Duration::from_millis(50);

/// The tests take turns with it, each with tasks of its own.
pub struct Bench {
    pub recorder: Recorder,
    pub model: Model,
    /// How tasks ended, in the order of their ends.
    pub outcomes: Vec<Outcome>,
    watch: Watch,
    checker: Checker,
    seq: u64,
}

impl Bench {
    pub fn look(&mut self) -> &Model {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        messages.iter().for_each(|message| self.model.apply(message));
        self.outcomes.extend(messages.iter().filter_map(|message| match message {
            Message::TaskCompleted(end) => Some(end.outcome.clone()),
            _ => None,
        }));
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        found.iter().for_each(|message| self.model.apply(message));
        let broken: Vec<String> = messages.iter().chain(&found).filter_map(|message| self.check(message)).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        &self.model
    }

    /// Holds what was recorded to the rules of SPEC.md; what it breaks.
    fn check(&mut self, message: &Message) -> Option<String> {
        self.seq += 1;
        let broken = self.checker.line(&encode(self.seq, message));
        (!broken.is_empty()).then(|| format!("{broken:?}: {message:?}"))
    }

    /// Looks until `condition` holds.
    pub fn until<T>(&mut self, condition: impl Fn(&Model) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(result) = condition(self.look()) {
                return result;
            }
            assert!(Instant::now() < deadline, "not seen in 30 s: {}", summary(&self.model));
            std::thread::yield_now();
        }
    }

    /// Looks until the open edges are these, in any order: each as `task operation|"holds"|role resource`.
    pub fn until_edges(&mut self, expect: &[&str]) {
        let mut expect = expect.to_vec();
        expect.sort_unstable();
        self.until(|model| {
            let mut edges = edges(model);
            edges.sort_unstable();
            (edges == expect).then_some(())
        });
    }

    /// Looks until so many tasks have ended; how they did.
    pub fn until_ended(&mut self, count: usize) -> Vec<Outcome> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.outcomes.len() < count {
            self.look();
            assert!(Instant::now() < deadline, "{:?} in 30 s", self.outcomes);
        }
        std::mem::take(&mut self.outcomes)
    }

    /// Looks until the facts of now have stood for longer than a problem takes to be told.
    pub fn after_settling(&mut self) -> &Model {
        let start = self.look().now_ns;
        let settle = 2 * SETTLE.as_nanos() as u64;
        self.until(|model| (model.now_ns > start + settle).then_some(()));
        &self.model
    }
}

/// Runs `test`, and looks that nothing is left of it.
pub fn bench<R>(test: impl FnOnce(&mut Bench) -> R) -> R {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let recorder = Recorder::start(RecorderConfig::default()).unwrap();
        let header = Message::from(recorder.header());
        let watch = Watch::new(SETTLE.as_nanos() as u64);
        let (model, checker) = (Model::default(), Checker::default());
        let mut bench = Bench { recorder, model, outcomes: Vec::new(), watch, checker, seq: 0 };
        // A stream opens with a picture, here of nothing.
        let opening = std::iter::once(header).chain(Model::default().snapshot());
        opening.for_each(|message| assert_eq!(bench.check(&message), None));
        Mutex::new(bench)
    });
    let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
    let result = test(&mut bench);
    bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty()).then_some(()));
    bench.outcomes.clear();
    result
}

/// The kinds of the tasks, in the order of their spawns.
pub fn kinds(model: &Model) -> Vec<String> {
    model.tasks.values().map(|task| task.kind.as_str().to_owned()).collect()
}

/// Each open edge in words: the task by its place in the order of spawns and its kind.
pub fn edges(model: &Model) -> Vec<String> {
    let edges = model.edges.values().map(|edge| {
        let what = match &edge.body {
            EdgeBody::Wait { operation, .. } => operation.to_string(),
            EdgeBody::Hold { .. } => "holds".to_owned(),
            EdgeBody::Party { role, .. } => role.to_string(),
        };
        let kind = |resource: &_| model.resources.get(resource).map(|resource| resource.kind.to_string());
        let place = model.tasks.keys().position(|id| id == edge.task).expect("alive");
        format!("{place} {what} {}", kind(&edge.resource).unwrap_or_default())
    });
    edges.collect()
}

pub fn summary(model: &Model) -> String {
    format!("{:?} {}", kinds(model), edges(model).join("; "))
}
