//! The example of a trace in SPEC.md decodes.

use insight_protocol::{FrameKind, TaskTrace, TraceOutcome};

#[test]
fn example_of_the_specification_decodes() {
    let spec = include_str!("../../SPEC.md");
    let (_, rest) = spec.split_once("```json trace\n").expect("there is an example");
    let (example, _) = rest.split_once("\n```").expect("it ends");
    let trace: TaskTrace = serde_json::from_str(example).unwrap();
    assert_eq!(trace.outcome, TraceOutcome::Captured);
    let own = trace.leaves[0].own_frame().unwrap();
    assert_eq!(own.kind, FrameKind::Own);
    assert_eq!(own.location.as_ref().unwrap().line, 83);
    // Each field of the example is a field of a trace.
    let again = serde_json::to_value(&trace).unwrap();
    let example: serde_json::Value = serde_json::from_str(example).unwrap();
    fn within(example: &serde_json::Value, whole: &serde_json::Value) -> bool {
        use serde_json::Value::*;
        match (example, whole) {
            (Object(example), Object(whole)) => {
                example.iter().all(|(name, value)| whole.get(name).is_some_and(|other| within(value, other)))
            }
            (Array(example), Array(whole)) => {
                example.len() == whole.len() && example.iter().zip(whole).all(|(value, other)| within(value, other))
            }
            (example, whole) => example == whole,
        }
    }
    assert!(within(&example, &again), "{again:#}");
}

#[test]
fn words_of_a_later_version_are_kept() {
    let text =
        r#"{"task":7,"outcome":"dreamt","reason":"so","leaves":[{"frames":[{"kind":"sheep","more":1}]}],"at_ns":1}"#;
    let trace: TaskTrace = serde_json::from_str(text).unwrap();
    assert_eq!(trace.outcome, TraceOutcome::from("dreamt"));
    assert_eq!(trace.leaves[0].frames[0].kind, FrameKind::from("sheep"));
    assert_eq!(trace.leaves[0].own_frame(), None);
}
