//! The bench of a test with a runtime of its own.

use insight_model::Model;
pub use insight_test_kit::{Bench, SETTLE, summary, waits};
use std::time::Duration;

/// Runs `test` with a runtime of its own, and checks that nothing of it is left.
pub fn bench<R>(test: impl FnOnce(&mut Bench, &tokio::runtime::Runtime) -> R) -> R {
    let mut bench = insight_test_kit::bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let result = test(&mut bench, &runtime);
    runtime.shutdown_timeout(Duration::from_secs(10));
    bench.until(|model| (model.tasks.values().all(|task| task.origin.partial) && model.edges.is_empty()).then_some(()));
    bench.until(|model| has_no_resources(model).then_some(()));
    result
}

/// Whether only the static `Notify` of a test is left.
pub fn has_no_resources(model: &Model) -> bool {
    model.resources.len() <= 1 && model.resources.values().all(|resource| resource.kind.as_str() == "notify")
}
