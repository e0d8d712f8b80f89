//! The facts that a recorder knows about the places of guards and of handles that cancel.

use crate::world::*;

/// The guards with a copy outside of the futures of stuck tasks, as a search of the memory found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    holds: Vec<(usize, usize)>,
}

/// The code that could cancel a task, as a perfect search of the memory finds its handles. r[cancellers.replaced]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancellers {
    pub tasks: Tasks,
    pub others: bool,
}

impl Cancellers {
    pub fn of(world: &World, task: Task) -> Cancellers {
        let it = &world.tasks[usize::from(task)];
        let handles = || [it.join, it.abort].into_iter().flatten();
        let users = handles().fold(0, |users, place| users | place.users);
        let outside = 1 << world.outside();
        Cancellers {
            tasks: users & !outside,
            others: users & outside != 0 || handles().any(|place| place.message.is_some()),
        }
    }
}

impl Found {
    /// Searches for the guards of these tasks. Returns whether it has found a new one.
    pub fn search(&mut self, world: &World, stuck: Tasks) -> bool {
        let holds = self.holds.len();
        let is_outside = |place: Place| place.users & !stuck != 0 || place.message.is_some();
        for (resource, it) in world.resources.iter().enumerate() {
            for (at, hold) in it.holds.iter().enumerate() {
                let is_asked = stuck & 1 << hold.owner != 0 && !self.holds.contains(&(resource, at));
                if is_asked && is_outside(hold.place) {
                    self.holds.push((resource, at));
                }
            }
        }
        self.holds.len() > holds
    }

    /// Whether a guard may be with other code unobserved. r[edge.hold.transferable]
    pub fn is_transferable(&self, world: &World, resource: usize, hold: usize) -> bool {
        let it = &world.resources[resource];
        it.holds[hold].guard != Guard::Borrowed
            || it.memory == Memory::Static
            || world.borrows
            || self.holds.contains(&(resource, hold))
    }
}
