//! The fold of messages into a model. A reference to an unknown thing is ignored, so the model stays true.

use crate::cancellers::Cancellers;
use crate::edge::{Edge, EdgeBody, Relation, Waiter};
use crate::ended::EndedTask;
use crate::location::Location;
use crate::maybe::Maybe;
use crate::resource::Resource;
use crate::state::Model;
use crate::stats::Stats;
use crate::task::{Origin, Task};
use insight_protocol::*;
use std::collections::HashSet;
use std::sync::Arc;

impl Model {
    /// Folds one message into the model.
    pub fn apply(&mut self, message: &Message) {
        message.visit(&mut Fold(self));
    }
}

/// The methods of a reader, which are not part of the model's own.
struct Fold<'a>(&'a mut Model);

impl Visit for Fold<'_> {
    type Output = ();

    fn stream_header(&mut self, m: &StreamHeader) {
        self.0.header = Some(m.clone());
        self.0.advance(m.at_ns);
    }

    fn stream_heartbeat(&mut self, m: &StreamHeartbeat) {
        self.0.advance(m.at_ns);
        self.0.told_ns = m.at_ns;
    }

    fn stream_coverage(&mut self, m: &StreamCoverage) {
        self.0.advance(m.at_ns);
        self.0.coverage = Some(m.clone());
    }

    fn define_string(&mut self, m: &DefineString) {
        let text: Arc<str> = m.text.as_str().into();
        self.0.string_ids.insert(text.clone(), m.id);
        if let Some(before) = self.0.strings.insert(m.id, text.clone()).filter(|before| *before != text) {
            self.0.string_ids.remove(&before);
        }
    }

    fn define_location(&mut self, m: &DefineLocation) {
        let place = SourceLocation::new(m.file.as_str(), m.line, m.column);
        self.0.locations.insert(m.id, Arc::new(Location { id: m.id, place, source: m.source.clone() }));
    }

    // r[define.dropped]
    fn define_dropped(&mut self, m: &DefineDropped) {
        self.0.forget_strings(&m.strings);
    }

    fn task_spawned(&mut self, m: &TaskSpawned) {
        self.0.task_spawned(m);
    }

    fn task_updated(&mut self, m: &TaskUpdated) {
        self.0.advance(m.at_ns);
        let Some(name) = self.0.string(m.name) else { return };
        let Some(task) = self.0.tasks.get_mut(&m.id) else { return };
        self.0.journal.task(m.id);
        let origin = Origin { name: Some(name), ..(*task.origin).clone() };
        task.origin = self.0.origins.share(origin);
        self.0.forget_names();
    }

    fn task_completed(&mut self, m: &TaskCompleted) {
        self.0.task_completed(m);
    }

    fn task_ended(&mut self, m: &TaskEnded) {
        self.0.task_ended(m);
    }

    fn task_stats(&mut self, m: &TaskStats) {
        self.0.advance(m.at_ns);
        if let Some(task) = self.0.tasks.get_mut(&m.id) {
            self.0.journal.task(m.id);
            task.stats = Some(Stats::of(m));
        }
        self.0.expect_polls(m.id, m.polls);
    }

    /// Each poll is also counted in `task.stats`.
    fn task_polls(&mut self, _: &TaskPolls) {}

    fn task_operation(&mut self, _: &TaskOperation) {}

    fn task_awaits(&mut self, m: &TaskAwaits) {
        self.0.advance(m.at_ns);
        self.0.task_awaits(m);
    }

    fn task_cancellers(&mut self, m: &TaskCancellers) {
        self.0.advance(m.at_ns);
        self.0.task_cancellers(m);
    }

    fn resource_created(&mut self, m: &ResourceCreated) {
        self.0.resource_created(m);
    }

    fn resource_updated(&mut self, m: &ResourceUpdated) {
        self.0.resource_updated(m);
    }

    fn resource_dropped(&mut self, m: &ResourceDropped) {
        self.0.advance(m.at_ns);
        self.0.journal.resource(m.id);
        if let Some(resource) = self.0.resources.remove(&m.id) {
            resource.edges.iter().for_each(|id| self.0.close_edge(id));
        }
    }

    fn edge_wait(&mut self, m: &EdgeWait) {
        let body = EdgeBody::Wait {
            operation: m.operation.clone(),
            reason: self.0.string(m.reason).unwrap_or_else(|| "".into()),
            need: m.need,
            transferable: m.transferable,
        };
        self.0.open_edge(m.id, m.task, m.resource, m.since_ns, m.location, body);
    }

    fn edge_hold(&mut self, m: &EdgeHold) {
        let body = EdgeBody::Hold { mode: m.mode.clone(), units: m.units, transferable: m.transferable };
        self.0.open_edge(m.id, m.task, m.resource, m.since_ns, m.location, body);
    }

    fn edge_party(&mut self, m: &EdgeParty) {
        let body = EdgeBody::Party { role: m.role.clone(), exclusive: m.exclusive };
        self.0.open_edge(m.id, m.task, m.resource, m.since_ns, None, body);
    }

    fn edge_updated(&mut self, m: &EdgeUpdated) {
        self.0.advance(m.at_ns);
        let edge = self.0.edges.get_mut(&m.id);
        if let Some(edge) = edge.filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })) {
            self.0.journal.task(edge.task);
            self.0.journal.resource(edge.resource);
            edge.set_waiter(Waiter { polls: m.polls, polled: m.polled, granted_ns: m.granted_ns });
        }
    }

    fn edge_closed(&mut self, m: &EdgeClosed) {
        self.0.advance(m.at_ns);
        self.0.close_edge(m.id);
    }

    fn problem_raised(&mut self, m: &ProblemRaised) {
        self.0.advance(m.at_ns);
        self.0.problems.insert(m.problem.id, m.problem.clone());
    }

    fn problem_updated(&mut self, m: &ProblemUpdated) {
        self.0.advance(m.at_ns);
        self.0.problems.insert(m.problem.id, m.problem.clone());
    }

    fn problem_cleared(&mut self, m: &ProblemCleared) {
        self.0.advance(m.at_ns);
        self.0.problems.remove(&m.id);
    }

    fn snapshot_begin(&mut self, m: &SnapshotBegin) {
        let header = self.0.header.take();
        let (gaps, lost) = (std::mem::take(&mut self.0.gaps), self.0.lost);
        let clock = self.0.clock;
        *self.0 = Model { header, clock, gaps, lost, told_ns: m.at_ns, in_snapshot: true, ..Model::default() };
        self.0.advance(m.at_ns);
    }

    fn snapshot_end(&mut self, m: &SnapshotEnd) {
        self.0.advance(m.at_ns);
        self.0.complete = true;
        self.0.in_snapshot = false;
        // The ended tasks of the snapshot ended before it.
        self.0.ended = 0;
        self.0.panicked = 0;
    }

    fn gap(&mut self, m: &Gap) {
        let model = &mut *self.0;
        model.advance(m.at_ns);
        model.facts_lost |= m.kinds.is_empty() || m.kinds.iter().any(|kind| is_fact(kind));
        model.left_out_tasks = m.tasks.unwrap_or(model.left_out_tasks);
        if m.standing {
            // r[gap.standing.replaces]
            let before = model.gaps.iter().filter(|gap| gap.reason == m.reason).map(|gap| gap.count);
            model.lost = model.lost.saturating_sub(before.sum());
            model.gaps.retain(|gap| gap.reason != m.reason);
        }
        if model.gaps.len() == MAX_GAPS {
            model.gaps.remove(0);
        }
        model.gaps.push(m.clone());
        model.lost = model.lost.saturating_add(m.count);
    }
}

