//! The bench of a test that runs its tasks by hand, and the facts of its model in words.

use crate::{Bench, Tasks, bench_with};
use insight_model::{Edge, EdgeBody, Model};
use insight_probe::RecorderConfig;
use insight_protocol::Tier;
use std::time::Duration;

/// Shorter than [`SETTLE`](crate::SETTLE): no thread that could pause runs the tasks.
const SETTLE: Duration = Duration::from_millis(20);

/// Runs `test`, drops its tasks, and checks that nothing of it is left.
pub fn by_hand(test: impl FnOnce(&mut Bench, &mut Tasks)) {
    let mut bench = bench_with(|| Bench::start(RecorderConfig::default(), SETTLE));
    let mut tasks = Tasks::default();
    test(&mut bench, &mut tasks);
    drop(tasks);
    bench.until_empty();
}

impl Bench {
    /// The open edges, sorted: `task waits operation :line`, `task holds mode :line`, `task role`. A party that is not exclusive
    /// has `(shared)` at its end.
    pub fn edges(&mut self) -> Vec<String> {
        edges(self.sample())
    }

    /// Samples until the open edges are as `condition` wants.
    pub fn until_edges(&mut self, condition: impl Fn(&[String]) -> bool) {
        self.until(|model| condition(&edges(model)).then_some(()));
    }

    /// The problems after settling: the tier, the names of the tasks, and the lines of their waits.
    pub fn problems(&mut self) -> Vec<(Tier, Vec<String>, Vec<u32>)> {
        let problems = self.after_settling().problems().problems;
        let found = problems.into_iter().map(|problem| {
            let mut tasks: Vec<String> = problem.tasks.iter().map(|task| last(task.name.as_deref())).collect();
            tasks.sort();
            let waits = problem.edges.iter().filter(|edge| edge.kind == "wait");
            let lines = waits.map(|edge| edge.location.as_ref().map_or(0, |location| location.line));
            (problem.tier, tasks, lines.collect())
        });
        found.collect()
    }
}

/// The last part of a path, without generic parameters.
fn last(path: Option<&str>) -> String {
    let path = path.unwrap_or("?").split('<').next().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default().to_owned()
}

fn edges(model: &Model) -> Vec<String> {
    let words = |edge: &Edge| {
        let task = last(model.tasks.get(&edge.task).and_then(|task| task.origin.name.as_deref()));
        let line = edge.location.as_ref().map(|location| format!(" :{}", location.place.line)).unwrap_or_default();
        match &edge.body {
            EdgeBody::Wait { operation, .. } => format!("{task} waits {operation}{line}"),
            EdgeBody::Hold { mode, .. } => format!("{task} holds {}{line}", mode.as_str()),
            EdgeBody::Party { role, exclusive } => {
                format!("{task} {role}{}", if *exclusive { "" } else { " (shared)" })
            }
        }
    };
    let mut edges: Vec<String> = model.edges.values().map(words).collect();
    edges.sort();
    edges
}
