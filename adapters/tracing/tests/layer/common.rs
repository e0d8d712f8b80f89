//! The layer beside a layer of the program's own, and the facts of the model in words.

use insight_model::{Edge, EdgeBody, Model, Task};
use insight_probe::RecorderConfig;
pub use insight_test_kit::Bench;
use insight_test_kit::{SETTLE, bench_with};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt};

/// The output of the program's own layer, at the level INFO.
pub static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

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

/// The bench of this process, after the last test's tasks have ended. The first call installs the layers.
pub fn bench() -> MutexGuard<'static, Bench> {
    let mut bench = bench_with(|| {
        let fmt = fmt::layer().with_ansi(false).with_writer(|| Log).with_filter(LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(insight_tracing::layer()).with(fmt);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        Bench::start(RecorderConfig::default(), SETTLE)
    });
    bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty()).then_some(()));
    bench
}

/// The open edges, as [`summary`] writes them.
pub fn edges(bench: &mut Bench) -> String {
    summary(bench.sample())
}

/// The open edges, sorted: `reader waits lock 1 mutex; writer holds exclusive mutex transferable`.
pub fn summary(model: &Model) -> String {
    let mut edges: Vec<String> = model.edges.values().map(|edge| line(model, edge)).collect();
    edges.sort();
    edges.join("; ")
}

fn line(model: &Model, edge: &Edge) -> String {
    let task = model.tasks.get(&edge.task).and_then(|task| task.origin.name.clone()).unwrap_or_else(|| "?".into());
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
    model.tasks.values().find(|task| task.origin.name.as_deref() == Some(name))
}