impl Model {
    fn advance(&mut self, at_ns: u64) {
        self.journal.bound(self.tasks.len() + self.resources.len() + self.edges.len());
        self.now_ns = self.now_ns.max(at_ns);
    }

    fn string(&self, id: StringId) -> Option<Arc<str>> {
        self.strings.get(&id).cloned()
    }

    fn location(&self, id: Option<LocationId>) -> Option<Arc<Location>> {
        self.locations.get(&id?).cloned()
    }

    fn task_spawned(&mut self, m: &TaskSpawned) {
        self.advance(m.at_ns);
        // A producer must not use an id again. If it does, the model must still be consistent, so the edges are kept.
        let origin = Origin {
            kind: m.kind.clone(),
            name: m.name.and_then(|id| self.string(id)),
            location: self.location(m.location),
            executor: m.executor.and_then(|id| self.string(id)),
            future_bytes: m.future_bytes,
            partial: m.partial,
        };
        self.forget_awaits(m.id);
        self.forget_cancellers(m.id);
        let task = Task {
            id: m.id,
            spawned_ns: m.at_ns,
            origin: self.origins.share(origin),
            parent: Maybe::of(m.parent.map(|id| id.0)),
            executor_task_id: Maybe::of(m.executor_task_id),
            stats: None,
            outcome: None,
            edges: self.tasks.remove(&m.id).map(|before| before.edges).unwrap_or_default(),
        };
        self.journal.task(m.id);
        // A used id makes an ended task live again, so the diagnosis of its resources changes.
        task.edges
            .iter()
            .filter_map(|edge| self.edges.get(&edge))
            .for_each(|edge| self.journal.resource(edge.resource));
        self.tasks.insert(m.id, task);
        self.forget_names();
    }

