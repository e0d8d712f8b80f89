//! Waiting for the end of tasks.

use crate::executor::Executor;
use crate::fact::Fact;
use crate::lazy::LazyResource;
use crate::observed::TaskRef;
use crate::party::open_party;
use crate::resource::AsResource;
use crate::resource_cell::{ResourceCell, Type};
use crate::role::Role;
use crate::wait::{Op, Site, Waiting, join_of};
use crate::word::JoinWord;
use crate::{clock, ids, on, ring};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The wait for the end of one task; a field of its join handle.
#[derive(Debug)]
pub struct Joining {
    /// The handle's word.
    task: JoinWord,
    waiting: Waiting,
}

impl Joining {
    /// For the handle of `task`.
    pub fn new(task: TaskRef) -> Joining {
        Joining { task: JoinWord::new(task.0), waiting: Waiting::new() }
    }

    /// Records that code without this handle can cancel the task from now on. Call it before that code gets there.
    pub fn hands_out(&self) {
        let task = self.task.task();
        if ids::is_recorded(task) {
            // If the queue refuses it, the recorder takes all tasks for cancellable.
            let _ = ring::push_opening(clock::ticks(), Fact::Cancellable { task });
        }
    }

    /// Polls the handle by `poll`, and notes whether the current task waits, and at which `.await`: call it in a `poll` with
    /// `#[track_caller]`.
    #[inline]
    #[track_caller]
    pub fn poll<T>(
        &mut self,
        executor: &'static Executor,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let site = Site { executor, op: Op::Join, need: 1, location: Some(Location::caller()) };
        let Joining { task, waiting } = self;
        let target = || join_of(task.task());
        waiting.poll_with(target, &site, cx, poll)
    }
}

impl Drop for Joining {
    /// Erases the word: a search of the program's memory must not find a handle that is gone.
    #[inline]
    fn drop(&mut self) {
        self.task.erase();
    }
}

/// The wait for the end of any task of a set; a field of the set.
#[derive(Debug)]
pub struct JoiningAny {
    /// Recorded with its first task.
    resource: LazyResource,
}

impl JoiningAny {
    /// For a set that was created at `location`.
    pub const fn new(location: &'static Location<'static>) -> JoiningAny {
        JoiningAny { resource: LazyResource::new(Type::JoinSet, location, None) }
    }

    /// Notes that `task` was spawned into the set.
    pub fn add(&mut self, task: &TaskRef) {
        if on() {
            let TaskRef(task) = *task;
            let resource = self.cell().map_or(0, ResourceCell::id);
            if task != 0 && resource != 0 {
                // Closed with the task, or with the resource.
                open_party(task, resource, Role::Joined, true);
            }
        }
    }

    /// Sets the number of tasks in the set. Tasks without a known party were spawned unobserved.
    #[inline]
    pub fn set_length(&self, length: usize) {
        if let Some(resource) = self.resource.if_used() {
            resource.set_length(length);
        }
    }

    /// Polls the set by `poll`, and notes whether the current task waits.
    pub fn poll<T>(
        &self,
        waiting: &mut Waiting,
        executor: &'static Executor,
        location: Option<&'static Location<'static>>,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let site = Site { executor, op: Op::JoinAny, need: 1, location };
        // A set that no task was spawned into, such as tokio's own that was taken in, is not recorded.
        let set = || self.resource.if_used().and_then(AsResource::cell).map_or(0, ResourceCell::id);
        waiting.poll_with(set, &site, cx, poll)
    }
}

impl AsResource for JoiningAny {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.resource.cell()
    }
}
