//! The tasks that have one end of a resource, and whether they can end a wait.

use super::grounds::{Role, WaitingTasks};
use super::look::Look;
use crate::resource_kind::{End, UnitKind};
use crate::wants::Want;
use crate::{EdgeBody, Resource, Waiter};
use insight_protocol::{Operation, TaskId, Tier};

/// The parties of one end of a resource.
pub(crate) struct Parties {
    /// Number of known parties whose task has not ended.
    pub(crate) known: usize,
    /// Number of further parties that exist or may exist.
    pub(crate) unknown: u64,
    /// The way in which a wait for them ends; `None` if all known parties are stuck.
    pub(crate) way: Option<Way>,
}

/// The way in which a wait for parties ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By an unknown, or by a fact that is too young to count.
    Seed,
    /// By this task, which makes progress.
    Task(TaskId),
    /// By all of them: all make progress.
    All,
    /// No party is known.
    Nobody,
}

impl Parties {
    /// The parties that a wait wants.
    pub(crate) fn wanted(waiting: &WaitingTasks, look: &Look, resource: &Resource, want: Want) -> Parties {
        let (end, all) = match want {
            Want::Party(end) => (end, false),
            Want::All(end) => (end, true),
            Want::Units => return Parties { known: 0, unknown: 0, way: None },
        };
        let place = if want == Want::Party(End::Sender) { may_get_a_place(waiting, look, resource) } else { None };
        if let Some(may_get_a_place) = place {
            // A sender without a place can only give up, and all the others must do so too.
            let mut parties = Parties::of(waiting, look, resource, end, !may_get_a_place);
            if let Some(Way::Task(_)) = parties.way {
                // It also rests on the tasks that have the places.
                parties.way = Some(Way::All);
            }
            return parties;
        }
        let mut parties = Parties::of(waiting, look, resource, end, all);
        if parties.way.is_none() && may_close(waiting, look, resource, end) {
            parties.way = Some(Way::All);
        }
        parties
    }

    /// The parties of this end. With `all`, a wait ends only if all of them give it up.
    fn of(waiting: &WaitingTasks, look: &Look, resource: &Resource, end: End, all: bool) -> Parties {
        let mut parties = Parties { known: 0, unknown: 0, way: None };
        let outside = match end {
            End::Sender => resource.outside_senders,
            End::Receiver => resource.outside_receivers,
            End::Joined => None,
        };
        if !all && outside.is_some_and(|outside| outside > 0) {
            // A thread has it, and we know of nothing that stops a thread.
            return Parties { known: 1, unknown: 0, way: Some(Way::Seed) };
        }
        let (mut handles, mut ended, mut unsure, mut kept) = (0, 0, false, false);
        for edge in look.model.edges_of_resource(resource.id) {
            let certain = match &edge.body {
                EdgeBody::Party { role, exclusive } if end.is(role) => {
                    handles += 1;
                    *exclusive || end == End::Joined
                }
                _ => continue,
            };
            let role = waiting.role(look, edge.task);
            // The handle of an ended task may have moved to another task. But the end of a task ends a join.
            if role == Role::Ended && end != End::Joined {
                ended += 1;
                unsure = true;
                continue;
            }
            parties.known += 1;
            unsure |= !certain;
            if all {
                let keeps = role == Role::Stuck && (certain || look.tier == Tier::Suspected);
                kept |= keeps && !look.is_young(edge.since_ns);
                continue;
            }
            if role == Role::Seed {
                parties.way = Some(Way::Task(edge.task));
                return parties;
            }
            // A task that has only just got its handle has not settled.
            if role == Role::Ended || look.is_young(edge.since_ns) {
                parties.way = Some(Way::Seed);
                return parties;
            }
            if role == Role::Unblocked && parties.way.is_none() {
                parties.way = Some(Way::Task(edge.task));
            }
        }
        parties.unknown = match end {
            // If the number of handles is unknown, at least one may be anywhere.
            End::Sender => {
                let known = resource.senders.map_or(1, |senders| senders.saturating_sub(handles));
                known.saturating_add(resource.weak_senders.unwrap_or(0))
            }
            End::Receiver => resource.receivers.map_or(1, |receivers| receivers.saturating_sub(handles)),
            End::Joined => resource.length.unwrap_or(1).saturating_sub(handles),
        };
        parties.unknown = parties.unknown.saturating_add(ended);
        if parties.known == 0 {
            parties.way = Some(Way::Nobody);
        } else if all {
            parties.way = (!kept).then_some(Way::All);
        } else if look.tier == Tier::Proven && (unsure || parties.unknown > 0) {
            parties.way = Some(Way::Seed);
        }
        parties
    }
}

/// Whether a party of the other end may close a channel. Any code that has an end can do so, so nothing is proven then. But
/// nothing says that the channel will be closed, so in the second pass this is no way out.
pub(crate) fn may_close(waiting: &WaitingTasks, look: &Look, resource: &Resource, end: End) -> bool {
    let other = match end {
        End::Sender => End::Receiver,
        End::Receiver => End::Sender,
        End::Joined => return false,
    };
    if !resource.closed_by_any || look.tier == Tier::Suspected {
        return false;
    }
    let parties = Parties::of(waiting, look, resource, other, false);
    parties.unknown > 0 || parties.way.is_some_and(|way| way != Way::Nobody)
}

/// Whether one of the places of a full channel may become free; `None` if the channel is not full.
fn may_get_a_place(waiting: &WaitingTasks, look: &Look, resource: &Resource) -> Option<bool> {
    let (capacity, length) = resource.capacity.zip(resource.length)?;
    if resource.definition().units != UnitKind::Room || length < capacity || capacity == 0 {
        return None;
    }
    let mut kept = 0;
    for edge in look.model.edges_of_resource(resource.id) {
        let (units, certain) = match &edge.body {
            EdgeBody::Hold { units, transferable, .. } => (*units, !transferable),
            EdgeBody::Wait { operation: Operation::Send | Operation::Reserve, need, .. }
                if matches!(edge.waiter(), Waiter { granted_ns: Some(_), polled: Some(false), .. }) =>
            {
                (*need, true)
            }
            _ => continue,
        };
        let keeps = waiting.role(look, edge.task) == Role::Stuck && (certain || look.tier == Tier::Suspected);
        if keeps && !look.is_young(edge.since_ns) {
            kept += units;
        }
    }
    Some(kept < length)
}