    fn task_completed(&mut self, m: &TaskCompleted) {
        self.advance(m.at_ns);
        let Some(task) = self.tasks.get_mut(&m.id) else { return };
        self.journal.task(m.id);
        self.ended += 1;
        self.panicked += u64::from(m.outcome == Outcome::Panicked);
        let task = if task.edges.is_empty() {
            self.forget_names();
            self.tasks.remove(&m.id)
        } else {
            let before = task.outcome.replace(Box::new(m.outcome.clone()));
            before.is_none().then(|| task.clone())
        };
        // A snapshot has a `task.ended` of the task, with the time of its end.
        if let Some(task) = task.filter(|_| !self.in_snapshot) {
            self.ended_tasks.push(EndedTask::of(task, m));
        }
        self.forget_awaits(m.id);
        self.forget_cancellers(m.id);
    }

    fn task_ended(&mut self, m: &TaskEnded) {
        self.advance(m.at_ns);
        // r[task.ended.over]
        if self.tasks.get(&m.id).is_some_and(|task| task.outcome.is_none()) {
            return;
        }
        let origin = Origin {
            kind: m.kind.clone(),
            name: m.name.and_then(|id| self.string(id)),
            location: self.location(m.location),
            executor: m.executor.and_then(|id| self.string(id)),
            future_bytes: m.future_bytes,
            partial: m.partial,
        };
        self.ended_tasks.push(EndedTask {
            id: m.id,
            spawned_ns: m.spawned_ns,
            ended_ns: m.at_ns,
            origin: self.origins.share(origin),
            outcome: m.outcome.clone(),
            panic: m.panic.as_deref().map(Box::from),
            parent: Maybe::of(m.parent.map(|id| id.0)),
            executor_task_id: Maybe::of(m.executor_task_id),
        });
    }

    /// Forgets strings, except for the names of ended tasks: a snapshot defines them again.
    fn forget_strings(&mut self, ids: &[StringId]) {
        let origins = self.ended_tasks.iter().map(|task| &task.origin);
        let names = origins.flat_map(|origin| [&origin.name, &origin.executor]).flatten();
        let names: HashSet<Arc<str>> = names.cloned().collect();
        let dropped = ids.iter().filter_map(|id| Some((*id, self.strings.remove(id)?)));
        self.dropped.extend(dropped);
        let string_ids = &mut self.string_ids;
        self.dropped.retain(|(id, text)| {
            let is_last = string_ids.get(text) == Some(id);
            let stays = is_last && names.contains(text);
            if is_last && !stays {
                string_ids.remove(text);
            }
            stays
        });
    }

    fn task_cancellers(&mut self, m: &TaskCancellers) {
        if self.tasks.get(&m.id).is_none_or(|task| task.outcome.is_some()) {
            return;
        }
        if m.tasks.is_empty() && !m.others {
            return self.forget_cancellers(m.id);
        }
        let cancellers = Cancellers { tasks: m.tasks.clone(), others: m.others };
        self.journal.task(m.id);
        Arc::make_mut(&mut self.cancellers).insert(m.id, cancellers);
    }

