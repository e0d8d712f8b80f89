//! What is given in units: locks, permits, and room in a channel.

use crate::fixpoint::{Fixpoint, IdSet, Look, Role, Way};
use crate::resource_kind::UnitKind;
use crate::wants::{End, Want};
use crate::{EdgeBody, Resource, Waiter};
use insight_protocol::{EdgeId, HandOff, HoldMode, Operation, TaskId, Tier};
use std::collections::HashMap;

/// More than any sum of units, and all of a lock for reading and writing.
const ALL: i128 = 1 << 100;

/// How far apart two waits may have begun and stand in the other order in the queue: for so long a thread may lose its
/// processor between the queue and the end of its poll, which is when the wait begins.
const CLOSE_NS: u64 = 100_000_000;

/// Who has units of a resource and cannot go on, who waits for some, and how many there will be for them: what is free, and
/// what those give back who can go on. Units that nobody who is known has are given back too: it is not claimed that they
/// are not.
#[derive(Debug)]
pub(crate) struct Units {
    pub(crate) available: i128,
    /// Those that have some and are stuck.
    pub(crate) held: Vec<Held>,
    /// The waits of stuck tasks, in the order in which they are served.
    pub(crate) queue: Vec<Queued>,
    /// Nobody is served before who is ahead of it.
    pub(crate) ordered: bool,
    /// Of a channel: a stuck receiver could give more.
    pub(crate) for_receivers: bool,
    /// After [`Units::serve`], of an order: the first one that is not served.
    pub(crate) front: Option<usize>,
    is_rwlock: bool,
}

