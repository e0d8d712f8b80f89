//! The messages that a recorder would send about a world.

use crate::world::{Handle, Kind, Operation as Pending, Status, Task, Verb, World};
use insight_protocol::*;

pub const SETTLE_NS: u64 = 500_000_000;
const NOW_NS: u64 = 10_000_000_000;

pub fn task_id(task: Task) -> TaskId {
    TaskId(u64::from(task) + 1)
}

/// Whether the messages describe everything: nothing is held or used by an unobserved or an unknown task, and all wakes
/// are done.
pub fn all_known(world: &World) -> bool {
    // A task that was woken for nothing is scheduled until it has looked, so by its messages it can make progress.
    let settled = world.tasks.iter().all(|task| task.status != Status::Parked || !task.woken);
    settled && (0..world.resources.len()).all(|resource| resource_known(world, resource))
}

fn resource_known(world: &World, at: usize) -> bool {
    let resource = &world.resources[at];
    let outside = 1 << world.outside();
    let handle_known = |handle: &Handle| handle.users == 0 || handle.known && !handle.shared && handle.users != outside;
    let handles_known = resource.handles.iter().all(handle_known);
    let holds_known = resource.holds.iter().all(|hold| !hold.shared && hold.users != outside);
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
    handles_known && holds_known && order_known
}

fn reason(id: u64) -> StringId {
    StringId(id)
}

pub fn messages(world: &World) -> Vec<Message> {
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
        messages.push(with!(TaskStats::default(), id, state = Some(state), since_ns = 100_000).into());
    }
    let mut edges = Edges::default();
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
        let created = with!(ResourceCreated::new(id, kind, 0), name, location, task, capacity, hand_off);
        messages.push(created.into());
        messages.push(updated(world, at, id).into());
        if let Kind::Join(of) = resource.kind {
            if world.tasks[usize::from(of)].status != Status::Ended {
                messages.push(edges.party(task_id(of), id, PartyRole::Joined, false));
            }
        }
        for handle in resource.handles.iter().filter(|it| it.known && it.users != 0 && it.owner != outside) {
            let role = if handle.sender { PartyRole::Sender } else { PartyRole::Receiver };
            messages.push(edges.party(task_id(handle.owner), id, role, !handle.shared));
        }
        for hold in resource.holds.iter().filter(|hold| hold.owner != outside) {
            let mode = match (resource.kind, hold.exclusive) {
                (_, true) => HoldMode::Exclusive,
                (Kind::Rwlock, _) => HoldMode::Shared,
                _ => HoldMode::Permit,
            };
            messages.push(edges.hold(task_id(hold.owner), id, mode, u64::from(hold.units), hold.shared));
        }
        let of_resource = world.operations().filter(|(_, op)| usize::from(op.resource) == at);
        let mut waits: Vec<(Option<usize>, Task, &Pending)> = of_resource
            .map(|(task, op)| (resource.queue.iter().position(|ticket| *ticket == op.ticket), task, op))
            .collect();
        // The granted waits began before all waits that are still in the queue.
        waits.sort_by_key(|(position, ..)| *position);
        for (since, (_, task, op)) in waits.into_iter().enumerate() {
            edges.wait(&mut messages, task_id(task), id, op, world.signalled(op), 10_000 * (since as u64 + 1));
        }
    }
    for (task, _) in world.tasks.iter().enumerate().filter(|(_, it)| it.status == Status::Ended) {
        if task as Task != outside {
            let id = task_id(task as Task);
            messages.push(TaskCompleted::new(id, Outcome::Returned, 200_000).into());
        }
    }
    messages.push(StreamHeartbeat::new(NOW_NS).into());
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

#[derive(Default)]
struct Edges(u64);

impl Edges {
    fn next(&mut self) -> EdgeId {
        self.0 += 1;
        EdgeId(self.0)
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
        let need = u64::from(need.max(1));
        let id = self.next();
        messages.push(EdgeWait::new(id, task, resource, operation, reason(1), need, since_ns).into());
        let granted_ns = signalled.then_some(300_000);
        messages.push(with!(EdgeUpdated::default(), id, polls = Some(1), polled = Some(op.polled), granted_ns).into());
    }
}
