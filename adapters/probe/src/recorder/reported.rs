//! Facts reported by explicit calls (`RawTask` and others), as messages.

use super::ledger::{Ledger, ResourceEntry};
use crate::clock;
use crate::raw::{RawRelation, RawResourceMeta, RawUpdate, Reported};
use crate::resource_cell::in_range;
use insight_protocol::*;

impl Ledger {
    pub(super) fn reported(&mut self, reported: Reported, at_ns: u64) {
        match reported {
            Reported::Resource(id, meta) => self.reported_resource(id, meta),
            Reported::Update(id, update) => self.reported_update(id, update, at_ns),
            Reported::Edge { edge, task, resource, relation, since } => {
                // The resource may be known only since a later time, such as the first wait on a lock.
                let created_ns = self.resources.get(&resource).map_or(0, |entry| entry.created_ns);
                self.reported_edge(edge, task, resource, relation, clock::time_ns(since.0).max(created_ns));
            }
        }
    }

    fn reported_resource(&mut self, id: u64, meta: RawResourceMeta) {
        if id < self.recorded_from {
            return;
        }
        let created = with!(
            ResourceCreated::new(ResourceId(id), meta.kind, clock::time_ns(meta.at.0)),
            name = meta.name.map(|name| self.stream.raw_string(&name)),
            location = meta.place.and_then(|place| self.stream.raw_location(&place)),
            task = (meta.task != 0).then_some(TaskId(meta.task)),
            capacity = in_range(meta.capacity)
        );
        let state = with!(ResourceUpdated::default(), id = ResourceId(id), capacity = created.capacity);
        let entry = ResourceEntry::new(created.at_ns, state);
        self.stream.push(created);
        self.resources.insert(id, entry);
    }

    fn reported_update(&mut self, id: u64, update: RawUpdate, at_ns: u64) {
        if !self.resources.contains_key(&id) {
            return;
        }
        let updated = with!(
            ResourceUpdated::default(),
            id = ResourceId(id),
            name = update.name.map(|name| self.stream.raw_string(&name)),
            length = in_range(update.length),
            senders = in_range(update.senders),
            weak_senders = in_range(update.weak_senders),
            receivers = in_range(update.receivers),
            at_ns
        );
        self.stream.push(updated);
    }

    fn reported_edge(&mut self, edge: u64, task: u64, resource: u64, relation: RawRelation, since_ns: u64) {
        let (id, task_id, resource_id) = (EdgeId(edge), TaskId(task), ResourceId(resource));
        let message: Message = match relation {
            RawRelation::Wait(operation, reason, need, at) => with!(
                EdgeWait::new(
                    id,
                    task_id,
                    resource_id,
                    operation,
                    self.stream.raw_string(&reason),
                    need.min(MAX_ID),
                    since_ns
                ),
                location = at.and_then(|at| self.stream.raw_location(&at))
            )
            .into(),
            RawRelation::Hold(mode, units, transferable, at) => with!(
                EdgeHold::new(id, task_id, resource_id, mode, units.min(MAX_ID), since_ns),
                transferable,
                location = at.and_then(|at| self.stream.raw_location(&at))
            )
            .into(),
            RawRelation::Party(role, exclusive) => {
                let party = EdgeParty::new(id, task_id, resource_id, role, exclusive, since_ns);
                return self.open_party(party);
            }
        };
        self.open_edge(edge, task, resource, message);
    }
}
