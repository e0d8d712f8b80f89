//! The messages that a recorder would send about a world.

use crate::facts::{Cancellers, Found};
use crate::world::{Guard, Handle, Kind, Operation as Pending, Place, Status, Task, Verb, World};
use insight_protocol::*;

pub const SETTLE_NS: u64 = 500_000_000;

/// The facts about timers that the messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timers {
    /// Each is a wait.
    Observed,
    /// Each has a foreign waker, also one that its task only keeps. A capture of each idle task shows the awaits that the task
    /// polls, and only the capture shows the operations that it no longer polls.
    Captured,
}

impl Timers {
    /// The present time. A foreign waker in use hides a wait for a lock for ten settle times, so a world with foreign wakers is
    /// younger.
    fn now_ns(self) -> u64 {
        match self {
            Timers::Observed => 20 * SETTLE_NS,
            Timers::Captured => 2 * SETTLE_NS,
        }
    }
}

pub fn task_id(task: Task) -> TaskId {
    TaskId(u64::from(task) + 1)
}

/// Whether the messages describe everything: nothing is held or used by an unobserved or an unknown task, and all wakes
/// are done.
pub fn all_known(world: &World) -> bool {
    settled(world) && (0..world.resources.len()).all(|resource| resource_known(world, resource))
}

/// Whether the messages describe all locks and joins. They always describe the handles that cancel tasks.
pub fn locks_known(world: &World) -> bool {
    let mut locks = (0..world.resources.len()).filter(|resource| world.resources[*resource].kind.is_lock());
    settled(world) && locks.all(|resource| resource_known(world, resource))
}

/// A task that was woken for nothing is scheduled until it has looked, so by its messages it can make progress.
fn settled(world: &World) -> bool {
    world.tasks.iter().all(|task| task.status != Status::Parked || !task.woken)
}

fn resource_known(world: &World, at: usize) -> bool {
    let resource = &world.resources[at];
    let outside = world.outside();
    // It is with the task that the messages name.
    let is_there = |place: Place, owner: Task| owner != outside && place.is_only(owner);
    let handle_known = |handle: &Handle| {
        !handle.place.exists() || handle.known && !handle.shared && is_there(handle.place, handle.owner)
    };
    let handles_known = resource.handles.iter().all(handle_known);
    let found = Found::default();
    let mut holds = resource.holds.iter().enumerate();
    let holds_known = holds.all(|(hold, it)| !found.is_transferable(world, at, hold) && is_there(it.place, it.owner));
    let mut of_resource = world.operations().filter(|(_, op)| usize::from(op.resource) == at);
    // An operation in a box may be elsewhere, unless its task polls it.
    let operations_known = of_resource
        .all(|(task, op)| is_there(op.place, task) && (op.polled || op.guard != Guard::Boxed && !world.borrows));
    let open = resource.adders != 0 || resource.closed_by_any || resource.closed;
    let mut operations = world.operations().filter(|(_, op)| usize::from(op.resource) == at);
    let order_known = match resource.kind {
        // If the first wait needs several places, it has been granted some. The messages do not have their number.
        Kind::Channel => operations.all(|(_, op)| resource.queue.first() != Some(&op.ticket) || op.need == 1),
        // A woken task that looks and waits again goes to the end of the queue, without a message. So the messages do
        // not show whether a wait that is only kept is the next one to be woken.
        _ if resource.barging => operations
            .all(|(task, op)| op.polled || op.granted || world.tasks[usize::from(task)].status != Status::Parked),
        _ => true,
    };
    handles_known && holds_known && operations_known && order_known && !open
}

fn reason(id: u64) -> StringId {
    StringId(id)
}

