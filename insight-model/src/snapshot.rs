use crate::{Awaits, Edge, EdgeBody, EndedTask, Frame, Leaf, Location, Model, Resource, Task, Waiter};
use insight_protocol::*;
use insight_table::IdHasher;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

impl Model {
    /// The messages from `snapshot.begin` to `snapshot.end`. They fold to an equal model.
    ///
    /// Strings and locations keep the producer's ids. Only the ids that the snapshot uses are defined, so a producer
    /// that continues the stream must define the others again. A snapshot does not have the header, the counts of ended
    /// tasks, or the gaps, which a reader keeps.
    pub fn snapshot(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        let Ok(()) = self.tell_snapshot(|message| -> Result<(), Infallible> {
            messages.push(message);
            Ok(())
        });
        messages
    }

    /// Calls `send` with each message of the [`snapshot`](Model::snapshot), until the first error.
    pub fn tell_snapshot<E>(&self, send: impl FnMut(Message) -> Result<(), E>) -> Result<(), E> {
        Snapshot::new(self, send).all()
    }

    /// As [`tell_snapshot`](Model::tell_snapshot), and then defines all other strings and locations, in the order of
    /// their ids. So the producer's later messages can continue the stream.
    pub fn tell_opening<E>(&self, send: impl FnMut(Message) -> Result<(), E>) -> Result<(), E> {
        let mut snapshot = Snapshot::new(self, send);
        snapshot.all()?;
        snapshot.other_definitions()
    }
}

struct Snapshot<'m, F> {
    model: &'m Model,
    send: F,
    /// The ids that are already defined.
    strings: HashSet<StringId>,
    locations: HashSet<LocationId>,
    /// String ids by the address of the text, since most texts are used many times.
    found: HashMap<u64, StringId, BuildHasherDefault<IdHasher>>,
}

