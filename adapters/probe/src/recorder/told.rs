//! What was told, as messages.

use super::{Recorder, ResourceEntry};
use crate::clock;
use crate::raw::{Place, RawRelation, RawResourceMeta, RawUpdate, Told};
use crate::task::TaskCell;
use insight_protocol::*;
use std::collections::BTreeSet;

impl Recorder {
    pub(super) fn told(&mut self, told: Told, at_ns: u64, out: &mut Vec<Message>) {
        match told {
            Told::Resource(id, meta) => self.told_resource(id, meta, out),
            Told::Update(id, update) => self.told_update(id, update, at_ns, out),
            Told::Edge { edge, task, resource, relation, since } => {
                // What it was opened on may be known only since a later time, such as the first wait on a lock.
                let created_ns = self.resources.get(&resource).map_or(0, |entry| entry.created_ns);
                self.told_edge(edge, task, resource, relation, clock::time_ns(since.0).max(created_ns), out);
            }
        }
    }

    fn told_resource(&mut self, id: u64, meta: RawResourceMeta, out: &mut Vec<Message>) {
        if id < self.recorded_from {
            return;
        }
        let created = ResourceCreated {
            id: ResourceId(id),
            kind: meta.kind,
            name: meta.name.map(|name| self.interned.string(&name, out)),
            location: meta.place.map(|place| self.interned.place(&place, out)),
            task: (meta.task != 0).then_some(TaskId(meta.task)),
            capacity: meta.capacity.filter(|capacity| *capacity <= MAX_ID),
            hand_off: None,
            closed_by_any: false,
            at_ns: clock::time_ns(meta.at.0),
        };
        let state = ResourceUpdated { id: ResourceId(id), capacity: created.capacity, ..ResourceUpdated::default() };
        let entry = ResourceEntry {
            cell: None,
            made_for: None,
            named: true,
            created_ns: created.at_ns,
            state,
            hold: None,
            holds: BTreeSet::new(),
            edges: EdgeSet::default(),
            waits: 0,
        };
        out.push(created.into());
        self.resources.insert(id, entry);
    }

    fn told_update(&mut self, id: u64, update: RawUpdate, at_ns: u64, out: &mut Vec<Message>) {
        if !self.resources.contains_key(&id) {
            return;
        }
        let in_range = |count: Option<u64>| count.filter(|count| *count <= MAX_ID);
        let updated = ResourceUpdated {
            id: ResourceId(id),
            name: update.name.map(|name| self.interned.string(&name, out)),
            length: in_range(update.length),
            senders: in_range(update.senders),
            weak_senders: in_range(update.weak_senders),
            receivers: in_range(update.receivers),
            at_ns,
            ..ResourceUpdated::default()
        };
        out.push(updated.into());
    }

    fn told_edge(
        &mut self,
        edge: u64,
        task: u64,
        resource: u64,
        relation: RawRelation,
        since_ns: u64,
        out: &mut Vec<Message>,
    ) {
        let (id, task_id, resource_id) = (EdgeId(edge), TaskId(task), ResourceId(resource));
        let exclusive_party = matches!(relation, RawRelation::Party(_, true));
        let joined = matches!(&relation, RawRelation::Party(PartyRole::Joined, _));
        let place = |recorder: &mut Recorder, place: Option<Place>, out: &mut Vec<Message>| {
            place.map(|place| recorder.interned.place(&place, out))
        };
        let message: Message = match relation {
            RawRelation::Wait(operation, reason, need, at) => EdgeWait {
                id,
                task: task_id,
                resource: resource_id,
                operation,
                reason: self.interned.string(&reason, out),
                need: need.min(MAX_ID),
                location: place(self, at, out),
                since_ns,
            }
            .into(),
            RawRelation::Hold(mode, units, transferable, at) => EdgeHold {
                id,
                task: task_id,
                resource: resource_id,
                mode,
                units: units.min(MAX_ID),
                transferable,
                location: place(self, at, out),
                since_ns,
            }
            .into(),
            RawRelation::Party(role, exclusive) => {
                EdgeParty { id, task: task_id, resource: resource_id, role, exclusive, since_ns }.into()
            }
        };
        if self.open_edge(edge, task, resource, message, out) {
            if let Some(entry) = self.tasks.get_mut(&task) {
                if joined {
                    entry.parties().joined.insert(edge);
                } else if exclusive_party {
                    entry.parties().exclusive.insert(edge);
                }
            }
        }
    }

    /// Where the task was spawned, if that is known.
    pub(super) fn spawned_at(&mut self, cell: &TaskCell, out: &mut Vec<Message>) -> Option<LocationId> {
        match cell.told() {
            Some(told) => told.place.as_ref().map(|place| self.interned.place(place, out)),
            // Where a partial task was spawned is not known: its meta has where it was first seen.
            None => (!cell.partial).then(|| self.interned.location(cell.location, out)),
        }
    }
}
