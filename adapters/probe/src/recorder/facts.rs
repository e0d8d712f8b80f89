//! The effects of each recorded fact.

use super::ledger::{Ledger, ResourceEntry, TaskEntry};
use crate::cell_ref::CellRef;
use crate::fact::{Fact, Spawn, TaskEnd};
use crate::resource_cell::{Definition, HandOff, ResourceCell, count, in_range};
use crate::ring::{Cell, Read};
use crate::{clock, ids, order, origin};
use insight_protocol::*;
use std::sync::Arc;

impl Ledger {
    pub(super) fn record(&mut self, read: Read) {
        let at_ns = clock::time_ns(read.ticks);
        if read.fact.introduces().is_some_and(|id| id < self.recorded_from) {
            return;
        }
        match read.fact {
            Fact::TaskSpawned(spawn) => match read.cell {
                Cell::Here(cell) => self.task_spawned(spawn.task, cell),
                Cell::TakenBack(executor_task_id) => self.short_task_spawned(&spawn, executor_task_id, at_ns),
                Cell::None => {}
            },
            Fact::TaskCompleted { task, end } => {
                self.sample_hold_that_outlives(task);
                let Some(entry) = self.tasks.remove(&task) else { return };
                let waits = entry.waits.as_slice().iter().filter_map(|wait| wait.edge());
                waits.for_each(|edge| self.close_edge(edge, None, at_ns));
                let joined = entry.parties.iter().flat_map(|parties| &parties.joined);
                joined.for_each(|edge| self.close_edge(*edge, None, at_ns));
                let panicked = end == TaskEnd::Panicked;
                let panic = if panicked { self.panics.remove(&task).map(String::from) } else { None };
                self.stream.push(with!(TaskCompleted::new(TaskId(task), end.protocol(), at_ns), panic));
            }
            Fact::Panicked { task, message } => {
                if self.tasks.contains_key(&task) {
                    self.panics.insert(task, message.take());
                }
            }
            Fact::Cancellable { task } => {
                if let Some(entry) = self.tasks.get_mut(&task) {
                    entry.cancellable = true;
                }
            }
            Fact::ResourceCreated { resource, creator, cell } => {
                self.resource_created(resource, creator, cell, at_ns);
            }
            Fact::ResourceDropped { resource } => self.resource_dropped(resource, at_ns),
            Fact::Party { edge, task, resource, role, exclusive } => {
                self.open_party(EdgeParty::new(
                    EdgeId(edge),
                    TaskId(task),
                    ResourceId(resource),
                    role.protocol(),
                    exclusive,
                    at_ns,
                ));
            }
            Fact::Permit { edge, task, resource, units, location } => {
                let hold = with!(
                    EdgeHold::new(
                        EdgeId(edge),
                        TaskId(task),
                        ResourceId(resource),
                        HoldMode::Permit,
                        units.min(MAX_NUMBER),
                        at_ns
                    ),
                    transferable = true,
                    location = Some(self.stream.location(location))
                );
                self.open_edge(edge, task, resource, hold.into());
            }
            // A fact from before the detail was changed is left out.
            Fact::Operation(operation) if order::is_on() => self.operation(&operation, read.thread, read.ticks),
            Fact::Operation(_) => {}
            Fact::Reported(reported) => self.reported(*reported, at_ns),
            Fact::EdgeClosed { edge, end } => {
                let edge = self.replaced.remove(&edge).unwrap_or(edge);
                self.close_edge(edge, end.protocol(), at_ns);
            }
        }
    }

    /// The task has ended, and its cell is gone.
    fn short_task_spawned(&mut self, spawn: &Spawn, executor_task_id: Option<u64>, at_ns: u64) {
        let spawned = with!(
            TaskSpawned::default(),
            id = TaskId(spawn.task),
            kind = spawn.kind.protocol(),
            name = self.stream.type_name(spawn.body.type_name()),
            location = Some(self.stream.location(spawn.location)),
            parent = (spawn.parent != 0).then_some(TaskId(spawn.parent)),
            executor = Some(self.stream.name(spawn.executor.name)),
            executor_task_id,
            future_bytes = Some(spawn.body.size() as u64),
            at_ns
        );
        self.add_task(spawned, spawn.parent, None);
    }

    fn task_spawned(&mut self, id: u64, cell: CellRef) {
        let executor = cell.executor();
        let spawned = with!(
            TaskSpawned::default(),
            id = TaskId(id),
            kind = cell.reported().map_or(cell.kind().protocol(), |reported| reported.kind.clone()),
            name = self.task_name(&cell),
            location = self.spawned_at(&cell),
            parent = (!cell.is_partial() && cell.parent() != 0).then_some(TaskId(cell.parent())),
            executor = Some(self.stream.name(executor.name)),
            executor_task_id = Some(cell.executor_task_id()).filter(|id| *id != 0),
            future_bytes = match cell.reported() {
                Some(reported) => reported.future_bytes,
                None => (!cell.is_partial()).then_some(cell.body().size() as u64),
            },
            partial = cell.is_partial(),
            at_ns = clock::time_ns(cell.spawned_at())
        );
        self.add_task(spawned, cell.parent(), Some(cell));
    }

    fn add_task(&mut self, spawned: TaskSpawned, parent: u64, cell: Option<CellRef>) {
        if parent != 0 {
            self.end_exclusivity(parent, spawned.at_ns);
        }
        self.tasks.insert(spawned.id.0, TaskEntry::new(cell));
        self.stream.push(spawned);
    }

    /// The task has spawned another one: a handle in its future may now be in the new task's future. It is
    /// exclusive again once the task uses it again.
    fn end_exclusivity(&mut self, task: u64, at_ns: u64) {
        let Some(parties) = self.tasks.get_mut(&task).and_then(|entry| entry.parties.as_mut()) else { return };
        for edge in std::mem::take(&mut parties.exclusive) {
            let Some(entry) = self.edges.get(&edge) else { continue };
            let (resource, Some(role)) = (entry.resource(), entry.party.as_deref().cloned()) else { continue };
            self.close_edge(edge, None, at_ns);
            let id = ids::next_edge();
            let party = EdgeParty::new(EdgeId(id), TaskId(task), ResourceId(resource), role, false, at_ns);
            if self.open_edge(id, task, resource, party.into()) {
                self.replaced.insert(edge, id);
            }
        }
    }

    fn resource_created(&mut self, id: u64, creator: u64, cell: Arc<ResourceCell>, at_ns: u64) {
        let Definition { kind, hand_off, closed_by_any, .. } = cell.kind.definition();
        let created = with!(
            ResourceCreated::new(ResourceId(id), kind, at_ns),
            name = cell.name.get().map(|name| self.stream.given_name(name)),
            location = (!origin::is_of_std(cell.location.file())).then(|| self.stream.location(cell.location)),
            task = (creator != 0).then_some(TaskId(creator)),
            capacity = in_range(count(&cell.capacity)),
            hand_off = hand_off.map(HandOff::protocol),
            closed_by_any,
        );
        let named = created.name.is_some();
        // The state at its creation is no change.
        let state = with!(ResourceUpdated::default(), id = ResourceId(id), capacity = created.capacity);
        self.stream.push(created);
        self.resources.insert(id, ResourceEntry { cell: Some(cell), named, ..ResourceEntry::new(at_ns, state) });
    }
}
