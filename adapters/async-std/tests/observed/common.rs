//! The bench of a test, and the facts of its model in words.

use insight_model::{EdgeBody, Model};
use insight_protocol::TaskId;
pub use insight_test_kit::{Bench, SETTLE, waits};

/// Runs `test`, and checks that nothing of it is left.
pub fn bench<R>(test: impl FnOnce(&mut Bench) -> R) -> R {
    let mut bench = insight_test_kit::bench();
    let result = test(&mut bench);
    // The recorder drops a library task some seconds after its last use.
    bench.until_empty();
    result
}

/// Each wait and each hold as `task operation kind :line`, in the order of the lines. An unnamed task has the name of its
/// function.
pub fn edges(model: &Model) -> Vec<String> {
    let mut edges: Vec<(u32, String)> = Vec::new();
    for edge in model.edges.values() {
        let relation = match &edge.body {
            EdgeBody::Wait { operation, .. } => operation.to_string(),
            EdgeBody::Hold { .. } => "holds".to_owned(),
            EdgeBody::Party { .. } => continue,
        };
        let line = edge.location.as_ref().map_or(0, |location| location.place.line);
        let kind = &model.resources[&edge.resource].kind;
        edges.push((line, format!("{} {relation} {kind} :{line}", task_name(model, edge.task))));
    }
    edges.sort();
    edges.into_iter().map(|(_, edge)| edge).collect()
}

/// The last part of a task's name.
pub fn task_name(model: &Model, id: TaskId) -> String {
    let task = &model.tasks[&id];
    match (&task.origin.name, task.origin.partial) {
        (_, true) => "partial".to_owned(),
        (Some(name), false) => name.rsplit("::").find(|part| !part.starts_with('{')).unwrap_or(name).to_owned(),
        (None, false) => "unnamed".to_owned(),
    }
}
