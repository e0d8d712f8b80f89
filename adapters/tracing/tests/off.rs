//! While recording is off the layer wants no spans, and the program's own layers do not notice it.

use insight_probe::{Recorder, RecorderConfig};
use tracing::{info_span, trace, trace_span};
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn nothing_is_asked_for_while_recording_is_off() {
    let only_ours = tracing_subscriber::registry().with(insight_tracing::layer());
    tracing::subscriber::set_global_default(only_ours).unwrap();
    let span = || trace_span!(target: "insight", "task", id = 1_u64);
    let enabled = || !span().is_disabled();
    assert!(!enabled());
    assert_eq!(tracing::level_filters::LevelFilter::current(), tracing::level_filters::LevelFilter::OFF);
    let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
    assert!(enabled());
    assert!(info_span!("the program's").is_disabled(), "only the layer is there");
    trace!("the program's");
    let mut messages = Vec::new();
    recorder.collect_now(&mut messages);
    assert!(messages.iter().any(|message| message.type_name() == "task.spawned"));
    drop(recorder);
    assert!(!enabled());
}