/// Units of a stuck task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) task: TaskId,
    /// Its hold; or its wait that was granted, or has its turn, and is not polled.
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
    /// The units of a resource; `None` when so little is known that any wait may end.
    pub(crate) fn new(fixpoint: &Fixpoint, look: &Look, resource: &Resource) -> Option<Units> {
        let kind = resource.definition().units;
        let all = match kind {
            UnitKind::Lock => 1,
            UnitKind::ReadWriteLock => ALL,
            UnitKind::Room if resource.length.is_none() || resource.capacity.is_none() => ALL,
            UnitKind::Room | UnitKind::Permits | UnitKind::Unknown => i128::from(resource.capacity?),
        };
        let mut units = Units {
            available: 0,
            held: Vec::new(),
            queue: Vec::new(),
            ordered: false,
            for_receivers: false,
            front: None,
            is_rwlock: kind == UnitKind::ReadWriteLock,
        };
        let (mut taken, mut stuck, mut claimed) = (0, 0, 0);
        let mut written = false;
        let mut movable = IdSet::default();
        let mut granted = Vec::new();
        let mut first: Option<(u64, i128)> = None;
        let mut writers = 0;
        for edge in look.model.edges_of_resource(resource.id) {
            match &edge.body {
                EdgeBody::Hold { mode, units: count, transferable } => {
                    let exclusive = *mode == HoldMode::Exclusive;
                    let count = match kind {
                        UnitKind::ReadWriteLock if exclusive => ALL,
                        UnitKind::ReadWriteLock | UnitKind::Lock => 1,
                        UnitKind::Permits | UnitKind::Room | UnitKind::Unknown => i128::from(*count),
                    };
                    taken += count;
                    if *transferable {
                        movable.insert(edge.task);
                    }
                    written |= exclusive;
                    let role = fixpoint.role(look, edge.task);
                    let keeps = match role {
                        Role::Seed | Role::GoesOn => false,
                        // What could have gone elsewhere has, when its task has ended.
                        Role::Ended => look.tier == Tier::Suspected && !transferable,
                        Role::Stuck => look.tier == Tier::Suspected || !transferable,
                    };
                    if keeps && !look.is_young(edge.since_ns) {
                        stuck += count;
                        let forgotten = role == Role::Ended;
                        units.held.push(Held { task: edge.task, edge: edge.id, units: count, exclusive, forgotten });
                    }
                }
                EdgeBody::Wait { operation, need, .. } => {
                    let need = self::need(kind, operation, *need);
                    let Waiter { polled, granted_ns, .. } = edge.waiter();
                    let polled = polled != Some(false);
                    let waits = Queued { task: edge.task, edge: edge.id, need, polled, since_ns: edge.since_ns };
                    if matches!(operation, Operation::Closed | Operation::Recv) {
                        continue;
                    }
                    if granted_ns.is_none() {
                        writers += usize::from(*operation == Operation::Write);
                        if first.is_none_or(|(since_ns, _)| edge.since_ns < since_ns) {
                            first = Some((edge.since_ns, need));
                        }
                    }
                    if granted_ns.is_some() && !polled {
                        granted.push(waits);
                    } else if granted_ns.is_some() {
                        // Who has them and goes on takes them, or gives them back.
                        claimed += need;
                    } else if fixpoint.role(look, edge.task) == Role::Stuck {
                        units.queue.push(waits);
                    }
                }
                EdgeBody::Party { .. } => {}
            }
        }
        if look.tier == Tier::Proven {
            // Of two holds of one task, a reader of the problem cannot tell which one is meant.
            units.held.retain(|held| {
                let certain = !movable.contains(&held.task);
                stuck -= if certain { 0 } else { held.units };
                certain
            });
        }
        let known_order = match &resource.hand_off {
            Some(HandOff::Fifo) => Some(true),
            Some(HandOff::WriterFirst) => Some(!written && writers < 2),
            Some(HandOff::Barging) => Some(false),
            _ => None,
        };
        units.ordered = known_order == Some(true);
        let mut woken_in_vain = false;
        for waits in granted {
            // It has them, if they can be had: who is only woken to look has none.
            let has = known_order.is_some() && taken + waits.need <= all;
            let keeps = fixpoint.role(look, waits.task) == Role::Stuck;
            if resource.hand_off == Some(HandOff::Barging) && keeps {
                // While it has not looked nobody else is woken, however many units there are.
                woken_in_vain = true;
                stuck += waits.need;
                units.has(&waits);
            } else if has {
                taken += waits.need;
                if keeps {
                    stuck += waits.need;
                    units.has(&waits);
                }
            } else if keeps {
                units.queue.push(waits);
            }
        }
        if kind == UnitKind::Room {
            taken += claimed;
            let receivers = fixpoint.parties(look, resource, Want::Party(End::Receiver));
            if receivers.known == 0 && units.held.is_empty() && (receivers.unknown == 0 || !units.ordered) {
                // Nobody is known who could make room, or not.
                return None;
            }
            let go_on = match receivers.way {
                Some(Way::Nobody) => receivers.unknown > 0,
                way => way.is_some(),
            };
            // Who is outside of tasks may have places of those that count as messages here.
            let unseen = look.tier == Tier::Proven && resource.outside_senders.is_some_and(|outside| outside > 0);
            let go_on = go_on || unseen;
            let fifo = units.ordered;
            match resource.capacity.zip(resource.length) {
                Some((capacity, length)) => {
                    let length = i128::from(length);
                    let free = (i128::from(capacity) - length).max(0);
                    let messages = if fifo { (length - taken).max(0) } else { length };
                    // Some of them may have been given to the first in the queue, who needs more than there were.
                    let part = first.map_or(0, |(_, need)| need - 1).clamp(0, messages);
                    let part = if fifo { part } else { 0 };
                    // A receiver that goes on can close the channel: who sends is then told so, however much it needs.
                    units.available = if go_on { ALL } else { free + (taken - stuck) + part };
                    units.for_receivers = !go_on && (messages > part || capacity == 0);
                }
                None => {
                    units.available = if go_on || taken > stuck { ALL } else { 0 };
                    units.for_receivers = !go_on;
                }
            }
            if units.held.is_empty() && !units.for_receivers && !go_on && !units.ordered {
                return None;
            }
        } else {
            // Facts that contradict each other prove nothing.
            units.available = if taken > all { taken - stuck } else { all - stuck };
        }
        if woken_in_vain {
            units.available = 0;
        }
        if !kind.is_lock() {
            // There never are so many, unless somebody adds some. A channel without a place hands each message over.
            let most = if kind == UnitKind::Room { all.max(1) } else { all };
            units.queue.retain(|waits| waits.need <= most);
        }
        if units.ordered {
            // Who came at the same time may be ahead or behind.
            units.queue.sort_unstable_by_key(|waits| (waits.since_ns, !waits.polled, waits.need, waits.edge));
            if units.is_rwlock && taken > 0 && taken + claimed < ALL {
                units.put_writer_ahead(writers);
            }
        } else {
            units.queue.retain(|waits| waits.polled);
            units.queue.sort_unstable_by_key(|waits| (waits.need, waits.edge));
        }
        Some(units)
    }

    /// Puts right what the times of two polls on two threads tell in the wrong order: while others read, who waits to read
    /// waits behind a writer. It is one of these, unless one of the `writers` that wait in all can go on.
    fn put_writer_ahead(&mut self, writers: usize) {
        let Some(first) = self.queue.first().copied().filter(|first| first.need < ALL) else { return };
        if self.queue.iter().filter(|waits| waits.need == ALL).count() < writers {
            return;
        }
        let is_close = |waits: &Queued| waits.since_ns - first.since_ns < CLOSE_NS;
        if let Some(at) = self.queue.iter().take_while(|waits| is_close(waits)).position(|waits| waits.need == ALL) {
            self.queue[..=at].rotate_right(1);
        }
    }

    /// Whether this is what a reader of a lock needs, beside others.
    pub(crate) fn is_read(&self, need: i128) -> bool {
        self.is_rwlock && need < ALL
    }

    fn has(&mut self, waits: &Queued) {
        let Queued { task, edge, need: units, .. } = *waits;
        self.held.push(Held { task, edge, units, exclusive: units == ALL, forgotten: false });
    }

    /// The tasks that get what they wait for. What they have they will give back; what is given to a wait that its task
    /// does not poll stays with it.
    pub(crate) fn serve(&mut self) -> Vec<TaskId> {
        let mut served = Vec::new();
        let mut has: HashMap<TaskId, i128> = HashMap::new();
        self.held
            .iter()
            .filter(|held| !held.forgotten)
            .for_each(|held| *has.entry(held.task).or_default() += held.units);
        let mut at = 0;
        while let Some(waits) = self.queue.get(at).copied() {
            if has.get(&waits.task) == Some(&GONE) {
                // It goes on by another wait, and drops this one.
            } else if waits.need > self.available {
                break;
            } else if waits.polled {
                self.available += has.insert(waits.task, GONE).unwrap_or(0);
                served.push(waits.task);
            } else {
                self.available -= waits.need;
                *has.entry(waits.task).or_default() += waits.need;
                self.has(&waits);
            }
            at += 1;
        }
        self.front = (self.ordered && at < self.queue.len()).then_some(at);
        served
    }
}

/// How many units an operation needs of a resource with this kind of units.
pub(crate) fn need(kind: UnitKind, operation: &Operation, need: u64) -> i128 {
    match kind {
        UnitKind::ReadWriteLock if *operation == Operation::Write => ALL,
        UnitKind::ReadWriteLock | UnitKind::Lock => 1,
        UnitKind::Permits | UnitKind::Room | UnitKind::Unknown => i128::from(need),
    }
}

/// In the place of a task's units: it goes on.
const GONE: i128 = i128::MIN;
