//! Resources that can stand in a static.

use crate::executor::Executor;
use crate::resource::{AsResource, Resource, ResourceCell, Type};
use crate::{current, on, task};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

/// A resource whose cell is made at its first use, so that it can stand in a static.
#[derive(Debug)]
pub struct LazyResource {
    cell: OnceLock<Resource>,
    kind: Type,
    location: &'static Location<'static>,
    capacity: Option<usize>,
}

impl LazyResource {
    /// A resource that was created at `location`; `capacity` is `None` when it has no bound.
    pub const fn new(kind: Type, location: &'static Location<'static>, capacity: Option<usize>) -> LazyResource {
        LazyResource { cell: OnceLock::new(), kind, location, capacity }
    }

    /// `None` when it was not used yet while recording is on.
    #[inline]
    pub fn if_seen(&self) -> Option<&Resource> {
        self.cell.get()
    }

    /// The resource, which is now used; `None` while recording is off and it was not used before.
    #[inline]
    pub fn seen(&self) -> Option<&Resource> {
        if let Some(resource) = self.cell.get() {
            return Some(resource);
        }
        // Recorded when its id is first asked for.
        on().then(|| self.cell.get_or_init(|| Resource(ResourceCell::new(self.kind, self.location, self.capacity))))
    }
}

impl AsResource for LazyResource {
    #[inline]
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.seen().map(|resource| &resource.0)
    }
}

/// A resource that one task can hold, with its holder: a mutex, a value that is being made.
#[derive(Debug)]
pub struct Lock {
    resource: LazyResource,
}

impl Lock {
    /// A lock of this kind that was created at `location`.
    pub const fn new(kind: Type, location: &'static Location<'static>) -> Lock {
        Lock { resource: LazyResource::new(kind, location, None) }
    }

    /// Notes that the current task has it now. To be called with the lock held.
    ///
    /// `transferable`: the guard may move to another task unseen.
    #[inline]
    pub fn acquired(&self, executor: &'static Executor, at: &'static Location<'static>, transferable: bool) {
        if !on() {
            return;
        }
        let Some(cell) = self.cell() else { return };
        cell.id();
        current::with(executor, at, |task| {
            let id = task.id();
            cell.held_since.store(task.poll_time(), Ordering::Relaxed);
            cell.held_at.store(ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
            cell.transferable.store(transferable, Ordering::Relaxed);
            task::add(&cell.holds, 1);
            cell.holder.store(id, Ordering::Release);
        });
    }

    /// Notes that nobody has it. To be called before it is really free.
    #[inline]
    pub fn released(&self) {
        if let Some(resource) = self.resource.if_seen() {
            resource.0.holder.store(0, Ordering::Relaxed);
        }
    }
}

impl AsResource for Lock {
    #[inline]
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.resource.cell()
    }
}