    fn forget_cancellers(&mut self, id: TaskId) {
        if self.cancellers.contains_key(&id) {
            self.journal.task(id);
            Arc::make_mut(&mut self.cancellers).remove(&id);
        }
    }

    fn resource_created(&mut self, m: &ResourceCreated) {
        self.advance(m.at_ns);
        let resource = Resource {
            id: m.id,
            kind: m.kind.clone(),
            name: m.name.and_then(|id| self.string(id)),
            location: self.location(m.location),
            task: m.task,
            capacity: m.capacity,
            hand_off: m.hand_off.clone(),
            closed_by_any: m.closed_by_any,
            created_ns: m.at_ns,
            length: None,
            senders: None,
            weak_senders: None,
            receivers: None,
            outside_senders: None,
            outside_receivers: None,
            edges: self.resources.remove(&m.id).map(|before| before.edges).unwrap_or_default(),
        };
        self.journal.resource(m.id);
        self.resources.insert(m.id, resource);
    }

    fn resource_updated(&mut self, m: &ResourceUpdated) {
        self.advance(m.at_ns);
        let name = m.name.and_then(|id| self.string(id));
        let Some(resource) = self.resources.get_mut(&m.id) else { return };
        self.journal.resource(m.id);
        resource.name = name.or(resource.name.take());
        resource.capacity = m.capacity.or(resource.capacity);
        resource.length = m.length.or(resource.length);
        resource.senders = m.senders.or(resource.senders);
        resource.weak_senders = m.weak_senders.or(resource.weak_senders);
        resource.receivers = m.receivers.or(resource.receivers);
        resource.outside_senders = m.outside_senders.or(resource.outside_senders);
        resource.outside_receivers = m.outside_receivers.or(resource.outside_receivers);
    }

    fn open_edge(
        &mut self,
        id: EdgeId,
        task: TaskId,
        resource: ResourceId,
        since_ns: u64,
        location: Option<LocationId>,
        body: EdgeBody,
    ) {
        let location = self.location(location);
        // A producer must not use an id again. If it does, the model must still be consistent, so the old edge is closed.
        self.close_edge(id);
        let is_wait = matches!(body, EdgeBody::Wait { .. });
        let (Some(from), Some(to)) = (self.tasks.get_mut(&task), self.resources.get_mut(&resource)) else { return };
        self.journal.task(task);
        self.journal.resource(resource);
        from.edges.insert(id);
        to.edges.insert(id);
        let relation = self.relations.share(Relation { location, body });
        let (polls, granted_ns) = (0, Maybe::of(None));
        self.edges.insert(id, Edge { id, task, resource, since_ns, relation, polls, granted_ns });
        if is_wait {
            self.forget_awaits(task);
        }
    }

    fn close_edge(&mut self, id: EdgeId) {
        let Some(edge) = self.edges.remove(&id) else { return };
        if matches!(edge.body, EdgeBody::Wait { .. }) {
            self.forget_awaits(edge.task);
        }
        self.journal.task(edge.task);
        self.journal.resource(edge.resource);
        if let Some(resource) = self.resources.get_mut(&edge.resource) {
            resource.edges.remove(&id);
        }
        if let Some(task) = self.tasks.get_mut(&edge.task) {
            task.edges.remove(&id);
            if task.outcome.is_some() && task.edges.is_empty() {
                self.tasks.remove(&edge.task);
                self.names.take();
            }
        }
    }
}

/// Maximum number of gaps. A producer that loses facts usually does so many times.
const MAX_GAPS: usize = 100;

/// Whether the loss of a message of this type can make the graph wrong.
///
/// The next `task.stats` replaces a lost one, and counts the polls. A missing resource or party looks unknown, since wakers are
/// foreign and handles are counted. A missing spawn makes the graph wrong: it would have ended the exclusive parties of its parent.
fn is_fact(type_name: &str) -> bool {
    let looks_unknown =
        ["task.updated", "task.stats", "task.polls", "task.operation", "task.awaits", "resource.created", "edge.party"]
            .contains(&type_name);
    !looks_unknown && ["task.", "resource.", "edge."].iter().any(|prefix| type_name.starts_with(prefix))
}