pub fn messages(world: &World, timers: Timers, found: &Found) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let outside = world.outside();
    messages.push(DefineString::new(reason(1), "waiting").into());
    for (task, it) in world.tasks.iter().enumerate().filter(|(task, _)| *task as Task != outside) {
        let id = task_id(task as Task);
        messages.push(with!(TaskSpawned::default(), id).into());
        let state = match it.status {
            Status::Runnable => TaskState::Running,
            Status::Parked if world.waits(task) => TaskState::Idle,
            Status::Parked => TaskState::Scheduled,
            Status::Ended => continue,
        };
        let foreign_wakers = match timers {
            Timers::Observed => 0,
            Timers::Captured => it.operations.iter().filter(|op| op.verb == Verb::Sleep).count() as u64,
        };
        messages.push(with!(TaskStats::default(), id, state = Some(state), since_ns = 100_000, foreign_wakers).into());
    }
    let mut edges = Edges { last: 0, timers, borrows: world.borrows, of_tickets: Vec::new() };
    for (at, resource) in world.resources.iter().enumerate() {
        let id = ResourceId(at as u64 + 1);
        let with_places = matches!(resource.kind, Kind::Channel | Kind::Semaphore);
        let capacity = match resource.kind {
            Kind::Oneshot => Some(1),
            _ => with_places.then_some(u64::from(resource.capacity)),
        };
        let hand_off = matches!(resource.kind, Kind::Mutex | Kind::Semaphore | Kind::Rwlock | Kind::Channel);
        let hand_off = hand_off.then_some(if resource.barging { HandOff::Barging } else { HandOff::Fifo });
        let kind = kind_word(resource.kind);
        let (name, location, task) = (None, None, None);
        let closed_by_any = resource.closed_by_any;
        let created = with!(ResourceCreated::new(id, kind, 0), name, location, task, capacity, hand_off, closed_by_any);
        messages.push(created.into());
        messages.push(updated(world, at, id).into());
        if let Kind::Join(of) = resource.kind {
            if world.tasks[usize::from(of)].status != Status::Ended {
                messages.push(edges.party(task_id(of), id, PartyRole::Joined, false));
            }
        }
        for handle in resource.handles.iter().filter(|it| it.known && it.place.exists() && it.owner != outside) {
            let role = if handle.sender { PartyRole::Sender } else { PartyRole::Receiver };
            messages.push(edges.party(task_id(handle.owner), id, role, !handle.shared));
        }
        for (number, hold) in resource.holds.iter().enumerate().filter(|(_, hold)| hold.owner != outside) {
            let mode = match (resource.kind, hold.exclusive) {
                (_, true) => HoldMode::Exclusive,
                (Kind::Rwlock, _) => HoldMode::Shared,
                _ => HoldMode::Permit,
            };
            let transferable = found.is_transferable(world, at, number);
            messages.push(edges.hold(task_id(hold.owner), id, mode, u64::from(hold.units), transferable));
        }
        // A task that has ended has no waits in the messages.
        let has_ended = |task: Task| world.tasks[usize::from(task)].status == Status::Ended;
        let of_resource = world.operations().filter(|(task, op)| usize::from(op.resource) == at && !has_ended(*task));
        let mut waits: Vec<(Option<usize>, Task, &Pending)> = of_resource
            .map(|(task, op)| (resource.queue.iter().position(|ticket| *ticket == op.ticket), task, op))
            .collect();
        // The granted waits began before all waits that are still in the queue.
        waits.sort_by_key(|(position, ..)| *position);
        for (since, (_, task, op)) in waits.into_iter().enumerate() {
            edges.wait(&mut messages, task_id(task), id, op, world.signalled(op), 10_000 * (since as u64 + 1));
        }
    }
    if timers == Timers::Captured {
        let idle = (0..usize::from(outside)).filter(|task| world.waits(*task));
        messages.extend(idle.map(|task| edges.captured(world, task).into()));
    }
    for task in (0..outside).filter(|task| world.tasks[usize::from(*task)].status != Status::Ended) {
        let Cancellers { tasks, others } = Cancellers::of(world, task);
        let tasks = (0..outside).filter(|it| tasks & 1 << it != 0).map(task_id).collect();
        messages.push(with!(TaskCancellers::default(), id = task_id(task), tasks, others, at_ns = 400_000).into());
    }
    for (task, _) in world.tasks.iter().enumerate().filter(|(_, it)| it.status == Status::Ended) {
        if task as Task != outside {
            let id = task_id(task as Task);
            messages.push(TaskCompleted::new(id, Outcome::Returned, 200_000).into());
        }
    }
    messages.push(StreamHeartbeat::new(timers.now_ns()).into());
    messages
}

fn kind_word(kind: Kind) -> ResourceKind {
    match kind {
        Kind::Mutex => ResourceKind::Mutex,
        Kind::Semaphore => ResourceKind::Semaphore,
        Kind::Rwlock => ResourceKind::Rwlock,
        Kind::Channel | Kind::Unbounded => ResourceKind::Channel,
        Kind::Oneshot => ResourceKind::Oneshot,
        Kind::Watch => ResourceKind::Watch,
        Kind::Join(_) => ResourceKind::Join,
        Kind::Timer => ResourceKind::Timer,
    }
}

