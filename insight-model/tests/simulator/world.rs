//! A small world of tasks and resources, and the possible steps of a task in it.
//!
//! The resources behave as those of the runtimes, and know nothing of the diagnosis. A task has no code: it may do
//! anything that its handles allow. The diagnosis also assumes this about a task.

use std::hash::Hash;

/// The index of a task. The last one stands for everything unobserved.
pub type Task = u8;
/// A set of tasks, with one bit for each.
pub type Tasks = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Mutex,
    Semaphore,
    Rwlock,
    Channel,
    Unbounded,
    Oneshot,
    Watch,
    Join(Task),
    /// A timer, or the world outside. It can always fire.
    Timer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Lock,
    Acquire,
    Read,
    Write,
    Send,
    Reserve,
    Recv,
    Closed,
    Changed,
    Join,
    Sleep,
}

/// More than the possible number of readers.
const ALL_READERS: u8 = 30;
/// Maximum number of messages in an unbounded channel, so that the number of states is bounded.
pub const MOST_MESSAGES: u8 = 2;
/// Maximum number of operations of a task.
pub const MOST_OPERATIONS: usize = 2;

/// One end of a channel: a sender or a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    pub sender: bool,
    /// The tasks that can use it. Empty after it was dropped.
    pub users: Tasks,
    /// The last observed user.
    pub owner: Task,
    /// Several tasks could use it, as with a clone of an `Arc`. So it is never sent as exclusive.
    pub shared: bool,
    /// Its owner has used it, so the messages have it.
    pub known: bool,
    /// A receiver of a watch that has not read the present value.
    pub fresh: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    pub users: Tasks,
    pub owner: Task,
    pub shared: bool,
    pub units: u8,
    pub exclusive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    pub kind: Kind,
    pub capacity: u8,
    /// Released units are free for any task, and the first wait in the queue is woken to look. No other wait is woken
    /// before it has looked. Without barging, released units belong to the first wait in the queue.
    pub barging: bool,
    pub messages: u8,
    /// The index of a handle does not change.
    pub handles: Vec<Handle>,
    pub holds: Vec<Hold>,
    /// The tickets of the operations that wait for units, in order.
    pub queue: Vec<u8>,
}

/// A pending operation. It was polled at least once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Identifies it in the queue of its resource.
    pub ticket: u8,
    pub resource: u8,
    pub handle: u8,
    pub verb: Verb,
    pub need: u8,
    /// Its task polls it while parked. Otherwise the task only keeps it.
    pub polled: bool,
    /// It was given its units or an error and has not taken them. Or it was woken to look and has not looked.
    pub granted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Runnable,
    Parked,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskState {
    pub status: Status,
    /// It was woken while it was parked, and will be polled. Only kept if a lock is barging. Otherwise the operations
    /// show the tasks that can make progress.
    pub woken: bool,
    pub operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The last task stands for everything unobserved. It never waits.
    pub tasks: Vec<TaskState>,
    pub resources: Vec<Resource>,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Mutex => "mutex",
            Kind::Semaphore => "semaphore",
            Kind::Rwlock => "rwlock",
            Kind::Channel => "channel",
            Kind::Unbounded => "unbounded channel",
            Kind::Oneshot => "oneshot",
            Kind::Watch => "watch",
            Kind::Join(_) => "join",
            Kind::Timer => "timer",
        }
    }
}

