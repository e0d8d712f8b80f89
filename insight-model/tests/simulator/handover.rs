//! Hand-overs: steps by which a thing leaves the task that used it, without a message.

use crate::action::Action;
use crate::world::*;

/// A thing that can be given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A sender or a receiver.
    End { resource: u8, handle: u8 },
    /// The guard of a lock, or permits.
    Hold { resource: u8, hold: u8 },
    /// A pending operation in a box, with the handle that it uses.
    Operation { of: Task, operation: u8 },
    /// The join handle of a task.
    Join { target: Task },
}

/// The place that gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// A task, a thread, or a cell that several of them can reach.
    Users(Tasks),
    /// A message of a channel, by this sender.
    Message { resource: u8, handle: u8 },
}

impl Item {
    pub fn resource(&mut self) -> Option<&mut u8> {
        match self {
            Item::End { resource, .. } | Item::Hold { resource, .. } => Some(resource),
            Item::Operation { .. } | Item::Join { .. } => None,
        }
    }
}

impl To {
    pub fn channel(&mut self) -> Option<&mut u8> {
        match self {
            To::Message { resource, .. } => Some(resource),
            To::Users(_) => None,
        }
    }
}

impl World {
    /// Gives a thing away, and returns whether that was legal.
    pub fn give(&mut self, task: Task, item: Item, to: To) -> bool {
        if !self.handovers || task == self.outside() || !self.may_give(task, item, to) {
            return false;
        }
        let place = match to {
            To::Users(users) => Place::cell(users),
            To::Message { resource, handle } => {
                let channel = &self.resources[usize::from(resource)];
                let (ahead, kind) = (channel.messages, channel.kind);
                if kind == Kind::Watch || !self.act(&Action::Send { task, resource, handle }) {
                    return false;
                }
                Place { users: 0, message: Some((resource, ahead)) }
            }
        };
        self.put(item, place);
        true
    }

    fn may_give(&self, task: Task, item: Item, to: To) -> bool {
        let alive = |task: usize| self.tasks.get(task).is_some_and(|it| it.status != Status::Ended);
        let fits = match to {
            To::Users(users) => {
                users != 0 && users != 1 << task && (0..8).all(|user| users & 1 << user == 0 || alive(user))
            }
            To::Message { resource, handle } => self
                .resources
                .get(usize::from(resource))
                .is_some_and(|it| it.handles.get(usize::from(handle)).is_some()),
        };
        let is_sender =
            |item_resource: u8, item_handle: u8| to == To::Message { resource: item_resource, handle: item_handle };
        fits && match item {
            Item::End { resource, handle } => {
                let it = &self.resources[usize::from(resource)];
                let found = it.handles.get(usize::from(handle));
                found.is_some_and(|handle| handle.place.has(task) && !handle.shared)
                    && !self.is_lent(task, resource, handle)
                    && !is_sender(resource, handle)
            }
            Item::Hold { resource, hold } => {
                let it = &self.resources[usize::from(resource)];
                let found = it.holds.get(usize::from(hold));
                let movable = |guard| self.borrows || it.memory != Memory::Heap || guard != Guard::Borrowed;
                it.kind != Kind::Channel && found.is_some_and(|hold| hold.place.has(task) && movable(hold.guard))
            }
            Item::Operation { of, operation } => {
                let its = self.tasks.get(usize::from(of)).and_then(|it| it.operations.get(usize::from(operation)));
                its.is_some_and(|op| {
                    op.place.has(task)
                        && op.guard == Guard::Boxed
                        && op.verb != Verb::Sleep
                        && !is_sender(op.resource, op.handle)
                        && self.is_in_box(task, op)
                })
            }
            Item::Join { target } => self.tasks.get(usize::from(target)).is_some_and(|it| {
                it.join.is_some_and(|place| place.has(task)) && self.joining(target).next().is_none()
            }),
        }
    }

    /// Whether only this operation uses its handle, so that the handle may lie in the same box.
    fn is_in_box(&self, task: Task, op: &Operation) -> bool {
        let Some(handle) = self.resources[usize::from(op.resource)].handles.get(usize::from(op.handle)) else {
            return true;
        };
        let users = self.operations().filter(|(_, other)| other.resource == op.resource && other.handle == op.handle);
        let holds = &self.resources[usize::from(op.resource)].holds;
        !handle.shared
            && handle.place.has(task)
            && users.count() == 1
            && !(handle.sender && holds.iter().any(|hold| hold.owner == task))
    }

    /// The pending joins of a task.
    fn joining(&self, target: Task) -> impl Iterator<Item = &Operation> {
        let all = self.operations().map(|(_, op)| op);
        all.filter(move |op| self.resources[usize::from(op.resource)].kind == Kind::Join(target))
    }

    fn put(&mut self, item: Item, place: Place) {
        match item {
            Item::End { resource, handle } => {
                self.resources[usize::from(resource)].handles[usize::from(handle)].place = place;
            }
            Item::Hold { resource, hold } => {
                self.resources[usize::from(resource)].holds[usize::from(hold)].place = place;
            }
            Item::Operation { of, operation } => {
                let op = &mut self.tasks[usize::from(of)].operations[usize::from(operation)];
                op.place = place;
                let (resource, handle) = (usize::from(op.resource), usize::from(op.handle));
                let resource = &mut self.resources[resource];
                if let Some(handle) = resource.handles.get_mut(handle) {
                    handle.place = place;
                }
                if let Kind::Join(target) = resource.kind {
                    let join = &mut self.tasks[usize::from(target)].join;
                    *join = join.map(|_| place);
                }
            }
            Item::Join { target } => self.tasks[usize::from(target)].join = Some(place),
        }
    }

    /// The things that a task may have and give away.
    pub fn items(&self, task: Task) -> Vec<Item> {
        let mut items = Vec::new();
        for (resource, it) in self.resources.iter().enumerate() {
            let resource = resource as u8;
            let ends = it.handles.iter().enumerate().filter(|(_, it)| it.place.has(task));
            items.extend(ends.map(|(handle, _)| Item::End { resource, handle: handle as u8 }));
            let holds = it.holds.iter().enumerate().filter(|(_, it)| it.place.has(task));
            items.extend(holds.map(|(hold, _)| Item::Hold { resource, hold: hold as u8 }));
        }
        items.extend(self.reachable(task).map(|(of, operation, _)| Item::Operation { of, operation }));
        let join = |target: &Task| self.tasks[usize::from(*target)].join.is_some_and(|place| place.has(task));
        items.extend((0..self.outside()).filter(join).map(|target| Item::Join { target }));
        items
    }

    /// The legal steps by which a thing leaves a task, and those by which a task polls an operation of another task.
    pub fn handovers(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        let runnable = (0..self.outside()).filter(|task| self.tasks[usize::from(*task)].status == Status::Runnable);
        for task in runnable {
            let mut to: Vec<To> = (0..=self.outside()).map(|user| To::Users(1 << user)).collect();
            for (resource, it) in self.resources.iter().enumerate() {
                let senders = it.handles.iter().enumerate().filter(|(_, it)| it.sender && it.place.has(task));
                to.extend(senders.map(|(handle, _)| To::Message { resource: resource as u8, handle: handle as u8 }));
            }
            for item in self.items(task) {
                actions.extend(to.iter().map(|&to| Action::Give { task, item, to }));
            }
            let adopt = |(of, operation, _)| Action::Adopt { task, of, operation };
            actions.extend(self.reachable(task).filter(|(of, ..)| *of != task).map(adopt));
        }
        actions.retain(|action| self.clone().act(action));
        actions
    }
}
