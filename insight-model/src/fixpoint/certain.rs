//! The pass for certain facts: the tasks that stay stuck whatever other code does.

use super::grounds::{Ground, Grounds, Waiting, WaitingTasks};
use super::look::Look;
use super::pass::Pass;
use crate::due::Due;
use crate::id_map::{IdMap, IdSet};
use crate::wants::{Rules, has_ended};
use crate::{Cancellers, Model};
use insight_protocol::{ResourceId, TaskId, Tier};
use std::collections::BTreeSet;

/// The tasks of the proven pass, with the ways out that no edge shows. r[problem.proven.certain]
#[derive(Clone, Debug, Default)]
pub(crate) struct Certain {
    waiting: WaitingTasks,
}

impl Certain {
    /// Begins with the tasks that are stuck in the proven pass, and removes each task that other code can unblock: that may cancel
    /// it, or end a wait of it for anything but a lock or a join. The tasks that these unblock or can cancel go, too.
    ///
    /// This pass keeps no result between updates. It costs nothing while no task is stuck in the proven pass.
    pub(super) fn new(proven: &WaitingTasks, stuck: &BTreeSet<TaskId>, rules: Rules, model: &Model) -> Certain {
        let mut waiting = WaitingTasks::default();
        for id in stuck {
            if let Some(waits) = proven.waits(*id) {
                let by = Grounds { suspected: None, proven: None };
                waiting.tasks.insert(*id, Waiting { waits: waits.clone(), by, paused: false });
            }
        }
        let mut certain = Certain { waiting };
        if certain.waiting.tasks.is_empty() {
            return certain;
        }
        let mut cancels: IdMap<TaskId, Vec<TaskId>> = IdMap::default();
        let mut unblocked: Vec<TaskId> = Vec::new();
        for id in stuck {
            if certain.has_open_wait(model, *id) || certain.cancelled_by(model, *id).next().is_some() {
                unblocked.push(*id);
            } else if let Some(Cancellers { tasks, .. }) = model.cancellers(*id) {
                tasks.iter().for_each(|task| cancels.entry(*task).or_default().push(*id));
            }
        }
        while !unblocked.is_empty() {
            for task in certain.unblock(rules, model, std::mem::take(&mut unblocked)) {
                unblocked.extend(cancels.remove(&task).unwrap_or_default());
            }
            unblocked.retain(|task| certain.is_stuck(*task));
        }
        certain
    }

    /// Lets these tasks make progress. Returns them, and the tasks that they unblock.
    fn unblock(&mut self, rules: Rules, model: &Model, tasks: Vec<TaskId>) -> IdSet<TaskId> {
        let mut touched: IdSet<TaskId> = tasks.iter().copied().collect();
        for task in &tasks {
            self.waiting.set_ground(*task, Tier::Proven, Ground::Unknown);
        }
        let edges = tasks.iter().flat_map(|task| model.edges_of_task(*task));
        let ask: Vec<ResourceId> = edges.map(|edge| edge.resource).collect();
        let look = Look::new(model, rules, Tier::Proven);
        let (waiting, due) = (&mut self.waiting, &mut Due::default());
        Pass { look, waiting, due, touched: &mut touched }.advance(ask);
        touched
    }

    /// Whether a polled wait of the task is for anything but a lock or a join.
    fn has_open_wait(&self, model: &Model, task: TaskId) -> bool {
        let is_open = |id| model.resources.get(&id).is_none_or(|resource| !resource.definition().is_certain());
        let waits = self.waiting.waits(task).into_iter().flat_map(|waits| &waits.pending);
        waits.into_iter().any(|wait| wait.polled && is_open(wait.resource))
    }

    /// The code that may cancel the task or end its runtime: `None` for other code, and the tasks that are not stuck.
    pub(crate) fn cancelled_by(&self, model: &Model, task: TaskId) -> impl Iterator<Item = Option<TaskId>> {
        let cancellers = model.cancellers(task).cloned().unwrap_or_default();
        let tasks = cancellers.tasks.into_iter().filter(|task| !self.is_stuck(*task));
        // A task that has ended may have given its handle away.
        let is_alive = |id: &TaskId| model.tasks.get(id).is_some_and(|task| !has_ended(task));
        let tasks: Vec<Option<TaskId>> = tasks.map(|id| Some(id).filter(is_alive)).collect();
        cancellers.others.then_some(None).into_iter().chain(tasks)
    }

    /// Whether no code can unblock the task.
    pub(crate) fn is_stuck(&self, task: TaskId) -> bool {
        self.waiting.tasks.get(&task).is_some_and(|waiting| waiting.by.of(Tier::Proven).is_none())
    }

    pub(crate) fn waiting(&self) -> &WaitingTasks {
        &self.waiting
    }
}
