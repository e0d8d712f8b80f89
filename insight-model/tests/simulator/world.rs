//! A small world of tasks and resources, and the possible steps of a task in it.
//!
//! The resources behave as those of the runtimes, and know nothing of the diagnosis. A task has no code: it may do
//! anything that its handles allow. The diagnosis also assumes this about a task.

pub use crate::place::Place;
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
/// Maximum number of permits of a semaphore to which code adds some.
pub const MOST_PERMITS: u8 = 4;
/// Maximum number of operations of a task.
pub const MOST_OPERATIONS: usize = 2;

/// One end of a channel: a sender or a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    pub sender: bool,
    pub place: Place,
    /// The last observed user.
    pub owner: Task,
    /// Several tasks could use it, as with a clone of an `Arc`. So it is never sent as exclusive.
    pub shared: bool,
    /// Its owner has used it, so the messages have it.
    pub known: bool,
    /// A receiver of a watch that has not read the present value.
    pub fresh: bool,
}

/// The guard of a lock or of permits, from an operation of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// It borrows the lock, and the operation lies in the task's own future.
    Borrowed,
    /// It owns a reference to the lock.
    Owned,
    /// As `Owned`, in a cell that all tasks can reach.
    Shared,
    /// It borrows the lock, and the operation lies in a box. The guard goes where the box goes.
    Boxed,
}

/// The memory of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// The heap, with a count of references.
    Heap,
    /// Static memory.
    Static,
    /// The heap. It is never freed, so a reference may have any lifetime.
    Leaked,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    pub place: Place,
    /// The task that took it.
    pub owner: Task,
    pub guard: Guard,
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
    pub memory: Memory,
    /// The tasks that may add permits to this semaphore, or close it.
    pub adders: Tasks,
    /// A task that has one end of this channel can close it for all.
    pub closed_by_any: bool,
    pub closed: bool,
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
    /// The kind of the guard that it makes. Only the operation of a [`Guard::Boxed`] can move.
    pub guard: Guard,
    pub place: Place,
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
    /// The operations that it polled last. An operation in a box may be elsewhere now.
    pub operations: Vec<Operation>,
    /// Its join handle, which can cancel it.
    pub join: Option<Place>,
    /// Another handle that can cancel it.
    pub abort: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The last task stands for everything unobserved. It never waits.
    pub tasks: Vec<TaskState>,
    pub resources: Vec<Resource>,
    /// The tasks may borrow, as those of an executor with a lifetime. So a borrowed guard can go to another task.
    pub borrows: bool,
    /// A task can be cancelled, and a join needs the join handle.
    pub cancels: bool,
    /// The drop of a join handle cancels its task.
    pub drop_cancels: bool,
    /// Things may lie elsewhere than with their last user.
    pub handovers: bool,
    /// The last user of each handle is kept, for the messages.
    pub observed: bool,
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
            memory: Memory::Heap,
            adders: 0,
            closed_by_any: false,
            closed: false,
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
        self.handles.iter().filter(|handle| handle.sender == sender && handle.place.exists()).count()
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
    /// A world of tasks that run, and of the outside.
    pub fn new(tasks: usize) -> World {
        let task =
            TaskState { status: Status::Runnable, woken: false, operations: Vec::new(), join: None, abort: None };
        let (tasks, resources) = (vec![task; tasks + 1], Vec::new());
        World {
            tasks,
            resources,
            borrows: false,
            cancels: false,
            drop_cancels: false,
            handovers: false,
            observed: true,
        }
    }

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
            Verb::Recv => resource.messages > 0 || resource.closed || resource.count(true) == 0,
            Verb::Closed => resource.closed || resource.count(false) == 0,
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

    /// The tasks that were polled and wait for a wake.
    pub fn parked(&self) -> Tasks {
        let parked = |task: &usize| self.tasks[*task].status == Status::Parked;
        (0..self.tasks.len()).filter(parked).fold(0, |tasks, task| tasks | 1 << task)
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

    /// Whether the handle is lent to an operation or a reserved place of the task.
    pub fn is_lent(&self, task: Task, resource: u8, handle: u8) -> bool {
        let it = &self.resources[usize::from(resource)];
        let used = |op: &Operation| op.resource == resource && op.handle == handle;
        self.operations().any(|(_, op)| used(op) && op.place.has(task))
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
        handle.is_some_and(|handle| handle.sender == sender && handle.place.has(task))
    }

    pub fn ticket(&self) -> u8 {
        (0..).find(|ticket| self.operations().all(|(_, op)| op.ticket != *ticket)).expect("there are few")
    }
}
