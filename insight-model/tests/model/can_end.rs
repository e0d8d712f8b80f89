//! The vectors of "Who can end a wait". The rules are in the field `rules` of each.

use insight_model::Model;
use insight_protocol::{Decoded, EdgeId, decode};
use serde_json::{Value, json};
use std::path::Path;

/// Folds the messages of a case, and returns the model's answer.
fn answer(case: &Value) -> Value {
    let mut model = Model::default();
    for message in case["messages"].as_array().unwrap() {
        match decode(&message.to_string()).unwrap() {
            Decoded::Message { message, .. } => model.apply(&message),
            other => panic!("{other:?}"),
        }
    }
    let answer = model.can_end(EdgeId(case["wait"].as_u64().unwrap())).unwrap();
    let tasks: Vec<Value> = answer
        .tasks
        .iter()
        .map(|by| json!({ "task": by.task, "edge": by.edge, "reason": by.reason.as_str() }))
        .collect();
    let others: Vec<Value> = answer
        .others
        .iter()
        .map(|by| match by.count {
            Some(count) => json!({ "reason": by.reason.as_str(), "count": count }),
            None => json!({ "reason": by.reason.as_str() }),
        })
        .collect();
    json!({ "tasks": tasks, "others": others })
}

#[test]
fn the_model_gives_the_answer_of_each_vector() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/vectors/can-end-wait");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (answer, expect) = (answer(&case), &case["answer"]);
        if answer != *expect {
            wrong.push(format!("{}: {}\n  expected {expect}\n  answered {answer}", path.display(), case["title"]));
        }
        cases += 1;
    }
    assert!(cases > 40, "{cases}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
