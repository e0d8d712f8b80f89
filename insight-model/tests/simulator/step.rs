//! The effects of a step on the whole world.

use crate::action::Action;
use crate::world::*;

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
            Action::Take { resource, verb, need, guard, .. } => {
                let it = usize::from(resource);
                let legal = self.resources[it].verbs().contains(&(verb, need))
                    && verb.queues()
                    && verb != Verb::Send
                    && (self.resources[it].queue.is_empty() || self.resources[it].barging)
                    && self.free(it) >= need
                    && !self.resources[it].closed
                    && (verb != Verb::Reserve
                        || self.resources[it].count(false) > 0
                            && (0..4).any(|handle| self.has(task, resource, handle, true)));
                if legal {
                    self.hold(it, task, verb, need, guard);
                }
                legal
            }
            Action::Begin { resource, handle, verb, need, guard, .. } => {
                let it = usize::from(resource);
                let (ticket, place) = (self.ticket(), Place::of(task));
                let op =
                    Operation { ticket, resource, handle, verb, need, guard, place, polled: false, granted: false };
                let fits = self.resources[it].verbs().contains(&(verb, need))
                    && self.tasks[usize::from(task)].operations.len() < MOST_OPERATIONS
                    && task != self.outside()
                    // A need above the capacity is an error, or waits for code that adds units.
                    && (!verb.queues() || need <= self.resources[it].capacity);
                let handle_fits = match verb.by_sender() {
                    Some(sender) => self.has(task, resource, handle, sender) && !self.is_busy(resource, handle),
                    None => verb != Verb::Join || self.may_join(task, it),
                };
                if !fits || !handle_fits || (verb != Verb::Sleep && self.ready(&op)) {
                    return false;
                }
                let would_be_ready = verb.queues() && self.resources[it].queue.is_empty() && self.free(it) >= need;
                let closed = self.resources[it].kind == Kind::Channel && self.resources[it].count(false) == 0;
                let closed = closed || self.resources[it].closed;
                if would_be_ready || closed {
                    return false;
                }
                if verb.queues() {
                    self.resources[it].queue.push(op.ticket);
                }
                self.used(task, resource, handle);
                if verb == Verb::Join {
                    self.joins(task, it);
                }
                self.tasks[usize::from(task)].operations.push(op);
                true
            }
            Action::Park { polled, .. } => {
                let operations = &self.tasks[usize::from(task)].operations;
                let in_it = |at: usize| polled & 1 << at != 0;
                let is_here = |op: &Operation| op.place.is_only(task);
                let legal = polled != 0
                    && usize::from(polled) < 1 << operations.len()
                    && operations
                        .iter()
                        .enumerate()
                        .all(|(at, op)| !in_it(at) || is_here(op) && (op.verb == Verb::Sleep || !self.ready(op)));
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
            Action::Resume { operation, .. } => {
                let it = &self.tasks[usize::from(task)];
                let woken = it.woken || it.operations.iter().any(|op| op.verb == Verb::Sleep);
                let finds = |op: &Operation| !self.resources[usize::from(op.resource)].barging || woken;
                let op = it.operations.get(usize::from(operation));
                let legal = op.is_some_and(|op| op.polled && self.ready(op) && finds(op));
                if legal {
                    let it = &mut self.tasks[usize::from(task)];
                    it.status = Status::Runnable;
                    it.woken = false;
                    it.operations.iter_mut().for_each(|op| op.polled = false);
                    self.claim(task, task, usize::from(operation));
                }
                legal
            }
            Action::Claim { of, operation, .. } => {
                let legal = self.reached(task, of, operation).is_some_and(|op| self.ready(op));
                if legal {
                    self.claim(task, of, usize::from(operation));
                }
                legal
            }
            Action::Adopt { of, operation, .. } => {
                let legal = of != task
                    && task != self.outside()
                    && self.tasks[usize::from(task)].operations.len() < MOST_OPERATIONS
                    && self.reached(task, of, operation).is_some_and(|op| !self.ready(op));
                if legal {
                    let mut op = self.tasks[usize::from(of)].operations.remove(usize::from(operation));
                    op.place = Place::of(task);
                    self.used(task, op.resource, op.handle);
                    if op.verb == Verb::Join {
                        self.joins(task, usize::from(op.resource));
                    }
                    self.tasks[usize::from(task)].operations.push(op);
                }
                legal
            }
            Action::Abandon { of, operation, .. } => {
                let legal = self.reached(task, of, operation).is_some();
                if legal {
                    self.abandon(of, usize::from(operation));
                }
                legal
            }
            Action::Release { resource, hold, .. } | Action::SendReserved { resource, hold, .. } => {
                let send = matches!(action, Action::SendReserved { .. });
                let it = &mut self.resources[usize::from(resource)];
                let found = it.holds.get_mut(usize::from(hold)).filter(|hold| hold.place.has(task));
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
                if full || self.resources[it].closed || self.resources[it].count(false) == 0 {
                    return false;
                }
                self.used(task, resource, handle);
                match self.resources[it].kind {
                    Kind::Watch => {
                        self.resources[it].handles.iter_mut().for_each(|handle| handle.fresh = !handle.sender)
                    }
                    Kind::Oneshot => {
                        self.resources[it].messages = 1;
                        self.resources[it].handles[usize::from(handle)].place = Place::NOWHERE;
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
                self.unpack(resource, task);
                self.settle(usize::from(resource));
                true
            }
            Action::Drop { resource, handle, .. } => {
                let legal = [false, true].iter().any(|sender| self.has(task, resource, handle, *sender))
                    && !self.is_lent(task, resource, handle);
                if legal {
                    self.drop_handle(task, usize::from(resource), usize::from(handle));
                    self.sweep();
                }
                legal
            }
            Action::Add { resource, .. } => {
                let it = &mut self.resources[usize::from(resource)];
                let legal = it.adders & 1 << task != 0 && !it.closed && it.capacity < MOST_PERMITS;
                if legal {
                    it.capacity += 1;
                    self.notify(usize::from(resource));
                    self.settle(usize::from(resource));
                }
                legal
            }
            Action::Close { resource, .. } => {
                let it = &mut self.resources[usize::from(resource)];
                let has_end = || it.handles.iter().any(|handle| handle.place.has(task));
                let may = match it.kind {
                    Kind::Semaphore => it.adders & 1 << task != 0 && !it.barging,
                    _ => it.closed_by_any && has_end(),
                };
                let legal = may && !it.closed;
                if legal {
                    it.closed = true;
                    self.settle(usize::from(resource));
                }
                legal
            }
            Action::Cancel { target, .. } => {
                let it = &self.tasks[usize::from(target)];
                let has = it.join.is_some_and(|place| place.has(task)) || it.abort.is_some_and(|place| place.has(task));
                let legal = has && target != task && it.status != Status::Ended;
                if legal {
                    self.end(target);
                }
                legal
            }
            Action::Give { item, to, .. } => self.give(task, item, to),
            Action::End { .. } => {
                self.end(task);
                true
            }
        }
    }

    /// A pending operation that the task can poll.
    fn reached(&self, task: Task, of: Task, operation: u8) -> Option<&Operation> {
        let op = self.tasks.get(usize::from(of))?.operations.get(usize::from(operation))?;
        op.place.has(task).then_some(op)
    }

    /// Whether the task can join the task of this resource.
    fn may_join(&self, task: Task, resource: usize) -> bool {
        let Kind::Join(of) = self.resources[resource].kind else { return false };
        let mut joins = self.operations().filter(|(_, op)| usize::from(op.resource) == resource);
        let has = || self.tasks[usize::from(of)].join.is_some_and(|place| place.has(task));
        !self.cancels || joins.next().is_none() && has()
    }

    /// The task has used the join handle.
    fn joins(&mut self, task: Task, resource: usize) {
        if let Kind::Join(of) = self.resources[resource].kind {
            let it = &mut self.tasks[usize::from(of)];
            it.join = it.join.map(|_| Place::of(task));
        }
    }

    /// The future of a task is dropped.
    pub fn end(&mut self, task: Task) {
        self.tasks[usize::from(task)].status = Status::Ended;
        self.tasks[usize::from(task)].woken = false;
        (self.tasks[usize::from(task)].join, self.tasks[usize::from(task)].abort) = (None, None);
        self.leave(task);
        self.sweep();
        (0..self.resources.len()).for_each(|resource| self.settle(resource));
    }
}
