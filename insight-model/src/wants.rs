//! What a task waits for, and whether it may go on without it.

use crate::operation::is_hard;
use crate::resource_kind::{Definition, FreedBy};
use crate::{Edge, EdgeBody, Model, Task, units};
use insight_protocol::{Capability, EdgeId, Operation, ResourceId, TaskState};

pub(crate) use crate::resource_kind::End;

/// For how many times the settle time the wait of a partial task must have stood: of such a task nothing else is seen.
const PARTIAL_SETTLES: u64 = 4;

/// For how many times the settle time a task with a foreign waker must have waited, without a poll: 5 s where nothing else
/// is asked for.
///
/// Most often something wakes it, and then it goes on, or waits anew. Who has a socket beside it, such as the task of a
/// connection that runs a handler, keeps that waker however it waits. So such a task is looked at only when all that it
/// waits for is of a kind that does not last in a healthy program, and when it has been so for as long as a lock may be
/// held before that is said. A timer that is seen is a wait by itself, and a way out at any time.
const FOREIGN_SETTLES: u64 = 10;

/// By what a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Want {
    /// Any one who has this of the resource can end it.
    Party(End),
    /// All who have this of the resource together, by giving it up.
    All(End),
    /// Units of the resource: a lock, permits, room in a channel.
    Units,
}

/// An operation of a task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) edge: EdgeId,
    pub(crate) resource: ResourceId,
    pub(crate) want: Want,
    /// Of units.
    pub(crate) need: i128,
    /// One that its task no longer polls does not let it go on.
    pub(crate) polled: bool,
}

/// A task that waits and does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    /// Something that is not known may let it go on.
    pub(crate) unsure: bool,
    /// At least one of them is polled.
    pub(crate) pending: Vec<Pending>,
}

/// What is known of a task by itself.
pub(crate) enum Verdict {
    /// It can go on, or so little is known that nothing can be said; from some time on that may be otherwise.
    GoesOn { until_ns: Option<u64> },
    /// It cannot: only what it waits for lets it.
    Waits(Waits),
}

/// How long facts must have stood, and what the producer does not see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) settle_ns: u64,
    /// Whether a timer or a socket may wake a task is not seen, or facts were lost.
    pub(crate) blind: bool,
}

impl Rules {
    pub(crate) fn new(model: &Model, settle_ns: u64) -> Rules {
        Rules { settle_ns, blind: blind_to_wakers(model) || model.facts_lost() }
    }

    /// Until when a fact is too young to count; `None` for one that is not.
    ///
    /// What is read of one task and what is read of another is not read at once: what has not stood for a while may be
    /// half of a change. What has stood until everything was told has stood all at the same time.
    pub(crate) fn young_until(&self, model: &Model, since_ns: u64) -> Option<u64> {
        young_until(model, since_ns, self.settle_ns)
    }

