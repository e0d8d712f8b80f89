//! The handles that were sought, and the tasks in whose futures they were found.

use crate::search::{Copies, Place};
use insight_model::Model;
use insight_probe::Word;
use insight_protocol::{EdgeId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// A handle that could resolve a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Handle {
    /// The guard of a hold.
    Guard(EdgeId),
    /// The join handle of a task.
    Join(TaskId),
}

impl Handle {
    /// The task of a join handle.
    pub(super) fn joined(&self) -> Option<TaskId> {
        match self {
            Handle::Guard(_) => None,
            Handle::Join(task) => Some(*task),
        }
    }
}

/// The places of a handle.
#[derive(Debug)]
struct Places {
    word: Word,
    /// The tasks with a copy in their own future.
    holders: BTreeSet<TaskId>,
    /// A copy is in other memory that may be in use.
    elsewhere: bool,
    /// A holder was not stuck all the time, so the handle may have moved.
    outdated: bool,
}

/// The places of the handles that were sought.
#[derive(Debug, Default)]
pub(super) struct Handles(BTreeMap<Handle, Places>);

impl Handles {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&Handle) -> bool) {
        self.0.retain(|handle, _| is_kept(handle));
    }

    /// `stuck` are the tasks that were stuck during the whole search.
    pub(super) fn insert(&mut self, handle: Handle, word: Word, copies: &Copies, stuck: &BTreeSet<TaskId>) {
        let (mut holders, mut elsewhere) = (BTreeSet::new(), copies.are_cut());
        for copy in &copies.copies {
            match copy.place {
                Place::Future(task) => _ = holders.insert(task),
                Place::Stack(_) | Place::Elsewhere => elsewhere = true,
                Place::DeadStack(_) => {}
            }
        }
        let outdated = !holders.is_subset(stuck);
        self.0.insert(handle, Places { word, holders, elsewhere, outdated });
    }

    /// Notes that only these tasks are stuck now: all others may have moved their handles.
    pub(super) fn unstuck(&mut self, stuck: &BTreeSet<TaskId>, model: &Model) {
        for places in self.0.values_mut() {
            places.outdated |= !places.holders.is_subset(stuck);
            // An ended task has dropped its future.
            places.holders.retain(|task| model.tasks.get(task).is_some_and(|task| task.outcome().is_none()));
        }
    }

    /// Whether the present places of a handle with this word are known.
    pub(super) fn is_known(&self, handle: Handle, word: Word) -> bool {
        self.0.get(&handle).is_some_and(|places| places.word == word && !places.outdated)
    }

    /// The other tasks that may have the join handle of a task.
    pub(super) fn holders(&self, task: TaskId) -> impl Iterator<Item = TaskId> + '_ {
        let holders = self.0.get(&Handle::Join(task)).into_iter().flat_map(|places| places.holders.iter().copied());
        holders.filter(move |holder| *holder != task)
    }

    /// Whether other code may have the join handle of a task.
    pub(super) fn is_elsewhere(&self, task: TaskId) -> bool {
        self.0.get(&Handle::Join(task)).is_some_and(|places| places.elsewhere)
    }
}
