//! Streams that keep the rules. The fuzzer chooses among the events that are possible at each time.

use insight_protocol::*;

/// Maximum number of steps. It is small, since the diagnosis at each heartbeat examines the whole model.
const MOST_STEPS: usize = 200;

/// The string that each wait names. It has to be sent again after a snapshot.
pub fn reason() -> Message {
    DefineString::new(StringId(1), "waiting").into()
}

/// The stream of four bytes a step. The first byte is the event, and the others choose the live things that it is about. If
/// there is none to choose, nothing happens. Since a step needs few bytes, a fuzzer soon finds long streams.
pub fn stream(bytes: &[u8]) -> Vec<Message> {
    let mut producer = Producer::default();
    producer.open(bytes.first().is_some_and(|first| first & 0x80 != 0));
    let (steps, _) = bytes.as_chunks();
    steps.iter().take(MOST_STEPS).for_each(|step| _ = producer.step(*step));
    producer.messages.push(StreamHeartbeat::new(producer.now_ns).into());
    producer.messages
}

#[derive(Default)]
struct Producer {
    messages: Vec<Message>,
    now_ns: u64,
    /// The last ids of tasks, resources and edges.
    last: [u64; 3],
    tasks: Vec<Task>,
    resources: Vec<ResourceId>,
    edges: Vec<Edge>,
}

struct Task {
    id: TaskId,
    partial: bool,
    stats: TaskStats,
    /// Whether a `task.stats` was sent since the last heartbeat.
    sampled: bool,
}

#[derive(PartialEq)]
enum Kind {
    Wait,
    Hold { exclusive: bool },
    Party { exclusive: bool, joined: bool },
}

struct Edge {
    id: EdgeId,
    task: TaskId,
    resource: ResourceId,
    kind: Kind,
    polls: u64,
}

impl Producer {
    fn send(&mut self, message: impl Into<Message>) {
        self.messages.push(message.into());
    }

    fn open(&mut self, blind: bool) {
        let mut capabilities = vec![Capability::Tasks, Capability::TaskTimes];
        if !blind {
            capabilities.push(Capability::ForeignWakers);
        }
        self.send(with!(
            StreamHeader::new("fuzz", Process::new(1, "fuzz")),
            clock = Clock::new(0),
            detail = Detail::Structure,
            interval_ms = 100,
            capabilities
        ));
        self.send(SnapshotBegin::default());
        self.send(SnapshotEnd::new(0));
        self.send(reason());
    }

    /// A new id: `space` is 0 for a task, 1 for a resource, 2 for an edge.
    fn id(&mut self, space: usize) -> u64 {
        self.last[space] += 1;
        self.last[space]
    }