    pub(crate) fn verdict(&self, model: &Model, task: &Task) -> Verdict {
        const GOES_ON: Verdict = Verdict::GoesOn { until_ns: None };
        if task.edges.is_empty() || has_ended(task) {
            // It waits for something that is not seen, or for nothing ever again.
            return GOES_ON;
        }
        let foreign = has_foreign_waker(task);
        let settles = if foreign { FOREIGN_SETTLES } else { 1 };
        let settle_ns = match task.state() {
            // Of a partial task only the waits are seen: it may run, or have another way to go on.
            None | Some(TaskState::Idle) if task.partial => self.settle_ns.saturating_mul(PARTIAL_SETTLES.max(settles)),
            Some(TaskState::Idle) => {
                let settle_ns = self.settle_ns.saturating_mul(settles);
                if let Some(until_ns) = young_until(model, task.since_ns(), settle_ns) {
                    return Verdict::GoesOn { until_ns: Some(until_ns) };
                }
                settle_ns
            }
            // Runs, will run, or is not seen.
            _ => return GOES_ON,
        };
        let mut pending = Vec::new();
        for wait in task.edges.iter().filter_map(|edge| model.edges.get(&edge)) {
            let EdgeBody::Wait { operation, need, .. } = &wait.body else { continue };
            let waiter = wait.waiter();
            let polled = waiter.polled != Some(false);
            if polled {
                // What it was granted it has, though nobody has looked yet.
                if waiter.granted_ns.is_some() {
                    return GOES_ON;
                }
                // What is polled with another waker is one of many parts, such as those of a `FuturesUnordered`.
                if foreign && !(waiter.polled == Some(true) && is_hard(operation)) {
                    return GOES_ON;
                }
                if let Some(until_ns) = young_until(model, wait.since_ns, settle_ns) {
                    return Verdict::GoesOn { until_ns: Some(until_ns) };
                }
            }
            let kind = model.resources.get(&wait.resource).map(|resource| resource.definition());
            match kind.and_then(|kind| Some((want(kind, operation)?, units::need(kind.units, operation, *need)))) {
                Some((want, need)) => {
                    let Edge { id: edge, resource, .. } = *wait;
                    pending.push(Pending { edge, resource, want, need, polled });
                }
                None if polled => return GOES_ON,
                None => {}
            }
        }
        if !pending.iter().any(|wait| wait.polled) {
            return GOES_ON;
        }
        Verdict::Waits(Waits { unsure: task.partial || foreign || self.blind, pending })
    }

    /// Whether nothing is left that could wake the task: the last of its wakers was dropped, and none of its waits is
    /// polled. What never took a waker waits for ever on purpose.
    pub(crate) fn is_lost(&self, model: &Model, task: &Task) -> Result<bool, u64> {
        let Some(stats) = task.packed().filter(|stats| stats.lost_waker && !stats.foreign_wakers) else {
            return Ok(false);
        };
        if self.blind || task.partial || task.outcome().is_some() || stats.state != Some(TaskState::Idle) {
            return Ok(false);
        }
        let polled = |edge: &Edge| match &edge.body {
            EdgeBody::Wait { .. } => edge.waiter().polled != Some(false),
            _ => false,
        };
        if task.edges.iter().filter_map(|edge| model.edges.get(&edge)).any(polled) {
            return Ok(false);
        }
        // Since when it is so is not told, but it is when it is first told.
        self.young_until(model, stats.at_ns().max(stats.since_ns)).map_or(Ok(true), Err)
    }
}

fn young_until(model: &Model, since_ns: u64, settle_ns: u64) -> Option<u64> {
    (model.told_ns.saturating_sub(since_ns) < settle_ns).then(|| since_ns.saturating_add(settle_ns))
}

/// How a wait for this kind of resource ends; `None` if no task can be named that ends it.
fn want(kind: &Definition, operation: &Operation) -> Option<Want> {
    match kind.wait(operation)?.freed.by {
        FreedBy::Holder | FreedBy::Room => Some(Want::Units),
        FreedBy::Party(end) => Some(Want::Party(end)),
        FreedBy::All(end) => Some(Want::All(end)),
        // The tasks that have not come, or that may give a signal, are not known.
        FreedBy::Missing | FreedBy::Anybody => None,
    }
}

/// The producer does not tell whether a timer or a socket may wake a task, so `foreign_wakers: 0` says nothing.
/// A model without a header is the producer's own.
pub(crate) fn blind_to_wakers(model: &Model) -> bool {
    model.header.as_ref().is_some_and(|header| !header.capabilities.contains(&Capability::ForeignWakers))
}

/// Whether something that is not seen may wake it.
pub(crate) fn has_foreign_waker(task: &Task) -> bool {
    task.packed().is_some_and(|stats| stats.foreign_wakers) && !has_ended(task)
}

/// Whether it has ended, or is about to be reported so.
pub(crate) fn has_ended(task: &Task) -> bool {
    task.state() == Some(TaskState::Completed)
}
