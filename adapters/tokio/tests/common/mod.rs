//! The one recorder of a test program, and the model of what it told.

use insight_model::{Checker, EdgeBody, Model, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, encode};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Short, so that the tests are: no fact of theirs stands for less.
pub const SETTLE: Duration = Duration::from_millis(50);

/// The tests take turns with it, each with tasks of its own.
pub struct Bench {
    pub recorder: Recorder,
    pub model: Model,
    watch: Watch,
    checker: Checker,
    seq: u64,
}

impl Bench {
    pub fn look(&mut self) -> &Model {
        let mut messages = Vec::new();
        self.recorder.collect_now(&mut messages);
        messages.iter().for_each(|message| self.model.apply(message));
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        found.iter().for_each(|message| self.model.apply(message));
        let broken: Vec<String> = messages.iter().chain(&found).filter_map(|message| self.check(message)).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        &self.model
    }

    /// Turns recording off or on, as the server does.
    #[allow(dead_code, reason = "few tests do")]
    pub fn turn(&mut self, on: bool) {
        let mut messages = Vec::new();
        self.watch.forget(self.model.now_ns, &mut messages);
        self.recorder.set_on(on, &mut messages);
        messages.iter().for_each(|message| self.model.apply(message));
        let broken: Vec<String> = messages.iter().filter_map(|message| self.check(message)).collect();
        assert!(broken.is_empty(), "{broken:#?}");
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

    /// Looks until the facts of now have stood for longer than a problem takes to be told.
    pub fn after_settling(&mut self) -> &Model {
        let start = self.look().now_ns;
        let settle = 2 * SETTLE.as_nanos() as u64;
        self.until(|model| (model.now_ns > start + settle).then_some(()));
        &self.model
    }
}

/// Runs `test` with a runtime of its own, and looks that nothing is left of it.
pub fn bench<R>(test: impl FnOnce(&mut Bench, &tokio::runtime::Runtime) -> R) -> R {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let recorder = Recorder::start(RecorderConfig::default()).unwrap();
        let header = Message::from(recorder.header());
        let watch = Watch::new(SETTLE.as_nanos() as u64);
        let mut bench = Bench { recorder, model: Model::default(), watch, checker: Checker::default(), seq: 0 };
        // A stream opens with a picture, here of nothing.
        let opening = std::iter::once(header).chain(Model::default().snapshot());
        opening.for_each(|message| assert_eq!(bench.check(&message), None));
        Mutex::new(bench)
    });
    let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let result = test(&mut bench, &runtime);
    runtime.shutdown_timeout(Duration::from_secs(10));
    // What stands in a static stays.
    let statics = |model: &Model| model.resources.values().all(|resource| resource.kind.as_str() == "notify");
    bench.until(|model| (model.tasks.values().all(|task| task.partial) && model.edges.is_empty()).then_some(()));
    bench.until(|model| (statics(model) && model.resources.len() <= 1).then_some(()));
    result
}

pub fn summary(model: &Model) -> String {
    let edges = model.edges.values().map(|edge| {
        let what = match &edge.body {
            EdgeBody::Wait { operation, .. } => operation.to_string(),
            EdgeBody::Hold { .. } => "holds".to_owned(),
            EdgeBody::Party { role, .. } => role.to_string(),
        };
        let line = edge.location.as_ref().map_or(0, |location| location.place.line);
        format!("{} {what} {} :{line}", model.task_label(edge.task), model.resource_label(edge.resource))
    });
    edges.collect::<Vec<_>>().join("; ")
}
