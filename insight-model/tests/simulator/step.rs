//! The possible steps of a task.

use crate::world::*;

/// One step of one task. An illegal step has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Gets the units at the first poll.
    Take {
        task: Task,
        resource: u8,
        verb: Verb,
        need: u8,
        shared: bool,
    },
    /// Polls an operation that is not ready.
    Begin {
        task: Task,
        resource: u8,
        handle: u8,
        verb: Verb,
        need: u8,
    },
    /// Returns pending, after a poll of these operations.
    Park {
        task: Task,
        polled: u8,
    },
    /// Is polled, and an operation that it waits for is ready. It keeps or drops the others later.
    Resume {
        task: Task,
        operation: u8,
    },
    /// Is polled, and nothing that it waits for is ready.
    Poll {
        task: Task,
    },
    /// Polls a kept operation that is ready.
    Claim {
        task: Task,
        operation: u8,
    },
    Abandon {
        task: Task,
        operation: u8,
    },
    Release {
        task: Task,
        resource: u8,
        hold: u8,
    },
    Send {
        task: Task,
        resource: u8,
        handle: u8,
    },
    /// Sends by a place that it has reserved.
    SendReserved {
        task: Task,
        resource: u8,
        hold: u8,
    },
    Receive {
        task: Task,
        resource: u8,
        handle: u8,
    },
    Drop {
        task: Task,
        resource: u8,
        handle: u8,
    },
    End {
        task: Task,
    },
}

impl World {
    /// Does the step, and returns whether it was legal.
    pub fn act(&mut self, action: &Action) -> bool {
        if !self.barging() {
            return self.step(action);
        }
        let before = self.signals();
        let legal = self.step(action);
        let fired = self.signals() & !before;
        for it in self.tasks.iter_mut().filter(|it| it.status == Status::Parked) {
            it.woken |= it.operations.iter().any(|op| fired & 1 << op.ticket != 0);
        }
        legal
    }

