//! Who can free a resource.

use crate::executor::Executor;
use crate::resource::{AsResource, Resource, ResourceCell};
use crate::ring::{self, Record, RecordKind};
use crate::{clock, current, ids, on};
use insight_protocol::{EdgeOutcome, PartyRole};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// By what a task can free a resource.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has a sender.
    Sender,
    /// It has a receiver.
    Receiver,
    /// Its end is what is waited for.
    Joined,
}

impl Role {
    pub(crate) fn from_word(word: u64) -> PartyRole {
        match word {
            0 => PartyRole::Sender,
            1 => PartyRole::Receiver,
            _ => PartyRole::Joined,
        }
    }
}

/// After so many changes of the task that uses a handle which stays in place, the handle is shared by tasks, and who
/// used it last says little: no further change is recorded.
const MAX_CHANGES: u32 = 4;

/// The task that uses a handle, such as a sender; a field of the handle, so that it lies where the handle lies.
#[derive(Debug, Default)]
pub struct Party {
    /// The open party edge; 0 for none.
    edge: AtomicU64,
    task: AtomicU64,
    address: AtomicUsize,
    changes: AtomicU32,
    /// How many tasks the task had spawned then.
    spawns: AtomicU32,
}

impl Party {
    /// Nobody has used the handle yet.
    pub const fn new() -> Party {
        Party {
            edge: AtomicU64::new(0),
            task: AtomicU64::new(0),
            address: AtomicUsize::new(0),
            changes: AtomicU32::new(0),
            spawns: AtomicU32::new(0),
        }
    }

    /// Notes that the current task uses the handle. False outside of tasks.
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

    /// As [`used`](Party::used), for a handle at `address` that keeps this elsewhere.
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
        let by_task = current::with(executor, at, |task| {
            let id = task.id();
            let in_place = self.address.load(Ordering::Relaxed) == address;
            let same_task = self.task.load(Ordering::Relaxed) == id;
            let spawns = task.spawns.load(Ordering::Relaxed);
            let used_since = self.spawns.load(Ordering::Relaxed) == spawns;
            if in_place && same_task && used_since {
                return;
            }
            let exclusive = !task.partial && task.contains(address);
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
            close(self.edge.swap(edge, Ordering::Relaxed), 2);
        });
        by_task.is_some()
    }

    /// Notes that the handle is gone, where this is dropped later than it, or is no task's any more.
    #[inline]
    pub fn gone(&self) {
        if self.edge.load(Ordering::Relaxed) != 0 {
            close(self.edge.swap(0, Ordering::Relaxed), 0);
        }
        self.task.store(0, Ordering::Relaxed);
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        close(*self.edge.get_mut(), 0);
    }
}

/// Records a party edge; 0 when it could not be taken.
pub(crate) fn open_party(task: u64, resource: u64, role: Role, exclusive: bool) -> u64 {
    let edge = ids::next_edge();
    let words = [edge, task, resource, role as u64, u64::from(exclusive)];
    let taken = ring::push_opening(Record { ticks: clock::ticks(), kind: RecordKind::Party, words });
    if taken { edge } else { 0 }
}

/// Records the end of an edge, if there is one.
fn close(edge: u64, outcome: u64) {
    if edge != 0 {
        let words = [edge, outcome, 0, 0, 0];
        ring::push_closing(Record { ticks: clock::ticks(), kind: RecordKind::EdgeClosed, words });
    }
}

pub(crate) fn edge_outcome(word: u64) -> Option<EdgeOutcome> {
    match word {
        1 => Some(EdgeOutcome::Released),
        2 => Some(EdgeOutcome::Moved),
        3 => Some(EdgeOutcome::Claimed),
        4 => Some(EdgeOutcome::Abandoned),
        _ => None,
    }
}

/// Reserved units of a resource, held by the task that reserved them until dropped.
#[derive(Debug)]
pub struct Permits {
    edge: u64,
    /// Reserved outside of tasks: by somebody who has a sender.
    outside: Option<Resource>,
}

impl Permits {
    /// Notes that the current task holds `units` of `resource`.
    pub fn new(
        resource: &Resource,
        units: u64,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Permits {
        if !on() {
            return Permits { edge: 0, outside: None };
        }
        let edge = current::with(executor, at, |task| {
            let (task, resource) = (task.id(), resource.cell().map_or(0, |cell: &Arc<ResourceCell>| cell.id()));
            if task == 0 || resource == 0 {
                return 0;
            }
            let edge = ids::next_edge();
            let words = [edge, task, resource, units, &raw const *at as usize as u64];
            let taken = ring::push_opening(Record { ticks: clock::ticks(), kind: RecordKind::Permit, words });
            if taken { edge } else { 0 }
        });
        let outside = edge.is_none().then(|| {
            resource.count_outside(Role::Sender, 1);
            resource.clone()
        });
        Permits { edge: edge.unwrap_or(0), outside }
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        close(self.edge, 1);
        if let Some(resource) = &self.outside {
            resource.count_outside(Role::Sender, -1);
        }
    }
}
