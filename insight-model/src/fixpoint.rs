//! The tasks that can make progress: a least fixpoint. An update costs work only for the changed parts.

mod certain;
mod given;
mod grounds;
mod look;
mod parties;
mod pass;

pub(crate) use certain::Certain;
pub(crate) use grounds::{Role, WaitingTasks};
pub(crate) use look::Look;
pub(crate) use parties::{Parties, Way, may_close};

use crate::due::Due;
use crate::id_map::IdSet;
use crate::journal::{Mark, Part};
use crate::wants::{Rules, Verdict, has_ended};
use crate::{Model, Task};
use grounds::{Ground, Grounds, Waiting};
use insight_protocol::{ResourceId, TaskId, Tier};
use pass::Pass;
use std::collections::BTreeSet;

/// The tasks that can make progress, in each of two passes. The passes treat unknowns differently: see
/// [`diagnose`](crate::diagnose).
///
/// A task makes progress by itself, or because a resource ends its wait. We keep that reason, its *ground*. When a ground no
/// longer holds, it is removed, and so is every ground that rests on it. Only these tasks are asked again. Grounds that rest on
/// none of them stay, since no task is a ground of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixpoint {
    settle_ns: u64,
    /// See [`Rules::doubts_wakers`].
    doubts_wakers: bool,
    blind: bool,
    told_ns: u64,
    mark: Option<Mark>,
    waiting: WaitingTasks,
    /// The times at which facts are no longer too young to count.
    due: Due,
    /// The tasks that cannot make progress: the proven ones, and the suspected ones, which include the proven ones.
    stuck: [BTreeSet<TaskId>; 2],
    /// The tasks that nothing can wake any more.
    lost: BTreeSet<TaskId>,
}

/// The parts of a model that an update looked at, and those whose result has changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The whole model.
    pub(crate) all: bool,
    pub(crate) tasks: IdSet<TaskId>,
    pub(crate) resources: IdSet<ResourceId>,
}

impl Fixpoint {
    pub(crate) fn new(settle_ns: u64) -> Fixpoint {
        Fixpoint { settle_ns, ..Fixpoint::default() }
    }

    /// As [`new`](Fixpoint::new), and takes the foreign wakers of a task without known awaits as outdated.
    pub(crate) fn doubting_wakers(settle_ns: u64) -> Fixpoint {
        Fixpoint { doubts_wakers: true, ..Fixpoint::new(settle_ns) }
    }

    pub(crate) fn rules(&self, model: &Model) -> Rules {
        Rules { doubts_wakers: self.doubts_wakers, ..Rules::new(model, self.settle_ns) }
    }

    /// Brings the result up to date with the model.
    pub(crate) fn update(&mut self, model: &Model) -> Changes {
        let rules = self.rules(model);
        let mut changes = self.changes(model, &rules);
        self.blind = rules.blind;
        self.told_ns = model.told_ns;
        self.mark = Some(model.journal.mark());

        let mut touched: IdSet<TaskId> = IdSet::default();
        let mut tasks: Vec<TaskId> = changes.tasks.iter().copied().collect();
        // Neighbours by id are neighbours in memory, and distant memory is the largest cost.
        tasks.sort_unstable();
        let waiting = &mut self.waiting.tasks;
        if changes.all {
            waiting.reserve(tasks.len());
        }
        for id in tasks {
            self.task_changed(model, &rules, id, &mut changes, &mut touched);
        }
        let waiting = &mut self.waiting.tasks;
        if waiting.capacity() / 4 > waiting.len() {
            waiting.shrink_to(waiting.len() * 2);
        }
        let mut ask: Vec<ResourceId> = changes.resources.iter().copied().collect();
        ask.sort_unstable();
        self.pass(Look::new(model, rules, Tier::Suspected), ask.clone(), &mut touched, changes.all);
        self.note_stuck(Tier::Suspected, &touched);
        // A task that makes progress now needs no unknown. So the second pass asks only the resources of the other tasks.
        if changes.all {
            let stuck = self.stuck(Tier::Suspected).iter().filter_map(|id| self.waiting.waits(*id));
            ask = stuck.flat_map(|waits| &waits.pending).map(|wait| wait.resource).collect();
            ask.sort_unstable();
            ask.dedup();
        } else {
            let unblocked = touched.iter().filter(|id| self.stuck[0].contains(id) && !self.stuck[1].contains(id));
            ask.extend(unblocked.flat_map(|id| model.edges_of_task(*id)).map(|edge| edge.resource));
        }
        if !self.stuck[1].is_empty() {
            self.pass(Look::new(model, rules, Tier::Proven), ask, &mut touched, changes.all);
        }
        self.note_stuck(Tier::Proven, &touched);
        changes.tasks.extend(touched);
        changes
    }

