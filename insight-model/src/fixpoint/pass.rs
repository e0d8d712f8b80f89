//! One pass of the fixpoint: it first removes the grounds that no longer hold, and then finds new ones.

use super::given::{Of, given};
use super::grounds::{Ground, WaitingTasks};
use super::look::Look;
use super::parties::{Parties, Way};
use crate::due::Due;
use crate::id_map::{IdMap, IdSet};
use crate::journal::Part;
use crate::wants::Want;
use crate::{EdgeBody, Resource};
use insight_protocol::{ResourceId, TaskId, Tier};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Maximum number of grounds that we follow. To follow more takes more time than to ask the task's resources again.
const MOST_GROUNDS: usize = 1_000;

/// One pass over a model.
pub(super) struct Pass<'a, 'm> {
    pub(super) look: Look<'m>,
    pub(super) waiting: &'a mut WaitingTasks,
    pub(super) due: &'a mut Due,
    /// The tasks whose ground may have changed.
    pub(super) touched: &'a mut IdSet<TaskId>,
}

/// The state while old grounds are checked.
struct Check {
    /// The resources that have changed.
    changed: IdSet<ResourceId>,
    /// The tasks whose ground still holds after the change.
    hold: IdSet<TaskId>,
    /// The tasks whose grounds hold up to the last one. None of them rests on a task that is still to be checked, so no
    /// later task can rest on itself through them.
    founded: IdSet<TaskId>,
    /// The way in which each wait for parties ends. Many tasks may wait for the same parties, so each way is computed once.
    /// That is enough: a task that begins to make progress only adds a way, and for a task that stops, `holds_without`
    /// finds out.
    ways: HashMap<(ResourceId, Want), Option<Way>>,
}

/// The tasks that make progress by a resource, in one pass.
#[derive(Default)]
struct Rests {
    /// By all its tasks that make progress.
    on_all: Vec<TaskId>,
    /// By this task.
    on: IdMap<TaskId, Vec<TaskId>>,
}

impl Pass<'_, '_> {
    /// Updates the grounds after these resources have changed. With `all`, there are no old grounds.
    pub(super) fn run(mut self, changed: Vec<ResourceId>, all: bool) {
        let mut ask = changed;
        if !all {
            self.retract(&mut ask);
        }
        self.advance(ask);
    }

    /// Removes each ground that rests on a change and no longer holds, and each ground that rests on one of those. Adds the
    /// resources of these tasks to `ask`.
    fn retract(&mut self, ask: &mut Vec<ResourceId>) {
        let mut check = Check {
            changed: ask.iter().copied().collect(),
            hold: IdSet::default(),
            founded: IdSet::default(),
            ways: HashMap::new(),
        };
        let mut retracted = Vec::new();
        self.check_new(&mut check, &mut retracted);
        for &id in ask.iter() {
            self.check_resource(id, &mut check, &mut retracted);
        }
        self.retract_from(retracted, ask);
    }

    /// Looks for the grounds of tasks that have only just begun to wait. Most of them have one: then the grounds that rest
    /// on these tasks need no check.
    fn check_new(&mut self, check: &mut Check, retracted: &mut Vec<TaskId>) {
        let tier = self.look.tier;
        let is_new = |id: &TaskId| self.waiting.tasks.get(id).is_some_and(|it| it.by.of(tier).is_none());
        let new: Vec<TaskId> = self.touched.iter().copied().filter(is_new).collect();
        for task in new {
            let waits = self.waiting.waits(task).into_iter().flat_map(|waits| &waits.pending);
            let resources: Vec<ResourceId> = waits.filter(|wait| wait.polled).map(|wait| wait.resource).collect();
            if let Some(ground) = resources.into_iter().find_map(|id| self.ground(check, task, id)) {
                self.waiting.set_ground(task, tier, ground);
                check.hold.insert(task);
            } else if tier == Tier::Proven {
                // It may have made progress in the pass before: the grounds that rest on it were not checked.
                retracted.push(task);
            }
        }
    }

    /// Checks the grounds that a changed resource gives.
    fn check_resource(&mut self, id: ResourceId, check: &mut Check, retracted: &mut Vec<TaskId>) {
        let tier = self.look.tier;
        let Some(resource) = self.look.model.resources.get(&id) else { return };
        let given_before: Vec<TaskId> = self
            .waiting
            .of_resource(self.look.model, resource)
            .filter(|task| self.waiting.own_ground(*task, tier).is_some_and(|ground| ground.is_by(id)))
            .filter(|task| !check.hold.contains(task))
            .collect();
        let mut others = Vec::new();
        for task in given_before {
            if let Some(ground) = self.ground(check, task, id) {
                self.waiting.set_ground(task, tier, ground);
                check.hold.insert(task);
            } else {
                others.push(task);
            }
        }
        if others.is_empty() {
            return;
        }
        self.look.alone = true;
        let still = given(self.waiting, &self.look, resource, Of::All);
        self.note_due(id);
        self.look.alone = false;
        let still: IdMap<TaskId, Ground> = still.into_iter().collect();
        for task in others {
            if let Some(ground) = still.get(&task) {
                // These units are there even if no task makes progress by its wait.
                let ground = if matches!(ground, Ground::Units(_)) { Ground::Seed(id) } else { *ground };
                self.waiting.set_ground(task, tier, ground);
                check.hold.insert(task);
            } else if self.waiting.take_ground(task, tier) {
                retracted.push(task);
            }
        }
    }

