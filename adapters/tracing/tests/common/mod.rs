//! The one recorder of a test program, the layer beside a layer of the program's own, and the model of what was told.
#![allow(dead_code)] // Each test program uses a part of it.

use insight_model::{Checker, Edge, EdgeBody, Model, Task, Watch};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, StreamHeader, encode};
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt};

/// Short, so that the tests are.
const SETTLE: Duration = Duration::from_millis(50);

/// The tests take turns with it, each with tasks of its own.
pub struct Bench {
    recorder: Recorder,
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

    pub fn header(&self) -> StreamHeader {
        self.recorder.header()
    }

    /// Holds what was recorded to the rules of SPEC.md; what it breaks.
    fn check(&mut self, message: &Message) -> Option<String> {
        self.seq += 1;
        let broken = self.checker.line(&encode(self.seq, message));
        (!broken.is_empty()).then(|| format!("{broken:?}: {message:?}"))
    }

    /// Looks until `condition` holds.
    pub fn until<T>(&mut self, condition: impl Fn(&Model) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(8);
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
        let settle = 6 * SETTLE.as_nanos() as u64;
        self.until(|model| (model.now_ns > start + settle).then_some(()));
        &self.model
    }

    /// What is there, as lines; see [`summary`].
    pub fn edges(&mut self) -> String {
        summary(self.look())
    }
}

/// What the program's own layer has written, at the level INFO.
pub static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

pub fn log() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let fmt = fmt::layer().with_ansi(false).with_writer(|| Log).with_filter(LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(insight_tracing::layer()).with(fmt);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        let recorder = Recorder::start(RecorderConfig::default()).unwrap();
        let header = Message::from(recorder.header());
        let watch = Watch::new(SETTLE.as_nanos() as u64);
        let mut bench = Bench { recorder, model: Model::default(), watch, checker: Checker::default(), seq: 0 };
        let opening = std::iter::once(header).chain(Model::default().snapshot());
        opening.for_each(|message| assert_eq!(bench.check(&message), None));
        Mutex::new(bench)
    });
    let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
    // What a test before has left has ended.
    bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty()).then_some(()));
    bench
}

/// The edges, one after another: `reader wait lock mutex`, `writer holds mutex transferable`.
pub fn summary(model: &Model) -> String {
    let mut edges: Vec<String> = model.edges.values().map(|edge| line(model, edge)).collect();
    edges.sort();
    edges.join("; ")
}

fn line(model: &Model, edge: &Edge) -> String {
    let task = model.tasks.get(&edge.task).and_then(|task| task.name.clone()).unwrap_or_else(|| "?".into());
    let resource = model.resources.get(&edge.resource).map_or("?".to_owned(), |resource| resource.kind.to_string());
    match &edge.body {
        EdgeBody::Wait { operation, need, .. } => format!("{task} waits {operation} {need} {resource}"),
        EdgeBody::Hold { mode, transferable, .. } => {
            format!("{task} holds {mode} {resource}{}", if *transferable { " transferable" } else { "" })
        }
        EdgeBody::Party { role, exclusive } => {
            format!("{task} {role} {resource}{}", if *exclusive { " exclusive" } else { "" })
        }
    }
}

pub fn named<'m>(model: &'m Model, name: &str) -> Option<&'m Task> {
    model.tasks.values().find(|task| task.name.as_deref() == Some(name))
}
