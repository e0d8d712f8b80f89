//! The one recorder of a test program, and the model of what it told.

use insight_model::{Checker, Edge, EdgeBody, Model, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, Outcome, TaskId, encode};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Short, so that the tests are: no fact of theirs stands for less.
pub const SETTLE: Duration = Duration::from_millis(50);

/// The tests take turns with it, each with tasks of its own.
pub struct Bench {
    recorder: Recorder,
    pub model: Model,
    /// How each task ended that has.
    pub outcomes: BTreeMap<TaskId, Outcome>,
    watch: Watch,
    checker: Checker,
    seq: u64,
}

impl Bench {
    pub fn look(&mut self) -> &Model {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        self.apply(&messages);
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        self.apply(&found);
        &self.model
    }

    /// Folds what was told, and holds it to the rules of SPEC.md.
    fn apply(&mut self, messages: &[Message]) {
        for message in messages {
            self.seq += 1;
            assert_eq!(self.checker.line(&encode(self.seq, message)), [], "{message:?}");
            self.model.apply(message);
            if let Message::TaskCompleted(completed) = message {
                self.outcomes.insert(completed.id, completed.outcome.clone());
            }
        }
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

    /// Looks until the facts of now have stood for longer than a problem takes to be told.
    pub fn after_settling(&mut self) -> &Model {
        let settled = self.look().now_ns + 2 * SETTLE.as_nanos() as u64;
        self.until(|model| (model.now_ns > settled).then_some(()));
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
        let (model, outcomes) = (Model::default(), BTreeMap::new());
        let mut bench = Bench { recorder, model, outcomes, watch, checker: Checker::default(), seq: 0 };
        // A stream opens with a picture, here of nothing.
        let opening: Vec<Message> = std::iter::once(header).chain(Model::default().snapshot()).collect();
        bench.apply(&opening);
        Mutex::new(bench)
    });
    let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
    let result = test(&mut bench);
    // A partial task goes some seconds after its last use.
    bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty() && model.resources.is_empty()).then_some(()));
    result
}

/// Each test program uses what it needs.
#[allow(dead_code)]
pub fn waits(model: &Model) -> Vec<&Edge> {
    model.edges.values().filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).collect()
}

/// Each wait and each hold: `task operation kind :line`, in the order of the lines. A task that has no name of its own is
/// called by the function that it is of.
pub fn edges(model: &Model) -> Vec<String> {
    let mut edges: Vec<(u32, String)> = Vec::new();
    for edge in model.edges.values() {
        let what = match &edge.body {
            EdgeBody::Wait { operation, .. } => operation.to_string(),
            EdgeBody::Hold { .. } => "holds".to_owned(),
            EdgeBody::Party { .. } => continue,
        };
        let line = edge.location.as_ref().map_or(0, |location| location.place.line);
        let kind = &model.resources[&edge.resource].kind;
        edges.push((line, format!("{} {what} {kind} :{line}", task_name(model, edge.task))));
    }
    edges.sort();
    edges.into_iter().map(|(_, edge)| edge).collect()
}

/// The last part of a task's name.
pub fn task_name(model: &Model, id: TaskId) -> String {
    let task = &model.tasks[&id];
    match (&task.name, task.partial) {
        (_, true) => "partial".to_owned(),
        (Some(name), false) => name.rsplit("::").find(|part| !part.starts_with('{')).unwrap_or(name).to_owned(),
        (None, false) => "unnamed".to_owned(),
    }
}

fn summary(model: &Model) -> String {
    let tasks: Vec<String> = model.tasks.keys().map(|id| task_name(model, id)).collect();
    format!("tasks {tasks:?}, edges {:?}", edges(model))
}

/// The line of `source` that ends with `comment`.
#[allow(dead_code)]
pub fn line_of(source: &str, comment: &str) -> u32 {
    let ending = format!("// here: {comment}");
    let lines: Vec<u32> =
        source.lines().zip(1..).filter(|(line, _)| line.ends_with(&ending)).map(|(_, number)| number).collect();
    assert_eq!(lines.len(), 1, "{comment}: {lines:?}");
    lines[0]
}
