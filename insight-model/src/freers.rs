use crate::can_end::{ByOther, OtherReason};
use crate::resource_kind::FreedBy;
use crate::{EdgeBody, Model, Resource};
use insight_protocol::{EdgeId, Operation, PartyRole, TaskId};

/// A task that can unblock a wait, and its edge as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freer {
    /// The task.
    pub task: TaskId,
    /// Its hold or party edge.
    pub edge: EdgeId,
    /// Only this task can use the edge: an exclusive handle, a guard that cannot have moved, a join.
    pub certain: bool,
}

/// The tasks that can unblock any task that waits for a resource with one operation.
///
/// This is the answer of [`Model::can_end`] without the parts that depend on the wait: its place in the queue, the number of units
/// that it needs, and the end of the channel that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freers {
    /// The known tasks.
    pub known: Vec<Freer>,
    /// The ways in which other code can do it.
    pub others: Vec<ByOther>,
    /// Number of handles, holds or units without a known task.
    pub unknown: u64,
    /// A description of the unknown ones, such as "sender that any code may use".
    pub unknown_what: &'static str,
    /// The unknown ones have no number. `unknown` is then 1.
    pub anybody: bool,
}

impl Freers {
    /// Whether every task that can do it is known and certain.
    pub fn certain(&self) -> bool {
        self.unknown == 0 && self.known.iter().all(|freer| freer.certain)
    }

    /// Whether other code can do it in this way.
    pub fn has(&self, reason: OtherReason) -> bool {
        self.others.iter().any(|other| other.reason == reason)
    }
}

impl Model {
    /// Returns the tasks that can unblock a task which waits for `resource` with `operation`.
    pub fn freers(&self, resource: &Resource, operation: &Operation) -> Freers {
        let answer = self.can_end_any(resource, operation);
        let certain = |edge: EdgeId| match self.edges.get(&edge).map(|edge| &edge.body) {
            // Only the joined task itself can end a join.
            Some(EdgeBody::Party { role, exclusive }) => *exclusive || *role == PartyRole::Joined,
            Some(EdgeBody::Hold { transferable, .. } | EdgeBody::Wait { transferable, .. }) => !transferable,
            None => false,
        };
        let freer = |task, edge| Freer { task, edge, certain: certain(edge) };
        let known: Vec<Freer> = answer.tasks.iter().map(|by| freer(by.task, by.edge)).collect();
        let unknown = answer.others.iter().map(|other| match other.reason {
            OtherReason::Sender
            | OtherReason::Receiver
            | OtherReason::Holder
            | OtherReason::Joined
            | OtherReason::Missing => other.count.unwrap_or(1),
            OtherReason::AnyCode | OtherReason::Timer | OtherReason::Unexplained => 1,
            // Without a number, there need not be one.
            OtherReason::WeakSender => other.count.unwrap_or(0),
            // These are counted above, or are no handles, holds or units.
            OtherReason::Outside
            | OtherReason::Transferable
            | OtherReason::Permits
            | OtherReason::ClosedByAny
            | OtherReason::Gap => 0,
        });
        let unknown = unknown.fold(0, u64::saturating_add);
        let freed = resource.definition().freed(operation);
        Freers {
            known,
            others: answer.others,
            unknown,
            unknown_what: freed.unknown,
            anybody: freed.by == FreedBy::Anybody,
        }
    }
}
