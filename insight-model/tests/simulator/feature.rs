//! The kinds of hand-overs of programs. Each program has at most one of them, so that a wrong proof can be counted for it.

use crate::action::Action;
use crate::handover::{Item, To};
use crate::random::Random;
use crate::world::*;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Everything stays with the task that used it.
    Nothing,
    /// A sender or a receiver.
    End,
    /// A guard that owns a reference to its lock.
    OwnedGuard,
    /// A guard that borrows a lock in static memory.
    StaticGuard,
    /// A guard that borrows a leaked lock.
    LeakedGuard,
    /// A guard that borrows a lock, between tasks that may borrow.
    ScopedGuard,
    /// A future in a box that was polled and has taken a lock.
    BoxedGuard,
    /// A future in a box that was polled and waits.
    BoxedWait,
    /// A permit is added.
    Permit,
    /// A semaphore or a channel is closed.
    Close,
    /// A join handle or an abort handle.
    Cancel,
    /// All of these at once.
    Several,
}

/// The way that a thing takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Thread,
    Task,
    Cell,
    Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feature {
    pub what: What,
    pub way: Way,
}

const KINDS: [What; 11] = [
    What::End,
    What::OwnedGuard,
    What::StaticGuard,
    What::LeakedGuard,
    What::ScopedGuard,
    What::BoxedGuard,
    What::BoxedWait,
    What::Permit,
    What::Close,
    What::Cancel,
    What::Several,
];
const WAYS: [Way; 4] = [Way::Thread, Way::Task, Way::Cell, Way::Message];

impl Feature {
    pub const NONE: Feature = Feature { what: What::Nothing, way: Way::Task };

    pub fn random(random: &mut Random) -> Feature {
        let what = random.pick(&KINDS);
        let way = match what {
            What::Permit | What::Close => random.pick(&WAYS[..2]),
            // It needs a channel for its messages.
            What::Several => Way::Message,
            _ => random.pick(&WAYS),
        };
        Feature { what, way }
    }

    /// Whether a thing must have left its task. The others are possible in any case.
    pub fn is_of_a_thing(self) -> bool {
        !matches!(self.what, What::Permit | What::Close | What::Cancel | What::Several)
    }

