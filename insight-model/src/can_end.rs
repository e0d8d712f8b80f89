//! The tasks that can end a wait, and the other code that can: the steps of "Who can end a wait" in SPEC.md.

use crate::resource_kind::{End, FreedBy, UnitKind};
use crate::wants::has_ended;
use crate::{Edge, EdgeBody, Model, Resource};
use insight_protocol::{EdgeId, HandOff, HoldMode, Operation, PartyRole, ResourceKind, TaskId};

/// The answer for one wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CanEnd {
    /// The edges through which a task can end the wait, by task and edge.
    pub tasks: Vec<ByTask>,
    /// The ways in which other code can end it, in the order of [`OtherReason`].
    pub others: Vec<ByOther>,
}

/// A task that can end a wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByTask {
    /// The task.
    pub task: TaskId,
    /// Its hold, its party or its own wait.
    pub edge: EdgeId,
    /// The reason.
    pub reason: TaskReason,
}

/// The reason why a task can end a wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TaskReason {
    /// It has units, or a reserved place.
    Holder,
    /// It is a party with this role.
    Party(PartyRole),
    /// Its own wait was granted.
    Granted,
    /// Its own wait is ahead in the queue.
    Ahead,
}

impl TaskReason {
    /// The word of SPEC.md.
    pub fn as_str(&self) -> &str {
        match self {
            TaskReason::Holder => "holder",
            TaskReason::Party(role) => role.as_str(),
            TaskReason::Granted => "granted",
            TaskReason::Ahead => "ahead",
        }
    }
}

/// A way in which code outside of the known tasks can end a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByOther {
    /// The reason.
    pub reason: OtherReason,
    /// The number of handles, units or tasks; `None` if it is unknown, or if the reason has none.
    pub count: Option<u64>,
}

/// The reason why other code can end a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OtherReason {
    /// Senders that no task is known to use alone.
    Sender,
    /// Receivers that no task is known to use alone.
    Receiver,
    /// Handles that can become a sender.
    WeakSender,
    /// Handles that were last used outside of tasks.
    Outside,
    /// Units that no task is known to have.
    Holder,
    /// Awaited tasks that are not observed.
    Joined,
    /// Tasks that have not arrived at a barrier.
    Missing,
    /// Guards, permits and operations that other code may have.
    Transferable,
    /// Any code can add permits.
    Permits,
    /// Any task with an end can close the channel.
    ClosedByAny,
    /// Any code with a reference.
    AnyCode,
    /// The timer.
    Timer,
    /// This version does not know.
    Unexplained,
    /// Facts were lost.
    Gap,
}

impl OtherReason {
    /// The word of SPEC.md.
    pub fn as_str(self) -> &'static str {
        match self {
            OtherReason::Sender => "sender",
            OtherReason::Receiver => "receiver",
            OtherReason::WeakSender => "weak_sender",
            OtherReason::Outside => "outside",
            OtherReason::Holder => "holder",
            OtherReason::Joined => "joined",
            OtherReason::Missing => "missing",
            OtherReason::Transferable => "transferable",
            OtherReason::Permits => "permits",
            OtherReason::ClosedByAny => "closed_by_any",
            OtherReason::AnyCode => "any_code",
            OtherReason::Timer => "timer",
            OtherReason::Unexplained => "unexplained",
            OtherReason::Gap => "gap",
        }
    }
}

/// Maximum time by which a writer may seem to have begun after a reader behind it. r[resource.hand-off.order]
const CLOSE_NS: u64 = 100_000_000;

