//! The waits of a task, and whether it can make progress without them.

use crate::operation::is_hard;
use crate::resource_kind::{Definition, FreedBy};
use crate::{Edge, EdgeBody, Model, Task};
use insight_protocol::{Capability, EdgeId, Operation, ResourceId, TaskState};

pub(crate) use crate::resource_kind::End;

/// Minimum age of the wait of a partial task, in settle times: nothing but its waits is observed.
const PARTIAL_SETTLES: u64 = 4;

/// Minimum age of the wait of a task with a foreign waker, in settle times, without a poll: 5 s by default.
///
/// Usually something wakes such a task, and it makes progress or waits again. A task with a socket, such as the task of a
/// connection that runs a handler, keeps that waker in all its waits. So we look at such a task only when all its waits are
/// of a kind that does not last in a healthy program, and only after the time for which a lock may be held without a report. An
/// observed timer is a wait of its own, and always a way out.
const FOREIGN_SETTLES: u64 = 10;

/// The facts that end a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Want {
    /// Any one task that has this end of the resource ends it.
    Party(End),
    /// All tasks that have this end of the resource end it together, when they give it up.
    All(End),
    /// Units of the resource end it: a lock, permits, room in a channel.
    Units,
}

/// An operation of a task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) edge: EdgeId,
    pub(crate) resource: ResourceId,
    pub(crate) want: Want,
    /// Number of units, if it wants units.
    pub(crate) need: i128,
    /// The task polls it. If it does not, the end of this wait does not unblock the task.
    pub(crate) polled: bool,
}

/// The waits of a task that does not make progress by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    /// An unknown may unblock the task.
    pub(crate) unsure: bool,
    /// At least one of them is polled.
    pub(crate) pending: Vec<Pending>,
}

/// The verdict on a task by its own facts.
pub(crate) enum Verdict {
    /// It can make progress, or too little is known. That may change at `until_ns`.
    Progresses { until_ns: Option<u64> },
    /// It cannot make progress unless one of these waits ends.
    Waits(Waits),
}

/// The minimum age of facts, and the facts that the producer does not observe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) settle_ns: u64,
    /// The producer does not observe foreign wakers, or facts were lost.
    pub(crate) blind: bool,
    /// Take the foreign wakers of a task without known awaits as outdated.
    pub(crate) doubts_wakers: bool,
}

impl Rules {
    pub(crate) fn new(model: &Model, settle_ns: u64) -> Rules {
        Rules { settle_ns, blind: blind_to_wakers(model) || model.facts_lost(), doubts_wakers: false }
    }

    /// Whether something that we do not observe has a waker of the task, and one of its awaits may use it.
    pub(crate) fn has_used_foreign_waker(&self, model: &Model, task: &Task) -> bool {
        let is_doubted = || self.doubts_wakers && !model.has_own_awaits(task.id);
        has_foreign_waker(task) && !model.has_outdated_wakers(task.id) && !is_doubted()
    }

    /// The time until which a fact is too young to count; `None` if it counts.
    ///
    /// The facts of two tasks are not read at the same moment, so a young fact may be half of a change. Facts that have lasted
    /// until the last heartbeat were all true at that moment.
    pub(crate) fn young_until(&self, model: &Model, since_ns: u64) -> Option<u64> {
        young_until(model, since_ns, self.settle_ns)
    }