    fn step(&mut self, action: &Action) -> bool {
        let task = action.task();
        let status = self.tasks[usize::from(task)].status;
        let expected = if matches!(action, Action::Resume { .. } | Action::Poll { .. }) {
            Status::Parked
        } else {
            Status::Runnable
        };
        if status != expected {
            return false;
        }
        match *action {
            Action::Take { resource, verb, need, shared, .. } => {
                let it = usize::from(resource);
                let legal = self.resources[it].verbs().contains(&(verb, need))
                    && verb.queues()
                    && verb != Verb::Send
                    && (self.resources[it].queue.is_empty() || self.resources[it].barging)
                    && self.free(it) >= need
                    && (verb != Verb::Reserve
                        || self.resources[it].count(false) > 0
                            && (0..4).any(|handle| self.has(task, resource, handle, true)));
                if legal {
                    self.hold(it, task, verb, need, shared);
                }
                legal
            }
            Action::Begin { resource, handle, verb, need, .. } => {
                let it = usize::from(resource);
                let op =
                    Operation { ticket: self.ticket(), resource, handle, verb, need, polled: false, granted: false };
                let fits = self.resources[it].verbs().contains(&(verb, need))
                    && self.tasks[usize::from(task)].operations.len() < MOST_OPERATIONS
                    && task != self.outside()
                    // A need above the capacity is an error, or waits for code that adds units.
                    && (!verb.queues() || need <= self.resources[it].capacity);
                let handle_fits = match verb.by_sender() {
                    Some(sender) => self.has(task, resource, handle, sender) && !self.is_busy(resource, handle),
                    None => true,
                };
                if !fits || !handle_fits || (verb != Verb::Sleep && self.ready(&op)) {
                    return false;
                }
                let would_be_ready = verb.queues() && self.resources[it].queue.is_empty() && self.free(it) >= need;
                let closed = self.resources[it].kind == Kind::Channel && self.resources[it].count(false) == 0;
                if would_be_ready || closed {
                    return false;
                }
                if verb.queues() {
                    self.resources[it].queue.push(op.ticket);
                }
                self.used(task, resource, handle);
                self.tasks[usize::from(task)].operations.push(op);
                true
            }
            Action::Park { polled, .. } => {
                let operations = &self.tasks[usize::from(task)].operations;
                let in_it = |at: usize| polled & 1 << at != 0;
                let legal = polled != 0
                    && usize::from(polled) < 1 << operations.len()
                    && operations
                        .iter()
                        .enumerate()
                        .all(|(at, op)| !in_it(at) || op.verb == Verb::Sleep || !self.ready(op));
                if legal {
                    let it = &mut self.tasks[usize::from(task)];
                    it.status = Status::Parked;
                    it.operations.iter_mut().enumerate().for_each(|(at, op)| op.polled = polled & 1 << at != 0);
                    self.looked(task);
                }
                legal
            }
            Action::Poll { .. } => {
                let it = &self.tasks[usize::from(task)];
                // The wake may come from a timer that the task only keeps.
                let woken = it.woken || it.operations.iter().any(|op| op.verb == Verb::Sleep);
                let legal = woken && !it.operations.iter().any(|op| op.polled && self.ready(op));
                if legal {
                    self.looked(task);
                }
                legal
            }
            Action::Resume { operation, .. } | Action::Claim { operation, .. } => {
                let resume = matches!(action, Action::Resume { .. });
                let op = self.tasks[usize::from(task)].operations.get(usize::from(operation));
                let it = &self.tasks[usize::from(task)];
                let woken = it.woken || it.operations.iter().any(|op| op.verb == Verb::Sleep);
                let finds = |op: &Operation| !self.resources[usize::from(op.resource)].barging || woken;
                let legal = op.is_some_and(|op| self.ready(op) && (!resume || op.polled && finds(op)));
                if legal {
                    let it = &mut self.tasks[usize::from(task)];
                    it.status = Status::Runnable;
                    it.woken = false;
                    it.operations.iter_mut().for_each(|op| op.polled = false);
                    self.claim(task, usize::from(operation));
                }
                legal
            }
            Action::Abandon { operation, .. } => {
                let legal = usize::from(operation) < self.tasks[usize::from(task)].operations.len();
                if legal {
                    self.abandon(task, usize::from(operation));
                }
                legal
            }
            Action::Release { resource, hold, .. } | Action::SendReserved { resource, hold, .. } => {
                let send = matches!(action, Action::SendReserved { .. });
                let it = &mut self.resources[usize::from(resource)];
                let found = it.holds.get_mut(usize::from(hold)).filter(|hold| hold.users & 1 << task != 0);
                let Some(found) = found.filter(|_| !send || it.kind == Kind::Channel) else { return false };
                // A message takes its reserved place.
                found.units -= if send { 1 } else { found.units };
                if found.units == 0 {
                    it.holds.remove(usize::from(hold));
                }
                self.notify(usize::from(resource));
                let it = &mut self.resources[usize::from(resource)];
                if send && it.count(false) > 0 {
                    it.messages += 1;
                }
                self.settle(usize::from(resource));
                true
            }
            Action::Send { resource, handle, .. } => {
                let it = usize::from(resource);
                if !self.has(task, resource, handle, true) || self.is_busy(resource, handle) {
                    return false;
                }
                let full = match self.resources[it].kind {
                    Kind::Channel => !self.resources[it].queue.is_empty() || self.free(it) == 0,
                    Kind::Unbounded => self.resources[it].messages == MOST_MESSAGES,
                    _ => false,
                };
                if full || self.resources[it].count(false) == 0 {
                    return false;
                }
                self.used(task, resource, handle);
                match self.resources[it].kind {
                    Kind::Watch => {
                        self.resources[it].handles.iter_mut().for_each(|handle| handle.fresh = !handle.sender)
                    }
                    Kind::Oneshot => {
                        self.resources[it].messages = 1;
                        self.resources[it].handles[usize::from(handle)].users = 0;
                    }
                    _ => self.resources[it].messages += 1,
                }
                true
            }
            Action::Receive { resource, handle, .. } => {
                let it = &mut self.resources[usize::from(resource)];
                let legal = it.messages > 0;
                if !legal || !self.has(task, resource, handle, false) || self.is_busy(resource, handle) {
                    return false;
                }
                self.used(task, resource, handle);
                self.resources[usize::from(resource)].messages -= 1;
                self.settle(usize::from(resource));
                true
            }
            Action::Drop { resource, handle, .. } => {
                let legal = [false, true].iter().any(|sender| self.has(task, resource, handle, *sender))
                    && !self.is_lent(task, resource, handle);
                if legal {
                    self.drop_handle(task, usize::from(resource), usize::from(handle));
                }
                legal
            }
            Action::End { .. } => {
                while !self.tasks[usize::from(task)].operations.is_empty() {
                    self.abandon(task, 0);
                }
                self.tasks[usize::from(task)].status = Status::Ended;
                for resource in 0..self.resources.len() {
                    for hold in (0..self.resources[resource].holds.len()).rev() {
                        let holds = &mut self.resources[resource].holds;
                        holds[hold].users &= !(1 << task);
                        if holds[hold].users == 0 {
                            holds.remove(hold);
                            self.notify(resource);
                        }
                    }
                    for handle in 0..self.resources[resource].handles.len() {
                        self.drop_handle(task, resource, handle);
                    }
                    self.settle(resource);
                }
                true
            }
        }
    }