impl Model {
    /// Returns the tasks that can end this wait, and the ways in which other code can; `None` if it is no open wait.
    pub fn can_end(&self, wait: EdgeId) -> Option<CanEnd> {
        let wait = self.edges.get(&wait)?;
        let EdgeBody::Wait { operation, need, .. } = &wait.body else { return None };
        let resource = self.resources.get(&wait.resource)?;
        // r[can-end.granted]
        if wait.waiter().granted_ns.is_some() {
            let own = ByTask { task: wait.task, edge: wait.id, reason: TaskReason::Granted };
            return Some(CanEnd { tasks: vec![own], others: Vec::new() });
        }
        let mut ask = Ask::new(self, resource, operation);
        ask.too_much = ask.is_too_much(*need);
        ask.wait = Some(wait);
        let mut answer = ask.answer();
        answer.others.extend(self.facts_lost().then_some(ByOther { reason: OtherReason::Gap, count: None }));
        Some(answer)
    }

    /// As [`can_end`](Model::can_end), for any task that waits with this operation: without a queue, and without lost facts.
    pub(crate) fn can_end_any(&self, resource: &Resource, operation: &Operation) -> CanEnd {
        Ask::new(self, resource, operation).answer()
    }
}

/// A question, and the row of its operation in the table of SPEC.md.
struct Ask<'a> {
    model: &'a Model,
    resource: &'a Resource,
    operation: &'a Operation,
    /// `None` if the kind does not have the operation.
    by: Option<FreedBy>,
    units: UnitKind,
    /// The wait; `None` for a wait of any task.
    wait: Option<&'a Edge>,
    /// It needs more units than there are.
    too_much: bool,
}

impl<'a> Ask<'a> {
    fn new(model: &'a Model, resource: &'a Resource, operation: &'a Operation) -> Ask<'a> {
        let definition = resource.definition();
        let by = definition.wait(operation).map(|wait| wait.freed.by);
        Ask { model, resource, operation, by, units: definition.units, wait: None, too_much: false }
    }

    // r[can-end.too-much]
    fn is_too_much(&self, need: u64) -> bool {
        let all = match (self.by.is_some(), self.units) {
            (true, UnitKind::Permits) => self.resource.capacity,
            (true, UnitKind::Room) => self.resource.capacity.map(|capacity| capacity.max(1)),
            _ => None,
        };
        all.is_some_and(|all| need > all)
    }

    fn has_holders(&self) -> bool {
        match self.by {
            None => true,
            Some(_) => !self.too_much && self.units != UnitKind::Unknown && *self.operation != Operation::Closed,
        }
    }

    fn has_queue(&self) -> bool {
        !self.too_much && matches!(self.by, Some(FreedBy::Holder | FreedBy::Room))
    }

    /// The ends whose parties can end it.
    fn ends(&self) -> &'static [End] {
        match self.by {
            Some(FreedBy::Room) => &[End::Receiver],
            Some(FreedBy::Party(_) | FreedBy::All(_)) if *self.operation == Operation::Closed => self.other_ends(),
            Some(FreedBy::Party(End::Sender) | FreedBy::All(End::Sender)) => &[End::Sender],
            Some(FreedBy::Party(End::Receiver) | FreedBy::All(End::Receiver)) => &[End::Receiver],
            Some(FreedBy::Party(End::Joined) | FreedBy::All(End::Joined)) => &[End::Joined],
            Some(FreedBy::Holder | FreedBy::Missing | FreedBy::Anybody) | None => &[],
        }
    }

