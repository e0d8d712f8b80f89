//! Parties: the tasks that can unblock waiters of a resource.

use crate::executor::Executor;
use crate::fact::{EdgeEnd, Fact};
use crate::holds::Mode;
use crate::resource::{AsResource, Resource};
use crate::resource_cell::ResourceCell;
use crate::ring;
use crate::role::Role;
use crate::{clock, ids, journal, on, user};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Maximum number of recorded changes of the task that uses a handle which stays in place. After that many, tasks share
/// the handle, and its last user says little: no further change is recorded.
const MAX_CHANGES: u32 = 4;

/// The task that uses a handle, such as a sender. It is a field of the handle, so that both have the same address.
///
/// Threads that use the handle write and read the fields, all relaxed: the fields order no other memory.
#[derive(Debug, Default)]
pub struct Party {
    /// The open party edge; 0 for none.
    edge: AtomicU64,
    /// The task's ID; 0 for none.
    task: AtomicU64,
    /// The handle's address at the recorded use.
    address: AtomicUsize,
    /// Changes of the task, for [`MAX_CHANGES`].
    changes: AtomicU32,
    /// Number of tasks that the task had spawned at the recorded use.
    spawns: AtomicU32,
}

impl Party {
    /// No task has used the handle yet.
    pub const fn new() -> Party {
        Party {
            edge: AtomicU64::new(0),
            task: AtomicU64::new(0),
            address: AtomicUsize::new(0),
            changes: AtomicU32::new(0),
            spawns: AtomicU32::new(0),
        }
    }

    /// Records that the current task uses the handle. Returns false outside of tasks.
    #[inline]
    pub fn used(
        &self,
        resource: &Resource,
        role: Role,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> bool {
        self.used_from(&raw const *self as usize, resource, role, executor, at)
    }

    /// Like [`used`](Party::used), for a handle at `address` that keeps its `Party` elsewhere.
    #[inline]
    pub fn used_from(
        &self,
        address: usize,
        resource: &Resource,
        role: Role,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> bool {
        if !on() {
            return true;
        }
        let by_task = user::with(executor, at, |task| {
            let id = task.id();
            let in_place = self.address.load(Ordering::Relaxed) == address;
            let same_task = self.task.load(Ordering::Relaxed) == id;
            let spawns = task.spawns();
            let used_since = self.spawns.load(Ordering::Relaxed) == spawns;
            if in_place && same_task && used_since {
                return;
            }
            let exclusive = !task.is_partial() && task.contains(address);
            // After a spawn the recorder no longer takes the handle for the task's own, until it is used again.
            if in_place && same_task && !exclusive {
                return;
            }
            let resource = resource.cell().map_or(0, ResourceCell::id);
            if id == 0 || resource == 0 {
                return;
            }
            let before = self.task.load(Ordering::Relaxed);
            let changes = in_place && !same_task && (before == 0 || ids::is_recorded(before));
            if changes && self.changes.fetch_add(1, Ordering::Relaxed) >= MAX_CHANGES {
                return;
            }
            let edge = open_party(id, resource, role, exclusive);
            self.task.store(id, Ordering::Relaxed);
            self.address.store(address, Ordering::Relaxed);
            self.spawns.store(spawns, Ordering::Relaxed);
            close(self.edge.swap(edge, Ordering::Relaxed), EdgeEnd::Moved);
        });
        by_task.is_some()
    }

    /// Records that the handle is gone, or belongs to no task any more. For a handle that is dropped before its `Party`.
    #[inline]
    pub fn gone(&self) {
        if self.edge.load(Ordering::Relaxed) != 0 {
            close(self.edge.swap(0, Ordering::Relaxed), EdgeEnd::Unsaid);
        }
        self.task.store(0, Ordering::Relaxed);
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        close(*self.edge.get_mut(), EdgeEnd::Unsaid);
    }
}

/// Records a party edge. Returns its ID, or 0 if the queue refused it.
pub(crate) fn open_party(task: u64, resource: u64, role: Role, exclusive: bool) -> u64 {
    let edge = ids::next_edge();
    let taken = ring::push_opening(clock::ticks(), Fact::Party { edge, task, resource, role, exclusive });
    if taken { edge } else { 0 }
}

/// Records the end of an edge, if there is one.
#[inline]
fn close(edge: u64, end: EdgeEnd) {
    if edge != 0 {
        push_closed(edge, end);
    }
}

/// Not inlined into its callers, which usually have no edge.
#[inline(never)]
fn push_closed(edge: u64, end: EdgeEnd) {
    ring::push_closing(clock::ticks(), Fact::EdgeClosed { edge, end });
}

/// Reserved units of a resource, held by the task that reserved them until dropped.
#[derive(Debug)]
pub struct Permits {
    edge: u64,
    /// For units reserved outside of tasks, which a sender there can release: the resource, with that sender counted.
    outside: Option<Resource>,
}

impl Permits {
    /// Records that the current task holds `units` of `resource`.
    pub fn new(
        resource: &Resource,
        units: u64,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Permits {
        if !on() {
            return Permits { edge: 0, outside: None };
        }
        let edge = user::with(executor, at, |task| {
            let (task, resource) = (task.id(), resource.cell().map_or(0, |cell: &Arc<ResourceCell>| cell.id()));
            if task == 0 || resource == 0 {
                return 0;
            }
            let edge = ids::next_edge();
            let permit = Fact::Permit { edge, task, resource, units, location: at };
            let taken = ring::push_opening(clock::ticks(), permit);
            if taken { edge } else { 0 }
        });
        let outside = edge.is_none().then(|| {
            resource.count_outside(Role::Sender, 1);
            resource.clone()
        });
        let mut edge = edge.unwrap_or(0);
        if journal::is_on() {
            edge = if edge == 0 && outside.is_some() { ids::next_edge() } else { edge };
            Permits::record(edge, resource, units, executor, at);
        }
        Permits { edge, outside }
    }

    /// Records the hold at detail `operations`. `edge` is 0 if the queue has refused it; outside of tasks, there is no such edge.
    #[cold]
    #[inline(never)]
    fn record(edge: u64, resource: &Resource, units: u64, executor: &'static Executor, at: &'static Location<'static>) {
        let resource = resource.cell().map_or(0, ResourceCell::id);
        if edge != 0 && resource != 0 {
            journal::held_by(executor, edge, resource, Mode::Permit, units, at);
        }
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        if self.edge != 0 && journal::is_on() {
            journal::released(self.edge);
        }
        close(self.edge, EdgeEnd::Released);
        if let Some(resource) = &self.outside {
            resource.count_outside(Role::Sender, -1);
        }
    }
}
