//! Waiting for the end of tasks.

use crate::executor::Executor;
use crate::observed::TaskRef;
use crate::on;
use crate::party::{Role, open_party};
use crate::resource::{AsResource, Resource};
use crate::wait::{Op, Site, Waiting};
use std::panic::Location;
use std::task::{Context, Poll};

/// The wait for the end of one task; a field of its join handle.
#[derive(Debug)]
pub struct Joining {
    task: TaskRef,
    waiting: Waiting,
    /// Made when the task is waited for and has not ended: most are never waited for.
    resource: Option<Resource>,
}

impl Joining {
    /// For the handle of `task`.
    pub fn new(task: TaskRef) -> Joining {
        Joining { task, waiting: Waiting::new(), resource: None }
    }

    /// Polls the handle by `poll`, and notes whether the current task waits.
    pub fn poll<T>(
        &mut self,
        executor: &'static Executor,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // The `.await` of a handle calls nothing of ours that could know its caller.
        let site = Site { executor, op: Op::Join, need: 1, location: None };
        let Joining { task, waiting, resource } = self;
        waiting.poll_with(
            || {
                Some(&*resource.get_or_insert_with(|| {
                    let named_by = task.0.as_ref().map_or("", |cell| cell.meta.type_name);
                    let resource = Resource::join(task.1, named_by);
                    join_party(&resource, task);
                    resource
                }))
            },
            &site,
            cx,
            poll,
        )
    }
}

fn join_party(resource: &Resource, task: &TaskRef) {
    let Some(cell) = &task.0 else { return };
    let (task, resource) = (cell.id(), resource.cell().map_or(0, |cell| cell.id()));
    if task != 0 && resource != 0 {
        // Closed with the task, or with the resource.
        open_party(task, resource, Role::Joined, true);
    }
}

/// The wait for the end of any task of a set; a field of the set.
#[derive(Debug)]
pub struct JoiningAny {
    resource: Option<Resource>,
    location: &'static Location<'static>,
}

impl JoiningAny {
    /// For a set that was created at `location`.
    pub const fn new(location: &'static Location<'static>) -> JoiningAny {
        JoiningAny { resource: None, location }
    }

    /// Notes that `task` was spawned into the set.
    pub fn add(&mut self, task: &TaskRef) {
        if on() {
            join_party(self.resource.get_or_insert_with(|| Resource::join(self.location, "")), task);
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
        waiting.poll_with(|| self.resource.as_ref(), &site, cx, poll)
    }
}
