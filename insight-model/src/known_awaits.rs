//! The awaits that a model knows of each task: its own, or those of a task that represents it.

use crate::awaits::{Awaits, Frame, Group, Leaf};
use crate::edge::{Edge, EdgeBody, Waiter};
use crate::state::Model;
use insight_protocol::{Await, AwaitFrame, EdgeId, ResourceId, TaskAwaits, TaskId, TaskState};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The awaits that are known of a task.
#[derive(Clone, Copy, Debug)]
pub struct KnownAwaits<'m> {
    /// The awaits.
    pub awaits: &'m Awaits,
    /// The task represents another one, whose awaits these would be.
    pub represents: bool,
}

impl Model {
    /// The awaits of a task. If they are unknown, those of the task with the lowest ID in its group: of tasks with the same spawn
    /// location and name, and equal waits in the program's own code. `None` if there are none, or if the task runs.
    pub fn awaits(&self, id: TaskId) -> Option<KnownAwaits<'_>> {
        if self.awaits.is_empty() {
            return None;
        }
        let state = self.tasks.get(&id)?.state();
        if let Some(awaits) = self.awaits.of(id).filter(|_| state != Some(TaskState::Running)) {
            return Some(KnownAwaits { awaits, represents: false });
        }
        if state != Some(TaskState::Idle) {
            return None;
        }
        Some(KnownAwaits { awaits: self.awaits.of_group(&self.group(id)?)?, represents: true })
    }

    /// The await of an open wait, from the awaits of its task.
    pub fn await_of(&self, wait: &Edge) -> Option<&Leaf> {
        let KnownAwaits { awaits, represents } = self.awaits(wait.task)?;
        let same = |edge: &Edge| edge.relation == wait.relation;
        awaits.leaves.iter().find(|leaf| match leaf.edge {
            Some(id) if represents => self.edges.get(&id).is_some_and(same),
            edge => edge == Some(wait.id),
        })
    }

    /// The awaits of a task that belong to no open wait of it: of futures that are not instrumented.
    pub fn other_awaits(&self, id: TaskId) -> impl Iterator<Item = &Leaf> {
        let known = self.awaits(id);
        known.into_iter().flat_map(|known| &known.awaits.leaves).filter(|leaf| leaf.edge.is_none())
    }

    /// Number of tasks whose own awaits are known.
    pub fn number_of_awaits(&self) -> usize {
        self.awaits.len()
    }

    /// Whether the awaits of this very task are known.
    pub fn has_own_awaits(&self, id: TaskId) -> bool {
        self.awaits.of(id).is_some()
    }

    /// Whether the awaits of the task show that nothing uses its foreign wakers any more, unless a future broke the contract
    /// and keeps only its first waker. r[awaits.foreign]
    pub(crate) fn has_outdated_wakers(&self, id: TaskId) -> bool {
        let Some(awaits) = self.awaits.of(id) else { return false };
        awaits.complete && !awaits.leaves.is_empty() && awaits.leaves.iter().all(|leaf| leaf.edge.is_some())
    }

    /// A hash of the facts that the task shares with each task that could represent it. `None` if no other task can.
    pub fn awaits_group(&self, id: TaskId) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        self.group(id)?.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn group(&self, id: TaskId) -> Option<Group> {
        let origin = &self.tasks.get(&id)?.origin;
        let mut waits = Vec::new();
        for edge in self.edges_of_task(id) {
            if let EdgeBody::Wait { operation, .. } = &edge.body {
                // A line of a library has any number of callers.
                let location = edge.location.as_ref().filter(|location| location.library().is_none())?;
                waits.push((location.id, operation.clone()));
            }
        }
        if waits.is_empty() {
            return None;
        }
        waits.sort_by(|(place, operation), (place2, operation2)| {
            (place, operation.as_str()).cmp(&(place2, operation2.as_str()))
        });
        let spawned_at = origin.location.as_ref()?.id;
        Some(Group { spawned_at, name: origin.name.clone(), future_bytes: origin.future_bytes, waits })
    }

    pub(crate) fn task_awaits(&mut self, m: &TaskAwaits) {
        let Some(task) = self.tasks.get(&m.id).filter(|task| task.outcome.is_none()) else { return };
        if task.polls().is_some_and(|polls| polls > m.polls) {
            return;
        }
        let awaits = Awaits {
            task: m.id,
            polls: m.polls,
            leaves: m.awaits.iter().map(|it| self.leaf(m.id, it)).collect(),
            spans: m.spans.iter().filter_map(|id| self.strings.get(id).cloned()).collect(),
            more: m.more,
            complete: m.complete,
            at_ns: m.at_ns,
            group: self.group(m.id),
        };
        self.journal.task(m.id);
        self.mark_unreached(&awaits);
        Arc::make_mut(&mut self.awaits).insert(awaits);
        self.names.take();
    }

    /// Marks each wait of the task that a complete capture did not reach: the task no longer polls it. r[awaits.not-polled]
    fn mark_unreached(&mut self, awaits: &Awaits) {
        if !awaits.complete {
            return;
        }
        let is_unreached = |edge: &&Edge| {
            let reached = awaits.leaves.iter().any(|leaf| leaf.edge == Some(edge.id));
            !reached && edge.waiter().polled == Some(true)
        };
        let waits = self.edges_of_task(awaits.task).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
        let unreached: Vec<(EdgeId, ResourceId)> =
            waits.filter(is_unreached).map(|edge| (edge.id, edge.resource)).collect();
        for (id, resource) in unreached {
            self.journal.resource(resource);
            if let Some(edge) = self.edges.get_mut(&id) {
                edge.set_waiter(Waiter { polled: Some(false), ..edge.waiter() });
            }
        }
    }

    /// Forgets the awaits of a task that was polled again, has ended, or has other waits.
    #[inline]
    pub(crate) fn forget_awaits(&mut self, id: TaskId) {
        if !self.awaits.is_empty() && self.awaits.of(id).is_some() {
            Arc::make_mut(&mut self.awaits).remove(id);
            self.names.take();
        }
    }

    /// Forgets the awaits of a task with this number of polls, unless they are of the last one.
    #[inline]
    pub(crate) fn expect_polls(&mut self, id: TaskId, polls: u64) {
        if !self.awaits.is_empty() && self.awaits.of(id).is_some_and(|awaits| awaits.polls != polls) {
            Arc::make_mut(&mut self.awaits).remove(id);
            self.names.take();
        }
    }

    fn leaf(&self, task: TaskId, it: &Await) -> Leaf {
        let is_wait = |edge: &Edge| edge.task == task && matches!(edge.body, EdgeBody::Wait { .. });
        let text = |id| self.strings.get(&id).cloned();
        let frame = |frame: &AwaitFrame| Frame {
            function: frame.function.and_then(text),
            location: frame.location.and_then(|id| self.locations.get(&id).cloned()),
            kind: frame.kind.clone(),
        };
        Leaf {
            edge: it.edge.filter(|id| self.edges.get(id).is_some_and(is_wait)),
            function: it.function.and_then(text),
            frames: it.frames.iter().map(frame).collect(),
            cut: it.cut,
        }
    }
}
