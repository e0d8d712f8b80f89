//! The order of the task list before the user sorts it: the tasks of problems, then tasks by the weight of their wait.

use super::Scene;
use crate::words::{self, Weight};
use insight_model::EdgeBody;
use insight_protocol::{Severity, TaskId, Tier};
use std::collections::HashMap;

/// The class of each task that wants attention, and the start of its wait.
pub fn ranks(scene: &Scene) -> HashMap<TaskId, (u8, u64)> {
    let mut ranks: HashMap<TaskId, (u8, u64)> = HashMap::new();
    for edge in scene.model().edges.values() {
        if let EdgeBody::Wait { operation, .. } = &edge.body {
            let rank = (AFTER_PROBLEMS + class(words::weight(operation)), edge.since_ns);
            ranks.entry(edge.task).and_modify(|old| *old = rank.min(*old)).or_insert(rank);
        }
    }
    for (id, (severity, tier)) in tasks_of_problems(scene) {
        let since_ns = ranks.get(&id).map_or(0, |(_, since_ns)| *since_ns);
        ranks.insert(id, (2 * severity as u8 + tier as u8, since_ns));
    }
    ranks
}

/// The class of tasks in no problem: there are three severities of two tiers each.
const AFTER_PROBLEMS: u8 = 6;

fn class(weight: Weight) -> u8 {
    match weight {
        Weight::Hard => 0,
        Weight::Join => 1,
        Weight::Work => 2,
        Weight::Sleep => 3,
    }
}

/// The tasks of all problems, with the worst severity of each, and the surest tier of that severity.
pub fn tasks_of_problems(scene: &Scene) -> HashMap<TaskId, (Severity, Tier)> {
    let mut worst = HashMap::new();
    for problem in scene.model().problems.values() {
        for task in &problem.tasks {
            let this = (problem.severity, problem.tier);
            worst.entry(task.id).and_modify(|worst| *worst = this.min(*worst)).or_insert(this);
        }
    }
    worst
}
