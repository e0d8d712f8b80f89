//! The effects of steps on resources.

use crate::world::*;

impl World {
    /// Grants the free units to the first waits in the queue.
    pub fn settle(&mut self, resource: usize) {
        if self.resources[resource].barging {
            return;
        }
        while let Some(&ticket) = self.resources[resource].queue.first() {
            let it = &self.resources[resource];
            let closed = it.closed || it.kind == Kind::Channel && it.count(false) == 0;
            let free = self.free(resource);
            let op = self.tasks.iter_mut().flat_map(|task| &mut task.operations).find(|op| op.ticket == ticket);
            let op = op.expect("an operation in a queue is pending");
            if !closed && op.need > free {
                return;
            }
            // An error needs no units.
            op.need = if closed { 0 } else { op.need };
            op.granted = true;
            self.resources[resource].queue.remove(0);
        }
    }

    /// Wakes the first wait for a barging lock, after units were released or a woken wait did not need to look.
    pub fn notify(&mut self, resource: usize) {
        let it = &self.resources[resource];
        let Some(&first) = it.queue.first().filter(|_| it.barging) else { return };
        let mut queued: Vec<&mut Operation> = self.tasks.iter_mut().flat_map(|task| &mut task.operations).collect();
        queued.retain(|op| it.queue.contains(&op.ticket));
        if queued.iter().all(|op| !op.granted) {
            queued.iter_mut().filter(|op| op.ticket == first).for_each(|op| op.granted = true);
        }
    }

    /// The polled operations of a parked task have looked, and wait again.
    pub fn looked(&mut self, task: Task) {
        let it = &mut self.tasks[usize::from(task)];
        it.woken = false;
        for op in it.operations.iter_mut().filter(|op| op.polled && op.granted) {
            let resource = &mut self.resources[usize::from(op.resource)];
            if resource.barging {
                op.granted = false;
                resource.queue.retain(|ticket| *ticket != op.ticket);
                resource.queue.push(op.ticket);
            }
        }
    }

    pub fn hold(&mut self, resource: usize, task: Task, verb: Verb, need: u8, guard: Guard) {
        // A reserved place belongs to its sender.
        let guard = if verb == Verb::Reserve { Guard::Borrowed } else { guard };
        let all: Tasks = (1 << self.outside()) - 1;
        let place = if guard == Guard::Shared { Place::cell(all | 1 << task) } else { Place::of(task) };
        let exclusive = matches!(verb, Verb::Lock | Verb::Write);
        self.resources[resource].holds.push(Hold { place, owner: task, guard, units: need, exclusive });
    }

    /// Removes an operation that `task` polled to its end, with the effects of its result. `of` polled it before.
    pub fn claim(&mut self, task: Task, of: Task, operation: usize) {
        let op = self.tasks[usize::from(of)].operations.remove(operation);
        let resource = usize::from(op.resource);
        if self.resources[resource].barging {
            self.resources[resource].queue.retain(|ticket| *ticket != op.ticket);
        }
        match op.verb {
            // A message without a receiver is lost.
            Verb::Send if self.resources[resource].count(false) == 0 => {}
            Verb::Send => self.resources[resource].messages += op.need,
            Verb::Recv if self.resources[resource].messages > 0 => {
                self.resources[resource].messages -= 1;
                self.unpack(op.resource, task);
            }
            Verb::Recv => {}
            Verb::Changed => self.resources[resource].handles[usize::from(op.handle)].fresh = false,
            Verb::Closed | Verb::Join | Verb::Sleep => {}
            _ if op.need == 0 => {}
            verb => self.hold(resource, task, verb, op.need, op.guard),
        }
        if op.granted && self.resources[resource].kind == Kind::Semaphore {
            // It takes the permits before it looks at the reason of its wake. So the wake passes to the next wait.
            self.notify(resource);
        }
        self.settle(resource);
    }

    pub fn abandon(&mut self, task: Task, operation: usize) {
        let op = self.tasks[usize::from(task)].operations.remove(operation);
        let resource = usize::from(op.resource);
        self.resources[resource].queue.retain(|ticket| *ticket != op.ticket);
        if op.granted {
            self.notify(resource);
        }
        self.settle(resource);
    }

    /// Records the use of a handle, which makes its owner known. A handle in a cell is taken out of it.
    pub fn used(&mut self, task: Task, resource: u8, handle: u8) {
        if let Some(handle) = self.resources[usize::from(resource)].handles.get_mut(usize::from(handle)) {
            if !handle.shared {
                handle.place = Place::of(task);
            }
            if self.observed {
                handle.owner = task;
                handle.known = true;
            }
        }
    }

    pub fn drop_handle(&mut self, task: Task, resource: usize, handle: usize) {
        let it = &mut self.resources[resource];
        let shared = it.handles[handle].shared;
        it.handles[handle].place.users &= if shared { !(1 << task) } else { 0 };
        if !it.handles[handle].place.exists() && !it.handles[handle].sender && it.count(false) == 0 {
            it.messages = 0;
        }
        self.settle(resource);
    }
}
