//! The true answer, from every schedule.

use crate::step::Action;
use crate::world::{Status, Tasks, World};
use std::collections::HashSet;

/// The parked tasks that no schedule lets make progress; `None` if there are more than `bound` states.
pub fn stuck(start: &World, to_wait: bool, bound: usize) -> Option<Tasks> {
    let parked = (0..start.tasks.len()).filter(|&task| start.tasks[task].status == Status::Parked);
    let mut stuck: Tasks = parked.fold(0, |tasks, task| tasks | 1 << task);
    let mut seen = HashSet::from([start.clone()]);
    let mut next = vec![start.clone()];
    while let Some(world) = next.pop() {
        for action in world.actions(to_wait) {
            // The end of a task unblocks more tasks than any other action. It is the last action, and so it is explored
            // first.
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