    /// A program with this hand-over has a resource of one of these kinds.
    pub fn kinds(self) -> &'static [Kind] {
        const LOCKS: [Kind; 3] = [Kind::Mutex, Kind::Rwlock, Kind::Semaphore];
        const ENDS: [Kind; 4] = [Kind::Channel, Kind::Unbounded, Kind::Oneshot, Kind::Watch];
        const WITH_WAITS: [Kind; 4] = [Kind::Mutex, Kind::Rwlock, Kind::Channel, Kind::Join(0)];
        match self.what {
            What::Nothing => &[],
            What::End => &ENDS,
            What::OwnedGuard | What::StaticGuard | What::LeakedGuard | What::ScopedGuard | What::BoxedGuard => &LOCKS,
            What::BoxedWait => &WITH_WAITS,
            What::Permit => &[Kind::Semaphore],
            What::Close => &[Kind::Semaphore, Kind::Channel, Kind::Unbounded],
            What::Cancel | What::Several => &[Kind::Mutex, Kind::Rwlock, Kind::Join(0)],
        }
    }

    /// The kind of the next guard.
    pub fn guard(self, random: &mut Random) -> Guard {
        match self.what {
            What::OwnedGuard if random.one_in(2) => Guard::Owned,
            What::BoxedGuard if random.one_in(2) => Guard::Boxed,
            What::BoxedWait if !random.one_in(3) => Guard::Boxed,
            What::Several => random.pick(&[Guard::Borrowed, Guard::Borrowed, Guard::Owned, Guard::Boxed]),
            _ => Guard::Borrowed,
        }
    }

    /// Makes the hand-overs possible in a world.
    pub fn prepare(self, random: &mut Random, world: &mut World) {
        let tasks = usize::from(world.outside());
        world.handovers = self.what != What::Nothing;
        let several = self.what == What::Several;
        world.borrows = self.what == What::ScopedGuard || several && random.one_in(4);
        let user = |random: &mut Random| match self.way {
            Way::Thread => 1 << tasks,
            _ if several && random.one_in(2) => 1 << tasks,
            _ => 1 << random.below(tasks),
        };
        for resource in &mut world.resources {
            resource.memory = match self.what {
                What::StaticGuard => Memory::Static,
                What::LeakedGuard => Memory::Leaked,
                What::Several => random.pick(&[Memory::Heap, Memory::Heap, Memory::Static, Memory::Leaked]),
                _ => Memory::Heap,
            };
            match (self.what, resource.kind) {
                (What::Permit | What::Close | What::Several, Kind::Semaphore) => resource.adders = user(random),
                (What::Close | What::Several, Kind::Channel | Kind::Unbounded) => resource.closed_by_any = true,
                _ => {}
            }
        }
        if self.what == What::Cancel || several {
            world.cancels = true;
            world.drop_cancels = random.one_in(2);
            for task in 0..tasks {
                let spawner = if random.one_in(4) { tasks } else { random.below(tasks) };
                let it = &mut world.tasks[task];
                if spawner != task && !random.one_in(3) {
                    it.join = Some(Place::of(spawner as Task));
                    it.abort = random.one_in(6).then(|| Place::cell(user(random)));
                }
            }
        }
    }

    /// A hand-over, if one is legal now.
    pub fn give(self, random: &mut Random, world: &World) -> Option<Action> {
        let is_meant = |item: Item| match (self.what, item) {
            (What::Several, _) => true,
            (What::End, Item::End { .. }) | (What::BoxedWait, Item::Operation { .. }) => true,
            (What::Cancel, Item::Join { .. }) => true,
            (What::BoxedGuard, Item::Hold { resource, hold }) => {
                world.resources[usize::from(resource)].holds[usize::from(hold)].guard == Guard::Boxed
            }
            (What::OwnedGuard | What::StaticGuard | What::LeakedGuard | What::ScopedGuard, Item::Hold { .. }) => true,
            _ => false,
        };
        let outside = 1 << world.outside();
        let fits = |action: &Action| match action {
            Action::Give { item, to, .. } => {
                is_meant(*item)
                    && match (self.way, to) {
                        _ if self.what == What::Several => true,
                        (Way::Message, To::Message { .. }) => true,
                        (Way::Thread | Way::Cell, To::Users(users)) => *users == outside,
                        (Way::Task, To::Users(users)) => *users != outside,
                        _ => false,
                    }
            }
            _ => true,
        };
        let legal: Vec<Action> = world.handovers().into_iter().filter(fits).collect();
        if legal.is_empty() {
            return None;
        }
        let chosen = legal[random.below(legal.len())].clone();
        let to_a_cell = self.way == Way::Cell || self.what == What::Several && random.one_in(3);
        match chosen {
            Action::Give { task, item, to: To::Users(_) } if to_a_cell => {
                let users = 1 + random.below(2 * usize::from(outside) - 1);
                Some(Action::Give { task, item, to: To::Users(users as Tasks) })
            }
            action => Some(action),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Nothing => return f.pad("nothing"),
            What::End => "a sender or a receiver",
            What::OwnedGuard => "an owned guard",
            What::StaticGuard => "a guard of a static lock",
            What::LeakedGuard => "a guard of a leaked lock",
            What::ScopedGuard => "a guard of a task that borrows",
            What::BoxedGuard => "a guard in a box",
            What::BoxedWait => "a pending wait in a box",
            What::Permit => "a permit is added",
            What::Close => "a close",
            What::Cancel => "a handle that cancels",
            What::Several => return f.pad("several of these"),
        };
        let way = match (self.what, self.way) {
            (What::Permit | What::Close, Way::Thread) => "by a thread",
            (What::Permit | What::Close, _) => "by a task",
            (_, Way::Thread) => "to a thread",
            (_, Way::Task) => "to a task",
            (_, Way::Cell) => "to a cell",
            (_, Way::Message) => "in a message",
        };
        f.pad(&format!("{what}, {way}"))
    }
}
