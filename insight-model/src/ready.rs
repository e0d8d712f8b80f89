//! Waits that could end now, by the facts of their resource alone.

use crate::{Edge, EdgeBody, Model, Resource};
use insight_protocol::{Operation, TaskId};

impl Model {
    /// Whether the facts of a resource show that a wait of the task could end now, though nothing woke the task for it. It may be
    /// so for a moment. If it stays so, a wake was lost.
    pub fn has_ready_wait(&self, id: TaskId) -> bool {
        self.waits_of_task(id).into_iter().any(|wait| self.is_ready(wait))
    }

    fn is_ready(&self, wait: &Edge) -> bool {
        let EdgeBody::Wait { operation, need, .. } = &wait.body else { return false };
        let Some(resource) = self.resources.get(&wait.resource) else { return false };
        let waiter = wait.waiter();
        if waiter.granted_ns.is_some() || waiter.polled == Some(false) || !self.is_first(wait) {
            return false;
        }
        let holds =
            || self.edges_of_resource(resource.id).filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })).count();
        match operation {
            Operation::Lock | Operation::Read | Operation::Write => holds() == 0 && resource.length.unwrap_or(0) == 0,
            Operation::Acquire | Operation::Send | Operation::Reserve => has_room(resource, *need),
            Operation::Recv => resource.length.is_some_and(|length| length > 0),
            _ => false,
        }
    }

    /// Whether no other wait for the resource was granted, or began earlier.
    fn is_first(&self, wait: &Edge) -> bool {
        let waits = self.edges_of_resource(wait.resource).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
        let mut others = waits.filter(|edge| edge.id != wait.id);
        others.all(|other| other.waiter().granted_ns.is_none() && other.since_ns > wait.since_ns)
    }
}

fn has_room(resource: &Resource, need: u64) -> bool {
    let known = resource.capacity.zip(resource.length);
    known.is_some_and(|(capacity, length)| length.saturating_add(need) <= capacity)
}
