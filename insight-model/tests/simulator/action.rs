//! The steps of tasks.

use crate::handover::{Item, To};
use crate::world::*;

/// One step of one task. An illegal step has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Gets the units at the first poll.
    Take {
        task: Task,
        resource: u8,
        verb: Verb,
        need: u8,
        guard: Guard,
    },
    /// Polls an operation that is not ready.
    Begin {
        task: Task,
        resource: u8,
        handle: u8,
        verb: Verb,
        need: u8,
        guard: Guard,
    },
    /// Returns pending, after a poll of these operations.
    Park {
        task: Task,
        polled: u8,
    },
    /// Is polled, and an operation that it waits for is ready. It keeps or drops the others later.
    Resume {
        task: Task,
        operation: u8,
    },
    /// Is polled, and nothing that it waits for is ready.
    Poll {
        task: Task,
    },
    /// Polls a kept operation that is ready. `of` polled it before.
    Claim {
        task: Task,
        of: Task,
        operation: u8,
    },
    /// Polls an operation that another task began, and that is not ready.
    Adopt {
        task: Task,
        of: Task,
        operation: u8,
    },
    Abandon {
        task: Task,
        of: Task,
        operation: u8,
    },
    Release {
        task: Task,
        resource: u8,
        hold: u8,
    },
    Send {
        task: Task,
        resource: u8,
        handle: u8,
    },
    /// Sends by a place that it has reserved.
    SendReserved {
        task: Task,
        resource: u8,
        hold: u8,
    },
    Receive {
        task: Task,
        resource: u8,
        handle: u8,
    },
    Drop {
        task: Task,
        resource: u8,
        handle: u8,
    },
    /// Adds a permit to a semaphore.
    Add {
        task: Task,
        resource: u8,
    },
    /// Closes a semaphore or a channel.
    Close {
        task: Task,
        resource: u8,
    },
    /// Cancels another task.
    Cancel {
        task: Task,
        target: Task,
    },
    /// Gives a thing away.
    Give {
        task: Task,
        item: Item,
        to: To,
    },
    End {
        task: Task,
    },
}

impl Action {
    pub fn task(&self) -> Task {
        match *self {
            Action::Take { task, .. }
            | Action::Begin { task, .. }
            | Action::Park { task, .. }
            | Action::Resume { task, .. }
            | Action::Poll { task }
            | Action::Claim { task, .. }
            | Action::Adopt { task, .. }
            | Action::Abandon { task, .. }
            | Action::Release { task, .. }
            | Action::Send { task, .. }
            | Action::SendReserved { task, .. }
            | Action::Receive { task, .. }
            | Action::Drop { task, .. }
            | Action::Add { task, .. }
            | Action::Close { task, .. }
            | Action::Cancel { task, .. }
            | Action::Give { task, .. }
            | Action::End { task } => task,
        }
    }

    /// The resources of the step.
    pub fn resources(&mut self) -> Vec<&mut u8> {
        match self {
            Action::Take { resource, .. }
            | Action::Begin { resource, .. }
            | Action::Release { resource, .. }
            | Action::Send { resource, .. }
            | Action::SendReserved { resource, .. }
            | Action::Receive { resource, .. }
            | Action::Drop { resource, .. }
            | Action::Add { resource, .. }
            | Action::Close { resource, .. } => vec![resource],
            Action::Give { item, to, .. } => item.resource().into_iter().chain(to.channel()).collect(),
            Action::Park { .. }
            | Action::Resume { .. }
            | Action::Poll { .. }
            | Action::Claim { .. }
            | Action::Adopt { .. }
            | Action::Abandon { .. }
            | Action::Cancel { .. }
            | Action::End { .. } => Vec::new(),
        }
    }
}