    /// All steps that some task can do now. With `to_wait`, also the steps by which a task begins to wait.
    pub fn actions(&self, to_wait: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        for (task, it) in self.tasks.iter().enumerate() {
            let task = task as Task;
            let operations = 0..it.operations.len() as u8;
            match it.status {
                Status::Ended => continue,
                Status::Parked => {
                    actions.extend(operations.map(|operation| Action::Resume { task, operation }));
                    actions.push(Action::Poll { task });
                    continue;
                }
                Status::Runnable => {}
            }
            if to_wait {
                actions.extend((1..1 << it.operations.len()).map(|polled| Action::Park { task, polled }));
            }
            for operation in operations {
                actions.push(Action::Claim { task, operation });
                actions.push(Action::Abandon { task, operation });
            }
            for (resource, it) in self.resources.iter().enumerate() {
                let resource = resource as u8;
                for (hold, _) in it.holds.iter().enumerate().filter(|(_, hold)| hold.users & 1 << task != 0) {
                    let hold = hold as u8;
                    actions.push(Action::Release { task, resource, hold });
                    actions.push(Action::SendReserved { task, resource, hold });
                }
                let handles = it.handles.iter().enumerate().filter(|(_, handle)| handle.users & 1 << task != 0);
                for (handle, sender) in handles.map(|(handle, it)| (handle as u8, it.sender)) {
                    actions.push(match sender {
                        true => Action::Send { task, resource, handle },
                        false => Action::Receive { task, resource, handle },
                    });
                    actions.push(Action::Drop { task, resource, handle });
                    if to_wait {
                        let verbs = it.verbs().iter().filter(|(verb, _)| verb.by_sender() == Some(sender));
                        actions.extend(verbs.map(|&(verb, need)| Action::Begin { task, resource, handle, verb, need }));
                    }
                }
                if to_wait {
                    for &(verb, need) in it.verbs() {
                        actions.push(Action::Take { task, resource, verb, need, shared: false });
                        if verb.by_sender().is_none() {
                            actions.push(Action::Begin { task, resource, handle: NO_HANDLE, verb, need });
                        }
                    }
                }
            }
            actions.push(Action::End { task });
        }
        actions
    }
}

impl Action {
    pub fn task(&self) -> Task {
        match *self {
            Action::Take { task, .. }
            | Action::Begin { task, .. }
            | Action::Park { task, .. }
            | Action::Resume { task, .. }
            | Action::Poll { task }
            | Action::Claim { task, .. }
            | Action::Abandon { task, .. }
            | Action::Release { task, .. }
            | Action::Send { task, .. }
            | Action::SendReserved { task, .. }
            | Action::Receive { task, .. }
            | Action::Drop { task, .. }
            | Action::End { task } => task,
        }
    }

    /// The resource of the step, if it has one.
    pub fn resource(&self) -> Option<u8> {
        match *self {
            Action::Take { resource, .. }
            | Action::Begin { resource, .. }
            | Action::Release { resource, .. }
            | Action::Send { resource, .. }
            | Action::SendReserved { resource, .. }
            | Action::Receive { resource, .. }
            | Action::Drop { resource, .. } => Some(resource),
            _ => None,
        }
    }
}