    /// Removes the grounds that rest on tasks whose ground was removed.
    fn retract_from(&mut self, mut retracted: Vec<TaskId>, ask: &mut Vec<ResourceId>) {
        let tier = self.look.tier;
        let mut rests: IdMap<ResourceId, Rests> = IdMap::default();
        let mut asked: IdSet<ResourceId> = ask.iter().copied().collect();
        while let Some(task) = retracted.pop() {
            self.touched.insert(task);
            let waits = self.waiting.waits(task).into_iter().flat_map(|waits| &waits.pending);
            ask.extend(waits.map(|wait| wait.resource).filter(|id| asked.insert(*id)));
            for edge in self.look.model.edges_of_task(task) {
                let Some(resource) = self.look.model.resources.get(&edge.resource) else { continue };
                let rests = rests.entry(resource.id).or_insert_with(|| self.rests(resource));
                // No ground is added here, so each list is taken once.
                let others =
                    std::mem::take(&mut rests.on_all).into_iter().chain(rests.on.remove(&task).unwrap_or_default());
                for other in others {
                    if self.waiting.take_ground(other, tier) {
                        retracted.push(other);
                    }
                }
            }
        }
    }

    /// The tasks that make progress by this resource, in this pass alone.
    fn rests(&self, resource: &Resource) -> Rests {
        let mut rests = Rests::default();
        for task in self.waiting.of_resource(self.look.model, resource) {
            match self.waiting.own_ground(task, self.look.tier) {
                Some(Ground::Units(id)) if id == resource.id => rests.on_all.push(task),
                Some(Ground::Task(id, by)) if id == resource.id => rests.on.entry(by).or_default().push(task),
                _ => {}
            }
        }
        rests
    }

    /// Looks for a ground of the task among the parties of a resource that it waits for. The ground does not rest on the
    /// task itself.
    fn ground(&mut self, check: &mut Check, task: TaskId, id: ResourceId) -> Option<Ground> {
        let resource = self.look.model.resources.get(&id)?;
        let waits = self.waiting.waits(task)?;
        let waits = waits.pending.iter().filter(|wait| wait.polled && wait.resource == id);
        let ground = waits.into_iter().find_map(|wait| match wait.want {
            Want::Party(_) => {
                let way = check.ways.entry((id, wait.want));
                let way = way.or_insert_with(|| Parties::wanted(self.waiting, &self.look, resource, wait.want).way);
                match (*way)? {
                    Way::Seed | Way::Nobody => Some(Ground::Seed(id)),
                    Way::Task(by) => self.holds_without(check, by, task).then_some(Ground::Task(id, by)),
                    Way::All => None,
                }
            }
            Want::All(_) | Want::Units => None,
        });
        self.note_due(id);
        ground
    }

    /// Whether the grounds of the task `by` lead neither to a change that is still to be checked nor to `task`.
    fn holds_without(&self, check: &mut Check, by: TaskId, task: TaskId) -> bool {
        let mut path = Vec::new();
        let mut at = by;
        loop {
            if at == task || path.len() == MOST_GROUNDS {
                return false;
            }
            if check.founded.contains(&at) {
                break;
            }
            let Some(waiting) = self.waiting.tasks.get(&at).filter(|waiting| !waiting.paused) else { break };
            path.push(at);
            let is_checked = |id| !check.changed.contains(&id) || check.hold.contains(&at);
            match waiting.by.of(self.look.tier) {
                Some(Ground::Unknown) => break,
                Some(Ground::Seed(id)) if is_checked(id) => break,
                Some(Ground::Task(id, next)) if is_checked(id) => at = next,
                _ => return false,
            }
        }
        check.founded.extend(path);
        true
    }

    /// Finds the stuck tasks that these resources unblock, and then the tasks that those unblock.
    ///
    /// Resources with few edges come first. So a resource with many edges is asked once, after many of its tasks were
    /// found to make progress.
    pub(super) fn advance(&mut self, ask: Vec<ResourceId>) {
        let model = self.look.model;
        let with_edges = |id: ResourceId| {
            let edges = model.resources.get(&id).map_or(0, |resource| resource.edges.len());
            Reverse((edges, id))
        };
        let mut asked: IdSet<ResourceId> = ask.into_iter().collect();
        let mut queue: BinaryHeap<_> = asked.iter().copied().map(with_edges).collect();
        while let Some(Reverse((_, id))) = queue.pop() {
            asked.remove(&id);
            let Some(resource) = model.resources.get(&id) else { continue };
            let given = given(self.waiting, &self.look, resource, Of::Stuck);
            self.note_due(id);
            for (task, ground) in given {
                let Some(waiting) = self.waiting.tasks.get_mut(&task) else { continue };
                if waiting.by.of(self.look.tier).is_some() {
                    continue;
                }
                waiting.by.set(self.look.tier, ground);
                self.touched.insert(task);
                let Some(task) = model.tasks.get(&task) else { continue };
                for edge in task.edges.iter().filter_map(|edge| model.edges.get(&edge)) {
                    // The resource of a polled wait was asked just now, and knows that the task makes progress. A wait
                    // that the task keeps without a poll may change what the resource gives.
                    let known = edge.resource == id
                        && matches!(edge.body, EdgeBody::Wait { .. })
                        && edge.waiter().polled != Some(false);
                    if !known && asked.insert(edge.resource) {
                        queue.push(with_edges(edge.resource));
                    }
                }
            }
        }
    }

    /// Has the resource looked at again when the first of its facts that was too young counts.
    fn note_due(&mut self, id: ResourceId) {
        if let Some(due_ns) = self.look.take_due_ns() {
            self.due.insert(due_ns, Part::Resource(id));
        }
    }
}
