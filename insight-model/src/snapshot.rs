use crate::{Edge, EdgeBody, Location, Model, Resource, Task, Waiter};
use insight_protocol::*;
use std::collections::HashSet;
use std::sync::Arc;

impl Model {
    /// The messages, from `snapshot.begin` to `snapshot.end`, that fold to an equal model.
    ///
    /// Strings and locations keep the producer's ids, and only those that something here still names are sent: a
    /// producer that goes on must define the others again before it names them. The header is not part of a snapshot,
    /// nor are `gaps`, which the reader of a stream keeps over a snapshot, nor the counts of ended tasks.
    pub fn snapshot(&self) -> Vec<Message> {
        let mut snapshot =
            Snapshot { model: self, messages: Vec::new(), strings: HashSet::new(), locations: HashSet::new() };
        snapshot.push(SnapshotBegin {
            at_ns: self.told_ns,
            tasks: self.tasks.len() as u64,
            resources: self.resources.len() as u64,
            edges: self.edges.len() as u64,
            problems: self.problems.len() as u64,
        });
        self.tasks.values().for_each(|task| snapshot.task(task));
        self.resources.values().for_each(|resource| snapshot.resource(resource));
        self.edges.values().for_each(|edge| snapshot.edge(edge));
        // After the edges: a task that ends without an edge is gone.
        for task in self.tasks.values() {
            if let Some(outcome) = task.outcome() {
                snapshot.push(TaskCompleted { id: task.id, outcome: outcome.clone(), at_ns: self.now_ns });
            }
        }
        for problem in self.problems.values() {
            snapshot.push(ProblemRaised { problem: problem.clone(), at_ns: self.now_ns });
        }
        snapshot.push(SnapshotEnd { at_ns: self.told_ns });
        snapshot.messages
    }
}

struct Snapshot<'m> {
    model: &'m Model,
    messages: Vec<Message>,
    /// The ids that were defined already.
    strings: HashSet<StringId>,
    locations: HashSet<LocationId>,
}

impl Snapshot<'_> {
    fn push(&mut self, message: impl Into<Message>) {
        self.messages.push(message.into());
    }

    fn task(&mut self, task: &Task) {
        let spawned = TaskSpawned {
            id: task.id,
            kind: task.kind.clone(),
            name: self.string(task.name.as_ref()),
            location: self.location(task.location.as_ref()),
            parent: task.parent(),
            executor: self.string(task.executor.as_ref()),
            executor_task_id: task.executor_task_id(),
            future_bytes: task.future_bytes,
            partial: task.partial,
            at_ns: task.spawned_ns,
        };
        self.push(spawned);
        if let Some(stats) = task.stats() {
            self.push(stats);
        }
    }

    fn resource(&mut self, resource: &Resource) {
        let created = ResourceCreated {
            id: resource.id,
            kind: resource.kind.clone(),
            name: self.string(resource.name.as_ref()),
            location: self.location(resource.location.as_ref()),
            task: resource.task,
            capacity: resource.capacity,
            hand_off: resource.hand_off.clone(),
            closed_by_any: resource.closed_by_any,
            at_ns: resource.created_ns,
        };
        self.push(created);
        let Resource { length, senders, weak_senders, receivers, outside_senders, outside_receivers, .. } = *resource;
        if [length, senders, weak_senders, receivers, outside_senders, outside_receivers].iter().any(Option::is_some) {
            let at_ns = self.model.now_ns;
            self.push(ResourceUpdated {
                id: resource.id,
                name: None,
                capacity: None,
                length,
                senders,
                weak_senders,
                receivers,
                outside_senders,
                outside_receivers,
                at_ns,
            });
        }
    }

    fn edge(&mut self, edge: &Edge) {
        let Edge { id, task, resource, since_ns, .. } = *edge;
        let location = self.location(edge.location.as_ref());
        match &edge.body {
            EdgeBody::Wait { operation, reason, need } => {
                // A reason that was never defined stays so: 0 is no id.
                let reason = self.string(Some(reason)).unwrap_or_default();
                let operation = operation.clone();
                self.push(EdgeWait { id, task, resource, operation, reason, need: *need, location, since_ns });
                let waiter = edge.waiter();
                if waiter != Waiter::default() {
                    let Waiter { polls, polled, granted_ns } = waiter;
                    self.push(EdgeUpdated { id, polls, polled, granted_ns, at_ns: self.model.now_ns });
                }
            }
            EdgeBody::Hold { mode, units, transferable } => {
                let (mode, units, transferable) = (mode.clone(), *units, *transferable);
                self.push(EdgeHold { id, task, resource, mode, units, transferable, location, since_ns });
            }
            EdgeBody::Party { role, exclusive } => {
                self.push(EdgeParty { id, task, resource, role: role.clone(), exclusive: *exclusive, since_ns });
            }
        }
    }

    /// The string's id, defined by now.
    fn string(&mut self, text: Option<&Arc<str>>) -> Option<StringId> {
        let text = text?;
        let id = *self.model.string_ids.get(text)?;
        if self.strings.insert(id) {
            self.push(DefineString { id, text: text.as_ref().to_owned() });
        }
        Some(id)
    }

    /// The location's id, defined by now, with its text as it was found last.
    fn location(&mut self, location: Option<&Arc<Location>>) -> Option<LocationId> {
        let location = location?;
        let location = self.model.locations.get(&location.id).unwrap_or(location);
        if self.locations.insert(location.id) {
            let SourceLocation { file, line, column } = location.place.clone();
            self.push(DefineLocation { id: location.id, file, line, column, source: location.source.clone() });
        }
        Some(location.id)
    }
}