fn updated(world: &World, at: usize, id: ResourceId) -> ResourceUpdated {
    let resource = &world.resources[at];
    let held: u64 = resource.holds.iter().map(|hold| u64::from(hold.units)).sum();
    let length = match resource.kind {
        Kind::Semaphore => Some(held),
        Kind::Rwlock => Some(resource.holds.len() as u64),
        // The first wait in the queue has taken the free places, though it needs more.
        Kind::Channel if !resource.queue.is_empty() => Some(u64::from(resource.capacity)),
        Kind::Channel => Some(u64::from(resource.capacity - world.free(at))),
        Kind::Unbounded | Kind::Oneshot => Some(u64::from(resource.messages)),
        _ => None,
    };
    let ends = matches!(resource.kind, Kind::Channel | Kind::Unbounded | Kind::Oneshot | Kind::Watch);
    let count = |sender| ends.then_some(resource.count(sender) as u64);
    let weak_senders = ends.then_some(0);
    // A place that is reserved outside of tasks uses a sender there.
    let outside = resource.holds.iter().filter(|hold| hold.owner == world.outside()).count() as u64;
    let outside_senders = (resource.kind == Kind::Channel).then_some(outside);
    with!(
        ResourceUpdated::default(),
        id,
        length,
        senders = count(true),
        weak_senders,
        receivers = count(false),
        outside_senders
    )
}

struct Edges {
    last: u64,
    timers: Timers,
    /// The tasks may borrow.
    borrows: bool,
    /// The edge of each operation, by its ticket.
    of_tickets: Vec<(u8, EdgeId)>,
}

impl Edges {
    fn next(&mut self) -> EdgeId {
        self.last += 1;
        EdgeId(self.last)
    }

    /// The capture of an idle task: one await for each operation that it polls.
    fn captured(&self, world: &World, task: usize) -> TaskAwaits {
        let edge =
            |op: &Pending| self.of_tickets.iter().find(|(ticket, _)| *ticket == op.ticket).map(|(_, edge)| *edge);
        let polled = world.tasks[task].operations.iter().filter(|op| op.polled);
        let awaits = polled.map(|op| with!(Await::default(), edge = edge(op))).collect();
        with!(TaskAwaits::default(), id = task_id(task as Task), awaits, complete = true, at_ns = 400_000)
    }

    fn party(&mut self, task: TaskId, resource: ResourceId, role: PartyRole, exclusive: bool) -> Message {
        EdgeParty::new(self.next(), task, resource, role, exclusive, 0).into()
    }

    fn hold(&mut self, task: TaskId, resource: ResourceId, mode: HoldMode, units: u64, transferable: bool) -> Message {
        // A guard of a lock counts as one unit.
        let units = if mode == HoldMode::Permit { units } else { 1 };
        with!(EdgeHold::new(self.next(), task, resource, mode, units, 0), transferable).into()
    }

    fn wait(
        &mut self,
        messages: &mut Vec<Message>,
        task: TaskId,
        resource: ResourceId,
        op: &Pending,
        signalled: bool,
        since_ns: u64,
    ) {
        let (operation, need) = match op.verb {
            Verb::Lock => (Operation::Lock, 1),
            Verb::Acquire => (Operation::Acquire, op.need),
            Verb::Read => (Operation::Read, 1),
            Verb::Write => (Operation::Write, 1),
            Verb::Send => (Operation::Send, op.need),
            Verb::Reserve => (Operation::Reserve, op.need),
            Verb::Recv => (Operation::Recv, 1),
            Verb::Closed => (Operation::Closed, 1),
            Verb::Changed => (Operation::Changed, 1),
            Verb::Join => (Operation::Join, 1),
            Verb::Sleep => (Operation::Sleep, 1),
        };
        if self.timers == Timers::Captured && op.verb == Verb::Sleep {
            return;
        }
        let need = u64::from(need.max(1));
        let id = self.next();
        self.of_tickets.push((op.ticket, id));
        let wait = EdgeWait::new(id, task, resource, operation, reason(1), need, since_ns);
        let transferable = op.guard == Guard::Boxed || self.borrows;
        messages.push(with!(wait, transferable).into());
        let granted_ns = signalled.then_some(300_000);
        let polled = Some(op.polled || self.timers == Timers::Captured);
        messages.push(with!(EdgeUpdated::default(), id, polls = Some(1), polled, granted_ns).into());
    }
}
