//! The one recorder of this test program, the model of what it told, and an executor that does one thing at a time.

use insight_model::{Checker, Edge, EdgeBody, Model, Watch};
use insight_probe::{Executor, Kind, Observed, Recorder, RecorderConfig};
use insight_protocol::{Message, Tier, encode};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// Short, so that the tests are: no fact of theirs stands for less.
const SETTLE: Duration = Duration::from_millis(20);

/// The tests take turns with it, each with tasks of its own.
pub struct Bench {
    recorder: Recorder,
    model: Model,
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
        }
    }

    /// Looks until `condition` holds.
    fn until(&mut self, condition: impl Fn(&Model) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition(self.look()) {
            assert!(Instant::now() < deadline, "not seen in 30 s: {:?}", edges(&self.model));
            std::thread::yield_now();
        }
    }

    /// Looks until the facts of now have stood for longer than a problem takes to be told.
    pub fn after_settling(&mut self) -> &Model {
        let settled = self.look().now_ns + 2 * SETTLE.as_nanos() as u64;
        self.until(|model| model.now_ns > settled);
        &self.model
    }

    /// The open edges of now, in the order of their tasks; a wait at a line, a party with whether it is exclusive.
    pub fn edges(&mut self) -> Vec<String> {
        edges(self.look())
    }

    /// Looks until the open edges are as `condition` says.
    pub fn until_edges(&mut self, condition: impl Fn(&[String]) -> bool) {
        self.until(|model| condition(&edges(model)));
    }

    /// The problems that stand when all has settled: the tier, the tasks, and the lines that they wait at.
    pub fn problems(&mut self) -> Vec<(Tier, Vec<String>, Vec<u32>)> {
        let problems = self.after_settling().problems().problems;
        let found = problems.into_iter().map(|problem| {
            let mut tasks: Vec<String> = problem.tasks.iter().map(|task| last(task.name.as_deref())).collect();
            tasks.sort();
            let waits = problem.edges.iter().filter(|edge| edge.kind == "wait");
            let lines = waits.map(|edge| edge.location.as_ref().map_or(0, |location| location.line));
            (problem.tier, tasks, lines.collect())
        });
        found.collect()
    }
}

/// The last part of a path, without what it is generic over.
fn last(path: Option<&str>) -> String {
    let path = path.unwrap_or("?").split('<').next().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default().to_owned()
}

fn edges(model: &Model) -> Vec<String> {
    let shown = |edge: &Edge| {
        let task = last(model.tasks.get(&edge.task).and_then(|task| task.name.as_deref()));
        let line = edge.location.as_ref().map(|location| format!(" :{}", location.place.line)).unwrap_or_default();
        match &edge.body {
            EdgeBody::Wait { operation, .. } => format!("{task} waits {operation}{line}"),
            EdgeBody::Hold { mode, .. } => format!("{task} holds {}{line}", mode.as_str()),
            EdgeBody::Party { role, exclusive } => {
                format!("{task} {role}{}", if *exclusive { "" } else { " (shared)" })
            }
        }
    };
    let mut edges: Vec<String> = model.edges.values().map(shown).collect();
    edges.sort();
    edges
}

/// The tasks of one test; dropped, they are cancelled.
#[derive(Default)]
pub struct Tasks(Vec<Task>);

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Tasks {
    #[track_caller]
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let future = Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()));
        self.0.push(Task { future, woken: Arc::new(Woken(AtomicBool::new(true))) });
    }

    /// Polls what was woken, in the order of spawns, until there is no more.
    pub fn run(&mut self) {
        while self.0.iter().any(|task| task.woken.0.load(Ordering::SeqCst)) {
            self.0.retain_mut(|task| {
                let woken = task.woken.0.swap(false, Ordering::SeqCst);
                let waker = Waker::from(task.woken.clone());
                !woken || task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            });
        }
    }

    /// Runs the tasks to their ends, though other threads have to wake them.
    pub fn run_to_end(mut self) {
        while !self.0.is_empty() {
            self.run();
            std::thread::yield_now();
        }
    }

    /// Polls every task once more, woken or not.
    pub fn nudge(&mut self) {
        self.0.iter().for_each(|task| task.woken.0.store(true, Ordering::SeqCst));
        self.run();
    }
}

/// Runs `test`, and looks that nothing is left of it.
pub fn bench(test: impl FnOnce(&mut Bench, &mut Tasks)) {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let recorder = Recorder::start(RecorderConfig::default()).unwrap();
        let opening: Vec<Message> =
            std::iter::once(recorder.header().into()).chain(Model::default().snapshot()).collect();
        let watch = Watch::new(SETTLE.as_nanos() as u64);
        let mut bench = Bench { recorder, model: Model::default(), watch, checker: Checker::default(), seq: 0 };
        bench.apply(&opening);
        Mutex::new(bench)
    });
    let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tasks = Tasks::default();
    test(&mut bench, &mut tasks);
    drop(tasks);
    bench.until(|model| model.tasks.is_empty() && model.edges.is_empty() && model.resources.is_empty());
}

/// The line of `source` that has `text`, but for calls of this.
pub fn line(source: &str, text: &str) -> u32 {
    let found = source.lines().position(|line| line.contains(text) && !line.contains("line(\""));
    found.map_or(0, |at| at as u32 + 1)
}
