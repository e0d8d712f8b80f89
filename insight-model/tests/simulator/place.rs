//! The true places of handles, guards and pending operations, which the messages do not have.

use crate::world::{Kind, Task, Tasks, World};

/// The place of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The tasks that can reach it: one task if the task has it, and several if it lies in a cell. The last task stands for
    /// threads and all other code outside of tasks.
    pub users: Tasks,
    /// It lies in a message of this channel, behind this number of other messages.
    pub message: Option<(u8, u8)>,
}

impl Place {
    /// The place of a thing that was dropped.
    pub const NOWHERE: Place = Place::cell(0);

    pub const fn cell(users: Tasks) -> Place {
        Place { users, message: None }
    }

    pub const fn of(task: Task) -> Place {
        Place::cell(1 << task)
    }

    pub fn has(self, task: Task) -> bool {
        self.users & 1 << task != 0
    }

    pub fn exists(self) -> bool {
        self.users != 0 || self.message.is_some()
    }

    /// Whether nothing but this task can reach it.
    pub fn is_only(self, task: Task) -> bool {
        self == Place::of(task)
    }
}

impl World {
    fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        let World { tasks, resources, .. } = self;
        let of_resources = resources.iter_mut().flat_map(|it| {
            let handles = it.handles.iter_mut().map(|handle| &mut handle.place);
            handles.chain(it.holds.iter_mut().map(|hold| &mut hold.place))
        });
        let of_tasks = tasks.iter_mut().flat_map(|it| {
            let operations = it.operations.iter_mut().map(|op| &mut op.place);
            operations.chain(&mut it.join).chain(&mut it.abort)
        });
        of_resources.chain(of_tasks)
    }

    /// The first message of a channel was received, with everything in it.
    pub fn unpack(&mut self, channel: u8, receiver: Task) {
        for place in self.places() {
            match &mut place.message {
                Some((of, 0)) if *of == channel => *place = Place::of(receiver),
                Some((of, ahead)) if *of == channel => *ahead -= 1,
                _ => {}
            }
        }
    }

    /// A task can no longer reach anything.
    pub fn leave(&mut self, task: Task) {
        self.places().for_each(|place| place.users &= !(1 << task));
    }

    /// Drops the things that nothing can reach any more, and the things that are dropped with them.
    pub fn sweep(&mut self) {
        while self.sweep_once() {
            (0..self.resources.len()).for_each(|resource| self.settle(resource));
        }
    }

    fn sweep_once(&mut self) -> bool {
        for resource in 0..self.resources.len() {
            let it = &mut self.resources[resource];
            if it.messages > 0 && it.kind != Kind::Watch && it.count(false) == 0 {
                it.messages = 0;
                return true;
            }
            let messages = it.messages;
            let is_lost = |place: &&mut Place| {
                place.message.is_some_and(|(channel, ahead)| usize::from(channel) == resource && ahead >= messages)
            };
            let mut lost = false;
            self.places().filter(is_lost).for_each(|place| {
                *place = Place::NOWHERE;
                lost = true;
            });
            let it = &mut self.resources[resource];
            let holds = it.holds.len();
            it.holds.retain(|hold| hold.place.exists());
            if it.holds.len() < holds {
                self.notify(resource);
                lost = true;
            }
            if lost {
                return true;
            }
        }
        for task in 0..self.tasks.len() {
            if let Some(at) = self.tasks[task].operations.iter().position(|op| !op.place.exists()) {
                self.abandon(task as Task, at);
                return true;
            }
            if self.tasks[task].abort.is_some_and(|place| !place.exists()) {
                self.tasks[task].abort = None;
            }
            if self.tasks[task].join.is_some_and(|place| !place.exists()) {
                self.tasks[task].join = None;
                if self.drop_cancels {
                    self.end(task as Task);
                    return true;
                }
            }
        }
        false
    }
}
