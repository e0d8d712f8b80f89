//! The program's own spans in a capture.

use insight_probe::{RecorderConfig, Trace};
use insight_test_kit::{Bench, SETTLE};
use insight_tokio as facade;
use std::time::Duration;
use tracing::{Instrument, field::Empty, info_span};
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn a_capture_has_the_spans_in_which_the_task_waits() {
    let subscriber = tracing_subscriber::registry().with(insight_tracing::spans());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut bench = Bench::start(RecorderConfig::default(), SETTLE);
    let runtime = facade::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let request = info_span!("request", "otel.name" = "GET", user = "secret", route = "/orders/{id}");
    let later = info_span!("query", "http.route" = Empty);
    later.record("http.route", "/sql");
    let inside = std::future::pending::<()>().instrument(later).instrument(info_span!("handler")).instrument(request);
    let waits = runtime.spawn(async move {
        info_span!("over").in_scope(|| ());
        inside.await;
    });
    bench.until(|model| model.tasks.values().any(|task| task.polls() == Some(1)).then_some(()));
    let id = bench.sample().tasks.values().map(|task| task.id).next_back().unwrap();
    // Outside of a capture, a span is noted nowhere.
    info_span!("outside").in_scope(|| ());
    let Trace::Polled(capture) = bench.recorder.traceable(id).unwrap().trace(Duration::from_secs(30)) else {
        panic!("it is polled")
    };
    assert_eq!(capture.spans, ["request /orders/{id}", "handler", "query /sql"]);
    waits.abort();
}
