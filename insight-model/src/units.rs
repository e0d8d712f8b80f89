//! The units of a resource: a lock, permits, or room in a channel.

use crate::fixpoint::{Look, Parties, Role, WaitingTasks, Way};
use crate::id_map::IdSet;
use crate::need::ALL;
use crate::resource_kind::UnitKind;
use crate::wants::{End, Want};
use crate::{Edge, EdgeBody, Resource, Waiter};
use insight_protocol::{EdgeId, HandOff, HoldMode, Operation, TaskId, Tier};
use std::collections::HashMap;

/// Maximum time between two waits that may have begun in the other order than their times say. A wait's time is the end of
/// its poll, and between the queue and that end a thread may lose its processor for this long.
const CLOSE_NS: u64 = 100_000_000;

/// The units that stuck tasks have, the stuck tasks that wait for some, and the units that will be available to them. A
/// unit is available if it is free, or if a task has it that makes progress and will give it back. Units without a
/// known holder also count as available, since we do not claim that they are kept.
#[derive(Debug)]
pub(crate) struct Units {
    pub(crate) available: i128,
    /// The units of stuck tasks.
    pub(crate) held: Vec<Held>,
    /// The waits of stuck tasks, in the order in which they are served.
    pub(crate) queue: Vec<Queued>,
    /// No wait is served before the waits ahead of it.
    pub(crate) ordered: bool,
    /// It is a channel, and a stuck receiver could make more room.
    pub(crate) for_receivers: bool,
    /// After [`Units::serve`]: if the queue is ordered, the first wait that was not served.
    pub(crate) front: Option<usize>,
    /// The fact that these units rest on and that is only likely. The proven pass uses none.
    pub(crate) guess: Option<Guess>,
    is_rwlock: bool,
}

/// A likely fact about the waits for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// A reader waits behind a writer that began after it: no observed wait explains that the reader waits.
    WriterAhead,
    /// Nothing wakes this task to look at the resource. An operation that it no longer polls could.
    NotWoken(TaskId),
}

/// Units of a stuck task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) task: TaskId,
    /// Its hold, or its wait that is not polled and that was granted or has its turn.
    pub(crate) edge: EdgeId,
    pub(crate) units: i128,
    /// Excludes readers.
    pub(crate) exclusive: bool,
    /// Its task has ended.
    pub(crate) forgotten: bool,
}

/// A wait in the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued {
    pub(crate) task: TaskId,
    pub(crate) edge: EdgeId,
    pub(crate) need: i128,
    pub(crate) polled: bool,
    pub(crate) since_ns: u64,
}

impl Units {
    /// The units of a resource; `None` if so little is known that any wait may end.
    pub(crate) fn new(waiting: &WaitingTasks, look: &Look, resource: &Resource) -> Option<Units> {
        let mut tally = Tally::new(resource)?;
        for edge in look.model.edges_of_resource(resource.id) {
            match &edge.body {
                EdgeBody::Hold { .. } => tally.hold(waiting, look, edge),
                EdgeBody::Wait { .. } => tally.wait(waiting, look, edge),
                EdgeBody::Party { .. } => {}
            }
        }
        if look.tier == Tier::Proven {
            tally.drop_uncertain_holds();
        }
        let in_vain = tally.grant(waiting, look);
        let room = tally.available(waiting, look)?;
        tally.line_up(look.tier);
        let available = if in_vain { 0 } else { room.available };
        let (ordered, is_rwlock) = (tally.is_ordered(), tally.kind == UnitKind::ReadWriteLock);
        let Tally { held, queue, guess, .. } = tally;
        Some(Units {
            available,
            held,
            queue,
            ordered,
            for_receivers: room.for_receivers,
            front: None,
            guess,
            is_rwlock,
        })
    }

    /// Whether an operation with this need reads a lock, together with other readers.
    pub(crate) fn is_read(&self, need: i128) -> bool {
        self.is_rwlock && need < ALL
    }