impl Resource {
    pub fn new(kind: Kind, capacity: u8) -> Resource {
        let capacity = match kind {
            Kind::Mutex => 1,
            Kind::Rwlock => ALL_READERS,
            _ => capacity,
        };
        Resource {
            kind,
            capacity,
            barging: false,
            messages: 0,
            handles: Vec::new(),
            holds: Vec::new(),
            queue: Vec::new(),
        }
    }

    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Mutex if self.barging => "mutex, barging",
            Kind::Semaphore if self.barging => "semaphore, barging",
            kind => kind.word(),
        }
    }

    pub fn count(&self, sender: bool) -> usize {
        self.handles.iter().filter(|handle| handle.sender == sender && handle.users != 0).count()
    }

    /// The verbs with which a task can wait, and the number of units for each. Those of a channel need a handle.
    pub fn verbs(&self) -> &'static [(Verb, u8)] {
        match self.kind {
            Kind::Mutex => &[(Verb::Lock, 1)],
            Kind::Semaphore if self.barging => &[(Verb::Acquire, 1)],
            Kind::Semaphore => &[(Verb::Acquire, 1), (Verb::Acquire, 2)],
            Kind::Rwlock => &[(Verb::Read, 1), (Verb::Write, ALL_READERS)],
            Kind::Channel => {
                &[(Verb::Recv, 1), (Verb::Send, 1), (Verb::Closed, 1), (Verb::Reserve, 1), (Verb::Reserve, 2)]
            }
            Kind::Unbounded | Kind::Oneshot => &[(Verb::Recv, 1), (Verb::Closed, 1)],
            Kind::Watch => &[(Verb::Changed, 1), (Verb::Closed, 1)],
            Kind::Join(_) => &[(Verb::Join, 1)],
            Kind::Timer => &[(Verb::Sleep, 1)],
        }
    }
}

impl Verb {
    /// Whether a sender does it, or a receiver; `None` if it needs no handle.
    pub fn by_sender(self) -> Option<bool> {
        match self {
            Verb::Send | Verb::Reserve | Verb::Closed => Some(true),
            Verb::Recv | Verb::Changed => Some(false),
            _ => None,
        }
    }

    /// Whether the operation waits in the queue of its resource for units.
    pub fn queues(self) -> bool {
        matches!(self, Verb::Lock | Verb::Acquire | Verb::Read | Verb::Write | Verb::Send | Verb::Reserve)
    }
}

pub const NO_HANDLE: u8 = u8::MAX;

impl World {
    pub fn outside(&self) -> Task {
        self.tasks.len() as Task - 1
    }

    /// Number of units that no task holds or was granted.
    pub fn free(&self, resource: usize) -> u8 {
        let it = &self.resources[resource];
        let held: u8 = it.holds.iter().map(|hold| hold.units).sum();
        let granted: u8 = self
            .operations()
            .filter(|(_, op)| usize::from(op.resource) == resource && op.verb.queues() && op.granted)
            .filter(|_| !it.barging)
            .map(|(_, op)| op.need)
            .sum();
        it.capacity.saturating_sub(held + granted + it.messages)
    }

    pub fn operations(&self) -> impl Iterator<Item = (Task, &Operation)> {
        self.tasks.iter().enumerate().flat_map(|(task, it)| it.operations.iter().map(move |op| (task as Task, op)))
    }

    /// Whether a poll of it would be ready.
    pub fn ready(&self, op: &Operation) -> bool {
        let resource = &self.resources[usize::from(op.resource)];
        match op.verb {
            Verb::Recv => resource.messages > 0 || resource.count(true) == 0,
            Verb::Closed => resource.count(false) == 0,
            Verb::Changed => resource.handles[usize::from(op.handle)].fresh || resource.count(true) == 0,
            Verb::Join => {
                matches!(resource.kind, Kind::Join(of) if self.tasks[usize::from(of)].status == Status::Ended)
            }
            Verb::Sleep => true,
            _ if resource.barging => self.free(usize::from(op.resource)) >= op.need,
            _ => op.granted,
        }
    }

    /// Whether its wake has fired.
    pub fn signalled(&self, op: &Operation) -> bool {
        if op.verb.queues() { op.granted } else { op.verb != Verb::Sleep && self.ready(op) }
    }

    /// The tickets of all woken operations.
    pub fn signals(&self) -> u64 {
        self.operations().filter(|(_, op)| self.signalled(op)).fold(0, |all, (_, op)| all | 1 << op.ticket)
    }

    pub fn barging(&self) -> bool {
        self.resources.iter().any(|resource| resource.barging)
    }