impl<'m, E, F: FnMut(Message) -> Result<(), E>> Snapshot<'m, F> {
    fn new(model: &'m Model, send: F) -> Snapshot<'m, F> {
        Snapshot { model, send, strings: HashSet::new(), locations: HashSet::new(), found: HashMap::default() }
    }

    fn all(&mut self) -> Result<(), E> {
        let model = self.model;
        self.push(with!(
            SnapshotBegin::default(),
            at_ns = model.told_ns,
            tasks = model.tasks.len() as u64,
            resources = model.resources.len() as u64,
            edges = model.edges.len() as u64,
            problems = model.problems.len() as u64
        ))?;
        // r[coverage.in-snapshot]
        if let Some(coverage) = &model.coverage {
            self.push(coverage.clone())?;
        }
        model.tasks.values().try_for_each(|task| self.task(task))?;
        model.resources.values().try_for_each(|resource| self.resource(resource))?;
        model.edges.values().try_for_each(|edge| self.edge(edge))?;
        model.awaits.values().try_for_each(|awaits| self.awaits(awaits))?;
        for (id, cancellers) in &*model.cancellers {
            let (tasks, others) = (cancellers.tasks.clone(), cancellers.others);
            self.push(with!(TaskCancellers::default(), id = *id, tasks, others, at_ns = model.now_ns))?;
        }
        // r[snapshot.order]: after the edges, since a task that ends without an edge is gone.
        for task in model.tasks.values() {
            if let Some(outcome) = task.outcome() {
                self.push(TaskCompleted::new(task.id, outcome.clone(), model.now_ns))?;
            }
        }
        model.ended_tasks.iter().try_for_each(|task| self.ended_task(task))?;
        for problem in model.problems.values() {
            self.push(ProblemRaised::new(problem.clone(), model.now_ns))?;
        }
        self.push(SnapshotEnd::new(model.told_ns))
    }

    fn other_definitions(&mut self) -> Result<(), E> {
        let model = self.model;
        let mut strings: Vec<_> = model.strings.iter().filter(|(id, _)| !self.strings.contains(id)).collect();
        strings.sort_unstable_by_key(|(id, _)| **id);
        for (id, text) in strings {
            self.push(DefineString::new(*id, text.as_ref()))?;
        }
        let mut locations: Vec<_> = model.locations.values().filter(|at| !self.locations.contains(&at.id)).collect();
        locations.sort_unstable_by_key(|location| location.id);
        locations.into_iter().try_for_each(|location| self.location(Some(location)).map(drop))
    }

    fn push(&mut self, message: impl Into<Message>) -> Result<(), E> {
        (self.send)(message.into())
    }

    fn task(&mut self, task: &Task) -> Result<(), E> {
        let spawned = with!(
            TaskSpawned::default(),
            id = task.id,
            kind = task.origin.kind.clone(),
            name = self.string(task.origin.name.as_ref())?,
            location = self.location(task.origin.location.as_ref())?,
            parent = task.parent(),
            executor = self.string(task.origin.executor.as_ref())?,
            executor_task_id = task.executor_task_id(),
            future_bytes = task.origin.future_bytes,
            partial = task.origin.partial,
            at_ns = task.spawned_ns
        );
        self.push(spawned)?;
        if let Some(stats) = task.stats() {
            self.push(stats)?;
        }
        Ok(())
    }

    fn ended_task(&mut self, task: &EndedTask) -> Result<(), E> {
        let ended = with!(
            TaskEnded::new(task.id, task.outcome.clone(), task.spawned_ns, task.ended_ns),
            kind = task.origin.kind.clone(),
            name = self.string(task.origin.name.as_ref())?,
            location = self.location(task.origin.location.as_ref())?,
            parent = task.parent(),
            executor = self.string(task.origin.executor.as_ref())?,
            executor_task_id = task.executor_task_id(),
            future_bytes = task.origin.future_bytes,
            partial = task.origin.partial,
            panic = task.panic.as_deref().map(str::to_owned)
        );
        self.push(ended)
    }

    fn resource(&mut self, resource: &Resource) -> Result<(), E> {
        let created = with!(
            ResourceCreated::new(resource.id, resource.kind.clone(), resource.created_ns),
            name = self.string(resource.name.as_ref())?,
            location = self.location(resource.location.as_ref())?,
            task = resource.task,
            capacity = resource.capacity,
            hand_off = resource.hand_off.clone(),
            closed_by_any = resource.closed_by_any
        );
        self.push(created)?;
        let Resource { length, senders, weak_senders, receivers, outside_senders, outside_receivers, .. } = *resource;
        if [length, senders, weak_senders, receivers, outside_senders, outside_receivers].iter().any(Option::is_some) {
            let at_ns = self.model.now_ns;
            self.push(with!(
                ResourceUpdated::default(),
                id = resource.id,
                length,
                senders,
                weak_senders,
                receivers,
                outside_senders,
                outside_receivers,
                at_ns
            ))?;
        }
        Ok(())
    }

    fn edge(&mut self, edge: &Edge) -> Result<(), E> {
        let Edge { id, task, resource, since_ns, .. } = *edge;
        let location = self.location(edge.location.as_ref())?;
        match &edge.body {
            EdgeBody::Wait { operation, reason, need, transferable } => {
                // A reason that was never defined stays so: 0 is no id.
                let reason = self.string(Some(reason))?.unwrap_or_default();
                let operation = operation.clone();
                let wait = EdgeWait::new(id, task, resource, operation, reason, *need, since_ns);
                self.push(with!(wait, transferable = *transferable, location))?;
                let waiter = edge.waiter();
                if waiter != Waiter::default() {
                    let Waiter { polls, polled, granted_ns } = waiter;
                    self.push(with!(EdgeUpdated::default(), id, polls, polled, granted_ns, at_ns = self.model.now_ns))?;
                }
                Ok(())
            }
            EdgeBody::Hold { mode, units, transferable } => {
                let (mode, units, transferable) = (mode.clone(), *units, *transferable);
                self.push(with!(EdgeHold::new(id, task, resource, mode, units, since_ns), transferable, location))
            }
            EdgeBody::Party { role, exclusive } => {
                self.push(EdgeParty::new(id, task, resource, role.clone(), *exclusive, since_ns))
            }
        }
    }

    fn awaits(&mut self, awaits: &Awaits) -> Result<(), E> {
        let leaves: Vec<Await> = awaits.leaves.iter().map(|leaf| self.leaf(leaf)).collect::<Result<_, E>>()?;
        let spans = awaits.spans.iter().map(|span| self.string(Some(span)));
        let spans = spans.collect::<Result<Vec<_>, E>>()?.into_iter().flatten().collect();
        let Awaits { task, polls, more, complete, at_ns, .. } = *awaits;
        self.push(with!(TaskAwaits::default(), id = task, polls, awaits = leaves, spans, more, complete, at_ns))
    }

    fn leaf(&mut self, leaf: &Leaf) -> Result<Await, E> {
        let function = self.string(leaf.function.as_ref())?;
        let frames = leaf.frames.iter().map(|frame| self.frame(frame)).collect::<Result<_, E>>()?;
        // An edge of a model is open, since awaits are forgotten when a wait of their task is closed.
        Ok(with!(Await::new(function, frames), edge = leaf.edge, cut = leaf.cut))
    }

    fn frame(&mut self, frame: &Frame) -> Result<AwaitFrame, E> {
        let function = self.string(frame.function.as_ref())?;
        Ok(AwaitFrame::new(function, self.location(frame.location.as_ref())?, frame.kind.clone()))
    }

    /// Defines the string if necessary, and returns its id.
    fn string(&mut self, text: Option<&Arc<str>>) -> Result<Option<StringId>, E> {
        let Some(text) = text else { return Ok(None) };
        // Live texts have different addresses, even empty ones, since an `Arc` puts its counters before each text.
        let place = text.as_ptr().addr() as u64 >> 3;
        if let Some(id) = self.found.get(&place) {
            return Ok(Some(*id));
        }
        let Some(id) = self.model.string_ids.get(text).copied() else { return Ok(None) };
        self.found.insert(place, id);
        if self.strings.insert(id) {
            self.push(DefineString::new(id, text.as_ref()))?;
        }
        Ok(Some(id))
    }

    /// Defines the location if necessary, and returns its id. Its text is the latest one.
    fn location(&mut self, location: Option<&Arc<Location>>) -> Result<Option<LocationId>, E> {
        let Some(location) = location else { return Ok(None) };
        if self.locations.insert(location.id) {
            let location = self.model.locations.get(&location.id).unwrap_or(location);
            let SourceLocation { file, line, column, .. } = location.place.clone();
            self.push(with!(DefineLocation::new(location.id, file, line, column), source = location.source.clone()))?;
        }
        Ok(Some(location.id))
    }
}