    pub(crate) fn verdict(&self, model: &Model, task: &Task) -> Verdict {
        const PROGRESSES: Verdict = Verdict::Progresses { until_ns: None };
        if task.edges.is_empty() || has_ended(task) {
            // It waits for something that we do not observe, or it never waits again.
            return PROGRESSES;
        }
        let foreign = has_foreign_waker(task);
        let used = foreign && self.has_used_foreign_waker(model, task);
        let settles = if used { FOREIGN_SETTLES } else { 1 };
        let settle_ns = match task.state() {
            // Only the waits of a partial task are observed: it may run, or something else may unblock it.
            None | Some(TaskState::Idle) if task.origin.partial => {
                self.settle_ns.saturating_mul(PARTIAL_SETTLES.max(settles))
            }
            Some(TaskState::Idle) => {
                let settle_ns = self.settle_ns.saturating_mul(settles);
                if let Some(until_ns) = young_until(model, task.since_ns(), settle_ns) {
                    return Verdict::Progresses { until_ns: Some(until_ns) };
                }
                settle_ns
            }
            // It runs, will run, or is not observed.
            _ => return PROGRESSES,
        };
        let mut pending = Vec::new();
        for wait in task.edges.iter().filter_map(|edge| model.edges.get(&edge)) {
            let EdgeBody::Wait { operation, need, .. } = &wait.body else { continue };
            let waiter = wait.waiter();
            let polled = waiter.polled != Some(false);
            if polled {
                // The wait was granted, though its task has not polled it yet.
                if waiter.granted_ns.is_some() {
                    return PROGRESSES;
                }
                // An operation that was polled with another waker is one of several, such as those of a `FuturesUnordered`.
                if used && !(waiter.polled == Some(true) && is_hard(operation)) {
                    return PROGRESSES;
                }
                if let Some(until_ns) = young_until(model, wait.since_ns, settle_ns) {
                    return Verdict::Progresses { until_ns: Some(until_ns) };
                }
                if *operation == Operation::Closed && has_only_a_receiver(model, task, wait.resource) {
                    return PROGRESSES;
                }
            }
            let kind = model.resources.get(&wait.resource).map(|resource| resource.definition());
            match kind.and_then(|kind| Some((want(kind, operation)?, kind.units.need(operation, *need)))) {
                Some((want, need)) => {
                    let Edge { id: edge, resource, .. } = *wait;
                    pending.push(Pending { edge, resource, want, need, polled });
                }
                None if polled => return PROGRESSES,
                None => {}
            }
        }
        if !pending.iter().any(|wait| wait.polled) {
            return PROGRESSES;
        }
        Verdict::Waits(Waits { unsure: task.origin.partial || foreign || self.blind, pending })
    }

    /// Whether nothing can wake the task any more: its last waker was dropped, and none of its waits is polled. An error is the
    /// time from which on the answer may be yes. A future that never took a waker, such as `pending()`, is not meant.
    pub(crate) fn is_lost(&self, model: &Model, task: &Task) -> Result<bool, u64> {
        let Some(stats) = task.packed().filter(|stats| stats.lost_waker && !stats.foreign_wakers) else {
            return Ok(false);
        };
        if self.blind || task.origin.partial || task.outcome().is_some() || stats.state != Some(TaskState::Idle) {
            return Ok(false);
        }
        let polled = |edge: &Edge| match &edge.body {
            EdgeBody::Wait { .. } => edge.waiter().polled != Some(false),
            _ => false,
        };
        if task.edges.iter().filter_map(|edge| model.edges.get(&edge)).any(polled) {
            return Ok(false);
        }
        // The stream does not say since when; we count from the first report.
        self.young_until(model, stats.at_ns().max(stats.since_ns)).map_or(Ok(true), Err)
    }
}

fn young_until(model: &Model, since_ns: u64, settle_ns: u64) -> Option<u64> {
    (model.told_ns.saturating_sub(since_ns) < settle_ns).then(|| since_ns.saturating_add(settle_ns))
}

/// The facts that end a wait for this kind of resource; `None` if no task is known to end it.
fn want(kind: &Definition, operation: &Operation) -> Option<Want> {
    match kind.wait(operation)?.freed.by {
        FreedBy::Holder | FreedBy::Room => Some(Want::Units),
        FreedBy::Party(end) => Some(Want::Party(end)),
        FreedBy::All(end) => Some(Want::All(end)),
        // We do not know the tasks that have not come yet, or that may send a signal.
        FreedBy::Missing | FreedBy::Anybody => None,
    }
}

/// Whether the task has a receiver of the channel and no sender, as far as it was observed. Its wait for `closed` ends with the
/// senders, and the definitions of the kinds are about the receivers.
fn has_only_a_receiver(model: &Model, task: &Task, channel: ResourceId) -> bool {
    let has = |end: End| {
        model.edges_of_task(task.id).any(|edge| match &edge.body {
            EdgeBody::Party { role, .. } => edge.resource == channel && end.is(role),
            _ => false,
        })
    };
    has(End::Receiver) && !has(End::Sender)
}

/// Whether the producer does not observe the wakers that a timer or a socket holds. Then `foreign_wakers: 0` says nothing.
/// A model without a header is the producer's own.
pub(crate) fn blind_to_wakers(model: &Model) -> bool {
    model.header.as_ref().is_some_and(|header| !header.capabilities.contains(&Capability::ForeignWakers))
}

/// Whether something that we do not observe may wake the task.
pub(crate) fn has_foreign_waker(task: &Task) -> bool {
    task.packed().is_some_and(|stats| stats.foreign_wakers) && !has_ended(task)
}

/// Whether the task has ended, or will be reported as ended soon.
pub(crate) fn has_ended(task: &Task) -> bool {
    task.state() == Some(TaskState::Completed)
}
