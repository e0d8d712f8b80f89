//! The reasons why waiting tasks make progress after all.

use super::look::Look;
use crate::id_map::IdMap;
use crate::wants::{Waits, has_ended};
use crate::{EdgeBody, Model, Resource};
use insight_protocol::{ResourceId, TaskId, Tier};

/// The tasks that do not make progress by themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitingTasks {
    pub(super) tasks: IdMap<TaskId, Waiting>,
}

/// A task that does not make progress by itself.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) waits: Waits,
    pub(super) by: Grounds,
    /// It makes progress by itself now, and made progress by its wait before. So everything that rests on it still holds,
    /// and there is nothing to do until it waits again. Most tasks of a healthy program change between these two states.
    pub(super) paused: bool,
}

/// The reason why a task makes progress, in each pass.
///
/// A task that makes progress without any help from unknowns also makes progress with their help, and for the same
/// reason. So `proven` is set only for tasks that have no other reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grounds {
    pub(super) suspected: Option<Ground>,
    pub(super) proven: Option<Ground>,
}

/// The reason why a waiting task makes progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// An unknown.
    Unknown,
    /// The resource, which needs no waiting task for it.
    Seed(ResourceId),
    /// The resource, by this task, which makes progress.
    Task(ResourceId, TaskId),
    /// The resource, by all its tasks that make progress.
    Units(ResourceId),
}

/// The progress of a task that could unblock others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It makes progress by itself.
    Seed,
    /// It waits, and makes progress because its wait ends.
    Unblocked,
    Stuck,
    Ended,
}

impl WaitingTasks {
    /// The progress of a task in this pass.
    pub(crate) fn role(&self, look: &Look, id: TaskId) -> Role {
        match self.tasks.get(&id).filter(|waiting| !waiting.paused) {
            Some(waiting) => match waiting.by.of(look.tier) {
                None => Role::Stuck,
                Some(Ground::Unknown) => Role::Unblocked,
                Some(_) if look.alone => Role::Stuck,
                Some(_) => Role::Unblocked,
            },
            None if look.model.tasks.get(&id).is_none_or(has_ended) => Role::Ended,
            None => Role::Seed,
        }
    }

    /// The waits of a task; `None` if it makes progress by itself.
    pub(crate) fn waits(&self, task: TaskId) -> Option<&Waits> {
        self.tasks.get(&task).map(|waiting| &waiting.waits)
    }

    /// The tasks that wait for this resource and do not make progress by themselves.
    pub(super) fn of_resource<'a>(
        &'a self,
        model: &'a Model,
        resource: &'a Resource,
    ) -> impl Iterator<Item = TaskId> + 'a {
        let waits = model.edges_of_resource(resource.id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
        waits.map(|edge| edge.task).filter(|task| self.tasks.get(task).is_some_and(|waiting| !waiting.paused))
    }

    /// The reason why the task makes progress in this pass alone.
    pub(super) fn own_ground(&self, task: TaskId, tier: Tier) -> Option<Ground> {
        self.tasks.get(&task)?.by.own(tier)
    }

    /// Sets the reason why a waiting task makes progress.
    pub(super) fn set_ground(&mut self, task: TaskId, tier: Tier, ground: Ground) {
        if let Some(waiting) = self.tasks.get_mut(&task) {
            waiting.by.set(tier, ground);
        }
    }

    /// Removes the reason of this pass alone. Returns whether there was one.
    pub(super) fn take_ground(&mut self, task: TaskId, tier: Tier) -> bool {
        self.tasks.get_mut(&task).is_some_and(|waiting| waiting.by.take(tier))
    }
}

impl Grounds {
    /// The reason in this pass.
    pub(super) fn of(&self, tier: Tier) -> Option<Ground> {
        match tier {
            Tier::Suspected => self.suspected,
            _ => self.suspected.or(self.proven),
        }
    }

    /// The reason of this pass alone.
    fn own(&self, tier: Tier) -> Option<Ground> {
        match tier {
            Tier::Suspected => self.suspected,
            _ => self.proven,
        }
    }

    pub(super) fn set(&mut self, tier: Tier, ground: Ground) {
        match tier {
            // The other reason could come to rest on this task, which no longer needs it.
            Tier::Suspected => *self = Grounds { suspected: Some(ground), proven: self.unknown() },
            _ => self.proven = Some(ground),
        }
    }

    fn take(&mut self, tier: Tier) -> bool {
        match tier {
            Tier::Suspected => self.suspected.take(),
            _ => self.proven.take(),
        }
        .is_some()
    }

    fn unknown(&self) -> Option<Ground> {
        self.proven.filter(|ground| *ground == Ground::Unknown)
    }
}

impl Ground {
    /// Whether the reason is this resource.
    pub(super) fn is_by(self, resource: ResourceId) -> bool {
        match self {
            Ground::Unknown => false,
            Ground::Seed(id) | Ground::Task(id, _) | Ground::Units(id) => id == resource,
        }
    }
}