    fn step(&mut self, [event, a, b, c]: [u8; 4]) -> Option<()> {
        self.now_ns += 1_000_000;
        let at_ns = self.now_ns;
        let flag = event & 0x10 != 0;
        match event % 16 {
            0 | 1 => {
                let parent = if flag { pick(&self.tasks, a).map(|parent| parent.id) } else { None };
                // r[party.exclusive.spawn]
                self.close(|edge| {
                    Some(edge.task) == parent && matches!(edge.kind, Kind::Party { exclusive: true, joined: false })
                });
                let (id, partial) = (TaskId(self.id(0)), b == 1);
                self.send(with!(TaskSpawned::default(), id, parent, partial, at_ns));
                let stats = with!(TaskStats::default(), id);
                self.tasks.push(Task { id, partial, stats, sampled: false });
            }
            2 | 3 => {
                let task = pick_mut(&mut self.tasks, a).filter(|task| !task.sampled)?;
                task.sampled = true;
                const STATES: [TaskState; 4] =
                    [TaskState::Idle, TaskState::Idle, TaskState::Running, TaskState::Scheduled];
                task.stats.state = if task.partial { None } else { pick(&STATES, b).copied() };
                task.stats.foreign_wakers = u64::from(flag);
                task.stats.lost_waker = !flag && c == 3;
                task.stats.polls += u64::from(c);
                (task.stats.since_ns, task.stats.at_ns) = (at_ns, at_ns);
                let stats = task.stats.clone();
                self.send(stats);
            }
            4 => {
                let at = usize::from(a).checked_rem(self.tasks.len())?;
                let id = self.tasks.remove(at).id;
                // r[task.completed.waits]
                self.close(|edge| {
                    edge.task == id && matches!(edge.kind, Kind::Wait | Kind::Party { joined: true, .. })
                });
                self.send(TaskCompleted::new(id, Outcome::Returned, at_ns));
            }
            5 => {
                let id = ResourceId(self.id(1));
                let kind = ResourceKind::from(*pick(ResourceKind::KNOWN, a)?);
                let capacity = flag.then_some(b.into());
                let hand_off = pick(HandOff::KNOWN, c).filter(|_| c & 0x80 == 0).map(|word| HandOff::from(*word));
                let closed_by_any = c & 0x40 != 0;
                self.send(with!(ResourceCreated::new(id, kind, at_ns), capacity, hand_off, closed_by_any));
                self.resources.push(id);
            }
            6 => {
                let id = *pick(&self.resources, a)?;
                let count = |bits: u8| [None, Some(0), Some(1), Some(2)][usize::from(bits % 4)];
                let (length, senders, receivers) = (count(b), count(b >> 2), count(b >> 4));
                let weak_senders = count(c);
                let (outside_senders, outside_receivers) = (count(c >> 2), count(c >> 4));
                let capacity = flag.then_some(1);
                self.send(with!(
                    ResourceUpdated::default(),
                    id,
                    capacity,
                    length,
                    senders,
                    weak_senders,
                    receivers,
                    outside_senders,
                    outside_receivers,
                    at_ns
                ));
            }
            7 => {
                let at = usize::from(a).checked_rem(self.resources.len())?;
                let id = self.resources.remove(at);
                self.edges.retain(|edge| edge.resource != id);
                self.send(ResourceDropped::new(id, at_ns));
            }
            8 | 9 => {
                let (task, resource) = (pick(&self.tasks, a)?.id, *pick(&self.resources, b)?);
                let id = EdgeId(self.id(2));
                let operation = Operation::from(*pick(Operation::KNOWN, c)?);
                let reason = StringId(1);
                let location = None;
                self.send(with!(EdgeWait::new(id, task, resource, operation, reason, 1, at_ns), location));
                self.edges.push(Edge { id, task, resource, kind: Kind::Wait, polls: 0 });
            }
            10 => {
                let (task, resource) = (pick(&self.tasks, a)?.id, *pick(&self.resources, b)?);
                let mode = HoldMode::from(*pick(HoldMode::KNOWN, c)?);
                let exclusive = mode == HoldMode::Exclusive;
                // r[edge.hold.exclusive-alone]
                self.close(|edge| match edge.kind {
                    Kind::Hold { exclusive: other } => edge.resource == resource && (exclusive || other),
                    _ => false,
                });
                let id = EdgeId(self.id(2));
                let location = None;
                self.send(with!(EdgeHold::new(id, task, resource, mode, 1, at_ns), transferable = flag, location));
                self.edges.push(Edge { id, task, resource, kind: Kind::Hold { exclusive }, polls: 0 });
            }
            11 => {
                let (task, resource) = (pick(&self.tasks, a)?.id, *pick(&self.resources, b)?);
                let id = EdgeId(self.id(2));
                let (role, exclusive) = (PartyRole::from(*pick(PartyRole::KNOWN, c)?), flag);
                let joined = role == PartyRole::Joined;
                self.send(EdgeParty::new(id, task, resource, role, exclusive, at_ns));
                self.edges.push(Edge { id, task, resource, kind: Kind::Party { exclusive, joined }, polls: 0 });
            }
            12 => {
                let Edge { id, kind, .. } = pick(&self.edges, a)?;
                let outcome = flag.then_some(match kind {
                    Kind::Wait => EdgeOutcome::Claimed,
                    Kind::Hold { .. } => EdgeOutcome::Released,
                    Kind::Party { .. } => EdgeOutcome::Moved,
                });
                let id = *id;
                self.edges.retain(|edge| edge.id != id);
                self.send(with!(EdgeClosed::new(id, at_ns), outcome));
            }
            13 => {
                let edge = pick_mut(&mut self.edges, a).filter(|edge| edge.kind == Kind::Wait)?;
                edge.polls += u64::from(b);
                let (id, polls) = (edge.id, (b != 0).then_some(edge.polls));
                let polled = [None, Some(false), Some(true)][usize::from(c % 3)];
                self.send(with!(EdgeUpdated::default(), id, polls, polled, granted_ns = flag.then_some(at_ns), at_ns));
            }
            14 => {
                self.tasks.iter_mut().for_each(|task| task.sampled = false);
                if flag {
                    self.send(with!(StreamCoverage::default(), at_ns));
                }
                self.send(StreamHeartbeat::new(at_ns));
            }
            _ => {
                let kinds = if flag { pick(Message::TYPES, a).map(|kind| (*kind).to_owned()) } else { None };
                self.send(with!(
                    Gap::default(),
                    count = 1,
                    kinds = kinds.into_iter().collect(),
                    reason = "lost".into(),
                    at_ns
                ));
            }
        }
        Some(())
    }

    fn close(&mut self, which: impl Fn(&Edge) -> bool) {
        for edge in self.edges.extract_if(.., |edge| which(edge)) {
            self.messages.push(EdgeClosed::new(edge.id, self.now_ns).into());
        }
    }
}

fn pick<T>(items: &[T], by: u8) -> Option<&T> {
    items.get(usize::from(by).checked_rem(items.len())?)
}

fn pick_mut<T>(items: &mut [T], by: u8) -> Option<&mut T> {
    let at = usize::from(by).checked_rem(items.len())?;
    items.get_mut(at)
}