    /// Whether the task is parked, and a poll would not let it make progress before a timer fires.
    pub fn waits(&self, task: usize) -> bool {
        let it = &self.tasks[task];
        let over = |op: &Operation| op.polled && self.signalled(op);
        it.status == Status::Parked && !it.woken && !it.operations.iter().any(over)
    }

    /// Grants the free units to the first waits in the queue.
    pub fn settle(&mut self, resource: usize) {
        if self.resources[resource].barging {
            return;
        }
        while let Some(&ticket) = self.resources[resource].queue.first() {
            let it = &self.resources[resource];
            let closed = it.kind == Kind::Channel && it.count(false) == 0;
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

    pub fn hold(&mut self, resource: usize, task: Task, verb: Verb, need: u8, shared: bool) {
        // Other tasks can reach the guard of a lock. A reserved place belongs to its sender.
        let shared = shared && verb != Verb::Reserve;
        let all: Tasks = (1 << self.outside()) - 1;
        let users = if shared { all | 1 << task } else { 1 << task };
        let exclusive = matches!(verb, Verb::Lock | Verb::Write);
        self.resources[resource].holds.push(Hold { users, owner: task, shared, units: need, exclusive });
    }

    /// Removes an operation that was polled to its end, with the effects of its result.
    pub fn claim(&mut self, task: Task, operation: usize) {
        let op = self.tasks[usize::from(task)].operations.remove(operation);
        let resource = usize::from(op.resource);
        if self.resources[resource].barging {
            self.resources[resource].queue.retain(|ticket| *ticket != op.ticket);
        }
        match op.verb {
            // A message without a receiver is lost.
            Verb::Send if self.resources[resource].count(false) == 0 => {}
            Verb::Send => self.resources[resource].messages += op.need,
            Verb::Recv => {
                let it = &mut self.resources[resource];
                it.messages = it.messages.saturating_sub(1);
            }
            Verb::Changed => self.resources[resource].handles[usize::from(op.handle)].fresh = false,
            Verb::Closed | Verb::Join | Verb::Sleep => {}
            _ if op.need == 0 => {}
            verb => self.hold(resource, task, verb, op.need, false),
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

    /// Whether the handle is lent to an operation or a reserved place of the task.
    pub fn is_lent(&self, task: Task, resource: u8, handle: u8) -> bool {
        let it = &self.resources[usize::from(resource)];
        let used = |op: &Operation| op.resource == resource && op.handle == handle;
        self.tasks[usize::from(task)].operations.iter().any(used)
            || it.handles[usize::from(handle)].sender && it.holds.iter().any(|hold| hold.owner == task)
    }

    /// Whether no other operation can use the handle now: a receiver needs a `&mut`, and so does a sender of a oneshot.
    pub fn is_busy(&self, resource: u8, handle: u8) -> bool {
        let it = &self.resources[usize::from(resource)];
        let one = !it.handles[usize::from(handle)].sender || it.kind == Kind::Oneshot;
        one && self.operations().any(|(_, op)| op.resource == resource && op.handle == handle)
    }

    pub fn has(&self, task: Task, resource: u8, handle: u8, sender: bool) -> bool {
        let handle = self.resources[usize::from(resource)].handles.get(usize::from(handle));
        handle.is_some_and(|handle| handle.sender == sender && handle.users & 1 << task != 0)
    }

    /// Records the use of a handle, which makes its owner known.
    pub fn used(&mut self, task: Task, resource: u8, handle: u8) {
        if let Some(handle) = self.resources[usize::from(resource)].handles.get_mut(usize::from(handle)) {
            handle.owner = task;
            handle.known = true;
        }
    }

    pub fn drop_handle(&mut self, task: Task, resource: usize, handle: usize) {
        let it = &mut self.resources[resource];
        it.handles[handle].users &= !(1 << task);
        if it.handles[handle].users == 0 && !it.handles[handle].sender && it.count(false) == 0 {
            it.messages = 0;
        }
        self.settle(resource);
    }

    pub fn ticket(&self) -> u8 {
        (0..).find(|ticket| self.operations().all(|(_, op)| op.ticket != *ticket)).expect("there are few")
    }
}
