//! New tasks: they have their turn beside the pass over all tasks, which takes minutes if a program polls many tasks again and again.

use insight_model::{Model, Task};
use insight_protocol::{LocationId, TaskId};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Minimum time between two looks for new tasks.
const LOOK: Duration = Duration::from_secs(1);
/// Number of new tasks of one spawn location that have their turn between two looks, so that a location with many new tasks does not
/// delay the others.
const OF_PLACE: u32 = 8;
/// Age from which a task is no longer new, in nanoseconds.
const AGE_NS: u64 = 10_000_000_000;

/// The new tasks that had no turn yet.
#[derive(Debug)]
pub(super) struct Fresh {
    /// The highest ID when new tasks were last looked for.
    newest: Option<TaskId>,
    next_look: Instant,
    /// The tasks, and the time from which each has its turn.
    tasks: VecDeque<(TaskId, u64)>,
    /// Number of tasks with a turn since the last look, by spawn location.
    places: HashMap<Option<LocationId>, u32>,
}

impl Fresh {
    pub(super) fn new(now: Instant) -> Fresh {
        Fresh { newest: None, next_look: now, tasks: VecDeque::new(), places: HashMap::new() }
    }

    /// Looks for new tasks. Tasks that were there before the first look are not new.
    pub(super) fn look(&mut self, model: &Model, settled_ns: u64, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK;
        self.places.clear();
        let newest = model.tasks.keys().next_back().unwrap_or(TaskId(0));
        let before = self.newest.unwrap_or(newest);
        self.newest = Some(before.max(newest));
        let new: Vec<TaskId> = model.tasks.keys().rev().take_while(|id| *id > before).collect();
        let due = |id: TaskId| model.tasks.get(&id).map_or(0, |task| task.spawned_ns.saturating_add(settled_ns));
        self.tasks.extend(new.into_iter().rev().map(|id| (id, due(id))));
    }

    /// The next new task that has waited for long enough.
    pub(super) fn next(&mut self, model: &Model, settled_ns: u64, now_ns: u64) -> Option<TaskId> {
        while let Some((id, _)) = self.tasks.front().copied().filter(|(_, due_ns)| *due_ns <= now_ns) {
            self.tasks.pop_front();
            let Some(task) = model.tasks.get(&id) else { continue };
            let is_new = now_ns.saturating_sub(task.spawned_ns) < AGE_NS;
            let due_ns = task.since_ns().saturating_add(settled_ns);
            match due_ns <= now_ns {
                true if self.has_turn(task) => return Some(id),
                // It began to wait later than it was spawned.
                false if is_new => self.tasks.push_back((id, due_ns)),
                // It has its turn in the pass over all tasks.
                _ => {}
            }
        }
        None
    }

    fn has_turn(&self, task: &Task) -> bool {
        self.places.get(&place(task)).is_none_or(|turns| *turns < OF_PLACE)
    }

    /// Counts a task that was chosen.
    pub(super) fn count(&mut self, task: &Task) {
        *self.places.entry(place(task)).or_default() += 1;
    }
}

fn place(task: &Task) -> Option<LocationId> {
    task.origin.location.as_ref().map(|location| location.id)
}
