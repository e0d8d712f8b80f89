//! The part of a world that can be proven: locks and joins.

use crate::facts::Cancellers;
use crate::world::*;

impl Kind {
    /// Whether a wait for it can be part of a proof, or is always a way out.
    pub fn is_lock(self) -> bool {
        matches!(self, Kind::Mutex | Kind::Rwlock | Kind::Join(_) | Kind::Timer)
    }
}

impl World {
    /// The world in which every other wait ends, and other code cancels every task that it can cancel.
    pub fn with_locks_alone(&self) -> World {
        // The messages do not say whether the drop of a join handle cancels its task.
        let mut world = World { drop_cancels: self.cancels, ..self.clone() };
        let is_lock = |op: &Operation| self.resources[usize::from(op.resource)].kind.is_lock();
        for task in 0..self.outside() {
            let ends = self.tasks[usize::from(task)].operations.iter().any(|op| op.polled && !is_lock(op));
            if ends || Cancellers::of(self, task).others {
                world.unblock(task);
            }
            world.tasks[usize::from(task)].operations.retain(is_lock);
        }
        for it in world.resources.iter_mut().filter(|it| !it.kind.is_lock()) {
            *it = Resource::new(it.kind, it.capacity);
        }
        world
    }

    /// A parked task makes progress.
    pub fn unblock(&mut self, task: Task) {
        let it = &mut self.tasks[usize::from(task)];
        if it.status == Status::Parked {
            it.status = Status::Runnable;
            it.woken = false;
            it.operations.iter_mut().for_each(|op| op.polled = false);
        }
    }
}