    /// The end that a task which waits for `closed` does not have.
    fn other_ends(&self) -> &'static [End] {
        // Usually a sender waits.
        let Some(wait) = self.wait else { return &[End::Receiver] };
        let has = |end: End| {
            self.edges().any(|edge| match &edge.body {
                EdgeBody::Party { role, .. } => edge.task == wait.task && end.is(role),
                _ => false,
            })
        };
        match (has(End::Sender), has(End::Receiver)) {
            (true, false) => &[End::Receiver],
            (false, true) => &[End::Sender],
            _ => &[End::Sender, End::Receiver],
        }
    }

    /// The edges of its resource. r[can-end.ended]
    fn edges(&self) -> impl Iterator<Item = &'a Edge> + use<'a> {
        let model = self.model;
        let stays = |edge: &Edge| matches!(&edge.body, EdgeBody::Party { role: PartyRole::Joined, .. });
        model
            .edges_of_resource(self.resource.id)
            .filter(move |edge| stays(edge) || model.tasks.get(&edge.task).is_some_and(|task| !has_ended(task)))
    }

    fn answer(&self) -> CanEnd {
        let mut found: Vec<(&Edge, TaskReason)> = Vec::new();
        let ends = self.ends();
        for edge in self.edges() {
            match &edge.body {
                // r[can-end.holders]
                EdgeBody::Hold { .. } if self.has_holders() => found.push((edge, TaskReason::Holder)),
                // r[can-end.parties]
                EdgeBody::Party { role, .. } if self.by.is_none() || ends.iter().any(|end| end.is(role)) => {
                    found.push((edge, TaskReason::Party(role.clone())));
                }
                _ => {}
            }
        }
        self.queue(&mut found);
        let mut others = Vec::new();
        self.others(&found, &mut others);
        let by_task = |(edge, reason): (&Edge, TaskReason)| ByTask { task: edge.task, edge: edge.id, reason };
        let mut tasks: Vec<ByTask> = found.into_iter().map(by_task).collect();
        // r[can-end.order]
        tasks.sort_unstable();
        others.sort_by_key(|other| other.reason);
        CanEnd { tasks, others }
    }

    /// Adds the waits that were granted or are ahead.
    fn queue(&self, found: &mut Vec<(&'a Edge, TaskReason)>) {
        let Some(own) = self.wait.filter(|_| self.has_queue()) else { return };
        let barging = match &self.resource.hand_off {
            Some(HandOff::Barging) => true,
            Some(HandOff::Fifo | HandOff::WriterFirst) => false,
            _ => return,
        };
        let reads = *self.operation == Operation::Read;
        let definition = self.resource.definition();
        let queue = |edge: &&Edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => {
                let same_row = definition.wait(operation).is_some_and(|wait| wait.operations.contains(self.operation));
                edge.id != own.id && same_row && (barging || !reads || *operation == Operation::Write)
            }
            _ => false,
        };
        let (granted, waiting): (Vec<&Edge>, Vec<&Edge>) =
            self.edges().filter(queue).partition(|edge| edge.waiter().granted_ns.is_some());
        let holds = |mode: HoldMode| {
            found.iter().any(|(edge, _)| matches!(&edge.body, EdgeBody::Hold { mode: of, .. } if *of == mode))
        };
        let ahead: Vec<&Edge> = match &self.resource.hand_off {
            Some(HandOff::Fifo) => {
                let ahead: Vec<&Edge> = waiting.iter().copied().filter(|it| it.since_ns <= own.since_ns).collect();
                if reads && ahead.is_empty() && granted.is_empty() && holds(HoldMode::Shared) {
                    let close = waiting.iter().copied().filter(|it| it.since_ns - own.since_ns < CLOSE_NS);
                    close.min_by_key(|it| (it.since_ns, it.id)).into_iter().collect()
                } else {
                    ahead
                }
            }
            Some(HandOff::WriterFirst) if reads && !holds(HoldMode::Exclusive) => waiting,
            _ => Vec::new(),
        };
        // r[can-end.queue.granted] r[can-end.queue.ahead]
        found.extend(granted.into_iter().map(|edge| (edge, TaskReason::Granted)));
        found.extend(ahead.into_iter().map(|edge| (edge, TaskReason::Ahead)));
    }

    fn others(&self, found: &[(&Edge, TaskReason)], others: &mut Vec<ByOther>) {
        let resource = self.resource;
        let mut add = |reason, count| others.push(ByOther { reason, count });
        // An entry with a count of 0 is left out.
        let mut add_some = |reason, count: Option<u64>| {
            if count != Some(0) {
                add(reason, count);
            }
        };
        for end in self.ends() {
            let parties =
                || found.iter().filter(|(edge, _)| matches!(&edge.body, EdgeBody::Party { role, .. } if end.is(role)));
            let exclusive = || {
                let own = parties().filter(|(edge, _)| matches!(edge.body, EdgeBody::Party { exclusive: true, .. }));
                own.count() as u64
            };
            // r[can-end.others.handles] r[party.unknown.count]
            let less = |handles: Option<u64>| handles.map(|handles| handles.saturating_sub(exclusive()));
            match end {
                End::Sender => {
                    add_some(OtherReason::Sender, less(resource.senders));
                    if *self.operation != Operation::Closed {
                        add_some(OtherReason::WeakSender, resource.weak_senders);
                    }
                }
                End::Receiver => add_some(OtherReason::Receiver, less(resource.receivers)),
                // r[can-end.others.joined]
                End::Joined => {
                    let known = parties().count() as u64;
                    let all = resource.length.unwrap_or(known.max(1));
                    add_some(OtherReason::Joined, Some(all.saturating_sub(known)));
                }
            }
        }
        let outside = self.ends().iter().filter_map(|end| match end {
            End::Sender => resource.outside_senders,
            End::Receiver => resource.outside_receivers,
            End::Joined => None,
        });
        add_some(OtherReason::Outside, Some(outside.fold(0, u64::saturating_add)));
        if self.by == Some(FreedBy::Holder) && !self.too_much {
            add_some(OtherReason::Holder, self.unknown_holders(found));
        }
        // r[can-end.others.missing]
        if self.by == Some(FreedBy::Missing) {
            let missing = resource.capacity.zip(resource.length).map(|(all, come)| all.saturating_sub(come).max(1));
            add_some(OtherReason::Missing, missing);
        }
        // r[can-end.others.transferable]
        let transferable = found.iter().filter(|(edge, _)| match &edge.body {
            EdgeBody::Hold { transferable, .. } | EdgeBody::Wait { transferable, .. } => *transferable,
            EdgeBody::Party { .. } => false,
        });
        add_some(OtherReason::Transferable, Some(transferable.count() as u64));
        // r[can-end.others.rest]
        let named = match (self.by, &resource.kind) {
            (None, _) => Some(OtherReason::Unexplained),
            (Some(FreedBy::Anybody), ResourceKind::Timer) => Some(OtherReason::Timer),
            (Some(FreedBy::Anybody), _) => Some(OtherReason::AnyCode),
            (Some(_), _) => (self.units == UnitKind::Permits).then_some(OtherReason::Permits),
        };
        named.into_iter().for_each(|reason| add_some(reason, None));
        if resource.closed_by_any {
            add_some(OtherReason::ClosedByAny, None);
        }
    }

    /// The units that no task is known to have. r[can-end.others.holder]
    fn unknown_holders(&self, found: &[(&Edge, TaskReason)]) -> Option<u64> {
        let handed = |reason: &TaskReason| *reason == TaskReason::Granted;
        let keeps = self.resource.hand_off != Some(HandOff::Barging);
        let known = found.iter().any(|(_, reason)| *reason == TaskReason::Holder || handed(reason));
        // A task waits, so the resource has at least one holder.
        let least = u64::from(!known);
        let units = |permits: bool| {
            let of = found.iter().map(|(edge, reason)| match &edge.body {
                EdgeBody::Hold { units, .. } => {
                    if permits {
                        *units
                    } else {
                        1
                    }
                }
                EdgeBody::Wait { need, .. } if handed(reason) && keeps => {
                    if permits {
                        *need
                    } else {
                        1
                    }
                }
                _ => 0,
            });
            of.fold(0, u64::saturating_add)
        };
        let is_exclusive = |edge: &Edge| matches!(edge.body, EdgeBody::Hold { mode: HoldMode::Exclusive, .. });
        match self.units {
            UnitKind::ReadWriteLock if found.iter().any(|(edge, _)| is_exclusive(edge)) => Some(0),
            UnitKind::ReadWriteLock => self.resource.length.map(|all| all.saturating_sub(units(false)).max(least)),
            UnitKind::Permits => self.resource.length.map(|all| all.saturating_sub(units(true))),
            UnitKind::Lock | UnitKind::Room | UnitKind::Unknown => Some(least),
        }
    }
}
