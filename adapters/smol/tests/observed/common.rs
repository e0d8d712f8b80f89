//! The bench of a test, and the facts of its model in words.

use insight_model::{EdgeBody, Model};
use insight_protocol::Outcome;
use insight_test_kit::Bench;

/// Runs `test`, and checks that no task or edge of it is left.
pub fn bench<R>(test: impl FnOnce(&mut Bench) -> R) -> R {
    let mut bench = insight_test_kit::bench();
    let result = test(&mut bench);
    bench.until(|model| (model.tasks.is_empty() && model.edges.is_empty()).then_some(()));
    result
}

/// Samples until the open edges are these, in any order: each `task operation resource`, `task holds resource` or
/// `task role resource`.
pub fn until_edges(bench: &mut Bench, expect: &[&str]) {
    let mut expect = expect.to_vec();
    expect.sort_unstable();
    bench.until(|model| {
        let mut edges = edges(model);
        edges.sort_unstable();
        (edges == expect).then_some(())
    });
}

/// Samples until this number of tasks has ended. Returns their outcomes in the order of the ends, and forgets them.
pub fn until_ended(bench: &mut Bench, count: usize) -> Vec<Outcome> {
    insight_test_kit::until("too few tasks have ended", || {
        bench.sample();
        (bench.outcomes().len() >= count).then_some(())
    });
    let outcomes = bench.outcomes().into_iter().map(|(_, outcome)| outcome).collect();
    bench.messages.clear();
    outcomes
}

/// The kinds of the tasks, in the order of their spawns.
pub fn kinds(model: &Model) -> Vec<String> {
    model.tasks.values().map(|task| task.origin.kind.as_str().to_owned()).collect()
}

/// Each open edge. The number of a task is its place in the order of spawns.
pub fn edges(model: &Model) -> Vec<String> {
    let edges = model.edges.values().map(|edge| {
        let relation = match &edge.body {
            EdgeBody::Wait { operation, .. } => operation.to_string(),
            EdgeBody::Hold { .. } => "holds".to_owned(),
            EdgeBody::Party { role, .. } => role.to_string(),
        };
        let kind = |resource: &_| model.resources.get(resource).map(|resource| resource.kind.to_string());
        let place = model.tasks.keys().position(|id| id == edge.task).expect("alive");
        format!("{place} {relation} {}", kind(&edge.resource).unwrap_or_default())
    });
    edges.collect()
}

pub fn summary(model: &Model) -> String {
    format!("{:?} {}", kinds(model), edges(model).join("; "))
}