    /// Serves the queue, and returns the tasks whose wait ends. They will give back the units that they have. Units that are
    /// given to a wait without a poll stay with it.
    pub(crate) fn serve(&mut self) -> Vec<TaskId> {
        let mut served = Vec::new();
        let mut has: HashMap<TaskId, i128> = HashMap::new();
        self.held
            .iter()
            .filter(|held| !held.forgotten)
            .for_each(|held| *has.entry(held.task).or_default() += held.units);
        let mut at = 0;
        while let Some(wait) = self.queue.get(at).copied() {
            if has.get(&wait.task) == Some(&GONE) {
                // The task makes progress by another wait, and drops this one.
            } else if wait.need > self.available {
                break;
            } else if wait.polled {
                self.available += has.insert(wait.task, GONE).unwrap_or(0);
                served.push(wait.task);
            } else {
                self.available -= wait.need;
                *has.entry(wait.task).or_default() += wait.need;
                self.held.push(Held::granted(&wait));
            }
            at += 1;
        }
        self.front = (self.ordered && at < self.queue.len()).then_some(at);
        served
    }
}

/// Stands for the units of a task that makes progress.
const GONE: i128 = i128::MIN;

impl Held {
    /// The units of a wait that was granted.
    fn granted(wait: &Queued) -> Held {
        let Queued { task, edge, need: units, .. } = *wait;
        Held { task, edge, units, exclusive: units == ALL, forgotten: false }
    }
}

/// The units of a resource while its edges are counted.
struct Tally<'a> {
    resource: &'a Resource,
    kind: UnitKind,
    /// All units that the resource has.
    all: i128,
    /// Units that tasks hold or were granted.
    taken: i128,
    /// Units of stuck tasks.
    stuck: i128,
    /// Units that were granted to polled waits: their tasks take them, or give them back.
    claimed: i128,
    /// There is an exclusive hold.
    written: bool,
    /// Number of writers that wait.
    writers: usize,
    /// The time and the need of the wait that began first.
    first: Option<(u64, i128)>,
    /// The tasks with a hold that may have moved to another task.
    movable: IdSet<TaskId>,
    /// The waits that were granted and are not polled.
    granted: Vec<Queued>,
    held: Vec<Held>,
    queue: Vec<Queued>,
    guess: Option<Guess>,
}

/// The units that are available to stuck tasks.
struct Room {
    available: i128,
    for_receivers: bool,
}