    /// The changes since the last update.
    fn changes(&mut self, model: &Model, rules: &Rules) -> Changes {
        let mut changes = Changes::default();
        let since = self.mark.and_then(|mark| model.journal.since(mark));
        match since.filter(|_| rules.blind == self.blind && model.told_ns >= self.told_ns) {
            Some(parts) => {
                parts.for_each(|part| changes.add(part));
                while let Some(part) = self.due.pop(model.told_ns) {
                    changes.add(part);
                }
            }
            None => {
                *self = Fixpoint { doubts_wakers: self.doubts_wakers, ..Fixpoint::new(self.settle_ns) };
                changes.all = true;
                changes.tasks.extend(model.tasks.values().filter(|task| !task.edges.is_empty()).map(|task| task.id));
                let lost = |task: &&Task| task.packed().is_some_and(|stats| stats.lost_waker);
                changes.tasks.extend(model.tasks.values().filter(lost).map(|task| task.id));
            }
        }
        changes
    }

    /// Finds the tasks that make progress in this pass, after these resources have changed.
    fn pass(&mut self, look: Look, changed: Vec<ResourceId>, touched: &mut IdSet<TaskId>, all: bool) {
        Pass { look, waiting: &mut self.waiting, due: &mut self.due, touched }.run(changed, all);
    }

    fn note_stuck(&mut self, tier: Tier, touched: &IdSet<TaskId>) {
        let waiting = &self.waiting.tasks;
        let is_stuck = |id: &&TaskId| waiting.get(id).is_some_and(|waiting| waiting.by.of(tier).is_none());
        let stuck = &mut self.stuck[tier as usize];
        if stuck.is_empty() {
            // To collect them all at once is less work.
            *stuck = touched.iter().filter(is_stuck).copied().collect();
            return;
        }
        for id in touched {
            if is_stuck(&id) {
                stuck.insert(*id)
            } else {
                stuck.remove(id)
            };
        }
    }

    fn task_changed(
        &mut self,
        model: &Model,
        rules: &Rules,
        id: TaskId,
        changes: &mut Changes,
        touched: &mut IdSet<TaskId>,
    ) {
        let task = model.tasks.get(&id);
        match task.map_or(Ok(false), |task| rules.is_lost(model, task)) {
            Ok(true) => _ = self.lost.insert(id),
            Ok(false) => _ = self.lost.remove(&id),
            Err(due_ns) => {
                self.lost.remove(&id);
                self.due.insert(due_ns, Part::Task(id));
            }
        }
        let now = match task.map(|task| rules.verdict(model, task)) {
            Some(Verdict::Waits(waits)) => Some(waits),
            Some(Verdict::Progresses { until_ns }) => {
                until_ns.into_iter().for_each(|due_ns| self.due.insert(due_ns, Part::Task(id)));
                None
            }
            None => None,
        };
        let ended = task.is_some_and(has_ended);
        if let (Some(before), Some(_), false) = (self.waiting.tasks.get_mut(&id), task, ended) {
            if now.is_none() && before.by.suspected.is_some() {
                before.paused = true;
                return;
            }
            if now.as_ref() == Some(&before.waits) && !before.paused {
                return;
            }
        } else if now.is_none() && !ended && !self.waiting.tasks.contains_key(&id) {
            return;
        }
        touched.insert(id);
        changes.resources.extend(task.into_iter().flat_map(|task| &task.edges).filter_map(|edge| {
            let edge = model.edges.get(&edge)?;
            Some(edge.resource)
        }));
        match now {
            Some(waits) => {
                let by = Grounds { suspected: None, proven: waits.unsure.then_some(Ground::Unknown) };
                self.waiting.tasks.insert(id, Waiting { waits, by, paused: false });
            }
            None => _ = self.waiting.tasks.remove(&id),
        }
    }

    /// A look at the model for this pass.
    pub(crate) fn look<'m>(&self, model: &'m Model, tier: Tier) -> Look<'m> {
        Look::new(model, self.rules(model), tier)
    }

    pub(crate) fn waiting(&self) -> &WaitingTasks {
        &self.waiting
    }

    /// The tasks that cannot make progress.
    pub(crate) fn stuck(&self, tier: Tier) -> &BTreeSet<TaskId> {
        &self.stuck[tier as usize]
    }

    /// The tasks that no code can unblock.
    pub(crate) fn certain(&self, model: &Model) -> Certain {
        Certain::new(&self.waiting, self.stuck(Tier::Proven), self.rules(model), model)
    }

    pub(crate) fn is_stuck(&self, id: TaskId) -> bool {
        self.stuck[1].contains(&id)
    }

    /// The tasks that nothing can wake any more.
    pub(crate) fn lost(&self) -> &BTreeSet<TaskId> {
        &self.lost
    }
}

impl Changes {
    fn add(&mut self, part: Part) {
        match part {
            Part::Task(id) => _ = self.tasks.insert(id),
            Part::Resource(id) => _ = self.resources.insert(id),
        }
    }
}

#[cfg(test)]
mod scale;
#[cfg(test)]
mod tests;
