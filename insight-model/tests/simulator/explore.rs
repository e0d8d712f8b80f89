//! What is true: every schedule is tried.

use crate::step::Action;
use crate::world::{Status, Tasks, World};
use std::collections::HashSet;

/// The parked tasks that no schedule ever lets go on; `None` when there are more than `bound` states to look at.
pub fn stuck(start: &World, to_wait: bool, bound: usize) -> Option<Tasks> {
    let parked = (0..start.tasks.len()).filter(|&task| start.tasks[task].status == Status::Parked);
    let mut stuck: Tasks = parked.fold(0, |tasks, task| tasks | 1 << task);
    let mut seen = HashSet::from([start.clone()]);
    let mut next = vec![start.clone()];
    while let Some(world) = next.pop() {
        for action in world.actions(to_wait) {
            // The end of a task lets the most others go on, and is the last of its actions: it is looked at first.
            let mut after = world.clone();
            if !after.act(&action) {
                continue;
            }
            if let Action::Resume { task, .. } = action {
                stuck &= !(1 << task);
            }
            if stuck == 0 {
                return Some(0);
            }
            if !seen.contains(&after) {
                if seen.len() == bound {
                    return None;
                }
                seen.insert(after.clone());
                next.push(after);
            }
        }
    }
    Some(stuck)
}