impl<'a> Tally<'a> {
    fn new(resource: &'a Resource) -> Option<Tally<'a>> {
        let kind = resource.definition().units;
        let all = match kind {
            UnitKind::Lock => 1,
            UnitKind::ReadWriteLock => ALL,
            UnitKind::Room if resource.length.is_none() || resource.capacity.is_none() => ALL,
            UnitKind::Room | UnitKind::Permits | UnitKind::Unknown => i128::from(resource.capacity?),
        };
        Some(Tally {
            resource,
            kind,
            all,
            taken: 0,
            stuck: 0,
            claimed: 0,
            written: false,
            writers: 0,
            first: None,
            movable: IdSet::default(),
            granted: Vec::new(),
            held: Vec::new(),
            queue: Vec::new(),
            guess: None,
        })
    }

    /// Counts a hold.
    fn hold(&mut self, waiting: &WaitingTasks, look: &Look, edge: &Edge) {
        let EdgeBody::Hold { mode, units, transferable } = &edge.body else { return };
        let exclusive = *mode == HoldMode::Exclusive;
        let units = match self.kind {
            UnitKind::ReadWriteLock if exclusive => ALL,
            UnitKind::ReadWriteLock | UnitKind::Lock => 1,
            UnitKind::Permits | UnitKind::Room | UnitKind::Unknown => i128::from(*units),
        };
        self.taken += units;
        if *transferable {
            self.movable.insert(edge.task);
        }
        self.written |= exclusive;
        let role = waiting.role(look, edge.task);
        let keeps = match role {
            Role::Seed | Role::Unblocked => false,
            // The task has ended, so a guard that could move has moved.
            Role::Ended => look.tier == Tier::Suspected && !transferable,
            Role::Stuck => look.tier == Tier::Suspected || !transferable,
        };
        if keeps && !look.is_young(edge.since_ns) {
            self.stuck += units;
            let forgotten = role == Role::Ended;
            self.held.push(Held { task: edge.task, edge: edge.id, units, exclusive, forgotten });
        }
    }

    /// Counts a wait.
    fn wait(&mut self, waiting: &WaitingTasks, look: &Look, edge: &Edge) {
        let EdgeBody::Wait { operation, need, transferable, .. } = &edge.body else { return };
        if matches!(operation, Operation::Closed | Operation::Recv) {
            return;
        }
        let need = self.kind.need(operation, *need);
        let Waiter { polled, granted_ns, .. } = edge.waiter();
        let polled = polled != Some(false);
        let wait = Queued { task: edge.task, edge: edge.id, need, polled, since_ns: edge.since_ns };
        // Another task may poll the operation, and then give back its units. Only locks are proven, so for all other kinds
        // the finding names this doubt.
        let may_move = look.tier == Tier::Proven && self.kind.is_lock() && *transferable;
        let is_kept = polled || !may_move;
        match granted_ns {
            Some(_) if polled => self.claimed += need,
            Some(_) if is_kept => self.granted.push(wait),
            Some(_) => {}
            None => {
                self.writers += usize::from(*operation == Operation::Write);
                if self.first.is_none_or(|(since_ns, _)| edge.since_ns < since_ns) {
                    self.first = Some((edge.since_ns, need));
                }
                if is_kept && waiting.role(look, edge.task) == Role::Stuck {
                    self.queue.push(wait);
                }
            }
        }
    }

    /// Removes the holds of tasks with a hold that may have moved. If a task has two holds, the reader of the problem
    /// could not distinguish them.
    fn drop_uncertain_holds(&mut self) {
        let Tally { held, movable, stuck, .. } = self;
        held.retain(|held| {
            let certain = !movable.contains(&held.task);
            *stuck -= if certain { 0 } else { held.units };
            certain
        });
    }

    /// Whether waits are served in order; `None` if that is unknown.
    fn order(&self) -> Option<bool> {
        match &self.resource.hand_off {
            Some(HandOff::Fifo) => Some(true),
            Some(HandOff::WriterFirst) => Some(!self.written && self.writers < 2),
            Some(HandOff::Barging) => Some(false),
            _ => None,
        }
    }

    fn is_ordered(&self) -> bool {
        self.order() == Some(true)
    }

    /// Gives their units to the granted waits that are not polled. Returns whether one of them was only woken to look, and
    /// does not look: then no other wait is woken, however many units there are.
    fn grant(&mut self, waiting: &WaitingTasks, look: &Look) -> bool {
        let mut in_vain = false;
        let woken = self.may_be_woken(look);
        for wait in std::mem::take(&mut self.granted) {
            // It has its units if that many can be left. A wait that was only woken to look has none.
            let has = self.order().is_some() && self.taken + wait.need <= self.all;
            let keeps = waiting.role(look, wait.task) == Role::Stuck;
            if self.resource.hand_off == Some(HandOff::Barging) && keeps {
                if woken.is_some() && look.tier == Tier::Proven {
                    continue;
                }
                self.guess = woken.map(Guess::NotWoken);
                in_vain = true;
                self.stuck += wait.need;
                self.held.push(Held::granted(&wait));
            } else if has {
                self.taken += wait.need;
                if keeps {
                    self.stuck += wait.need;
                    self.held.push(Held::granted(&wait));
                }
            } else if keeps {
                self.queue.push(wait);
            }
        }
        in_vain
    }

    /// A task that waits for units, and that an operation without a poll may wake. Then it looks at all that it polls.
    fn may_be_woken(&self, look: &Look) -> Option<TaskId> {
        // A granted operation has woken its task before.
        let is_kept = |edge: &Edge| {
            let Waiter { polled, granted_ns, .. } = edge.waiter();
            matches!(edge.body, EdgeBody::Wait { .. }) && polled == Some(false) && granted_ns.is_none()
        };
        let polled = self.queue.iter().filter(|wait| wait.polled && !self.granted.is_empty());
        polled.map(|wait| wait.task).find(|task| look.model.edges_of_task(*task).any(is_kept))
    }

    /// The units that are available to stuck tasks; `None` if so little is known that any wait may end.
    fn available(&self, waiting: &WaitingTasks, look: &Look) -> Option<Room> {
        if self.kind == UnitKind::Room {
            return self.room(waiting, look);
        }
        // Facts that contradict each other prove nothing.
        let all = if self.taken > self.all { self.taken } else { self.all };
        Some(Room { available: all - self.stuck, for_receivers: false })
    }

    /// The places of a channel that are available to stuck tasks.
    fn room(&self, waiting: &WaitingTasks, look: &Look) -> Option<Room> {
        let taken = self.taken + self.claimed;
        let receivers = Parties::wanted(waiting, look, self.resource, Want::Party(End::Receiver));
        let ordered = self.is_ordered();
        if receivers.known == 0 && self.held.is_empty() && (receivers.unknown == 0 || !ordered) {
            // No known task makes room or keeps it.
            return None;
        }
        let receives = match receivers.way {
            Some(Way::Nobody) => receivers.unknown > 0,
            way => way.is_some(),
        };
        // Code outside of tasks may have places that count as messages here.
        let outside = look.tier == Tier::Proven && self.resource.outside_senders.is_some_and(|outside| outside > 0);
        let receives = receives || outside;
        let room = match self.resource.capacity.zip(self.resource.length) {
            Some((capacity, length)) => {
                let length = i128::from(length);
                let free = (i128::from(capacity) - length).max(0);
                let messages = if ordered { (length - taken).max(0) } else { length };
                // Some of them may be places that the first wait in the queue was given, which needs more.
                let part = self.first.map_or(0, |(_, need)| need - 1).clamp(0, messages);
                let part = if ordered { part } else { 0 };
                // A receiver that makes progress can also close the channel. That ends each send, for any need.
                let available = if receives { ALL } else { free + (taken - self.stuck) + part };
                Room { available, for_receivers: !receives && (messages > part || capacity == 0) }
            }
            None => {
                let available = if receives || taken > self.stuck { ALL } else { 0 };
                Room { available, for_receivers: !receives }
            }
        };
        if self.held.is_empty() && !room.for_receivers && !receives && !ordered {
            return None;
        }
        Some(room)
    }

    /// Puts the queue into the order in which it is served.
    fn line_up(&mut self, tier: Tier) {
        if !self.kind.is_lock() {
            // There never are more units, unless code adds some. A channel of capacity 0 hands each message over.
            let most = if self.kind == UnitKind::Room { self.all.max(1) } else { self.all };
            self.queue.retain(|wait| wait.need <= most);
        }
        if self.is_ordered() {
            // A wait that began at the same time may be ahead or behind.
            self.queue.sort_unstable_by_key(|wait| (wait.since_ns, !wait.polled, wait.need, wait.edge));
            let is_read = self.kind == UnitKind::ReadWriteLock && self.taken > 0 && self.taken + self.claimed < ALL;
            if is_read && tier == Tier::Suspected {
                self.put_writer_ahead();
            }
        } else {
            self.queue.retain(|wait| wait.polled);
            self.queue.sort_unstable_by_key(|wait| (wait.need, wait.edge));
        }
    }

    /// Corrects the order of two polls on two threads: while other tasks read, a reader waits because a writer is ahead of it.
    /// That writer is probably in the queue, unless one of the writers that wait makes progress. r[resource.hand-off.order]
    fn put_writer_ahead(&mut self) {
        let Some(first) = self.queue.first().copied().filter(|first| first.need < ALL) else { return };
        if self.queue.iter().filter(|wait| wait.need == ALL).count() < self.writers {
            return;
        }
        let is_close = |wait: &Queued| wait.since_ns - first.since_ns < CLOSE_NS;
        if let Some(at) = self.queue.iter().take_while(|wait| is_close(wait)).position(|wait| wait.need == ALL) {
            self.queue[..=at].rotate_right(1);
            self.guess = Some(Guess::WriterAhead);
        }
    }
}
