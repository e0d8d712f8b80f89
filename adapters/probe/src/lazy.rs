//! Resources that can stand in a static.

use crate::executor::Executor;
use crate::resource::{AsResource, Resource, ResourceCell, Type};
use crate::{current, on};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{Ordering, fence};
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

    /// Notes how many units are in use, as `length` says, which several threads change.
    pub fn measure(&self, length: impl Fn() -> usize) {
        let Some(resource) = self.seen() else { return };
        loop {
            let measured = length();
            resource.set_length(measured);
            // Who changed it last may have written before who changed it first: whoever wrote looks whether it is
            // another by now. With the fence, of two writers one sees the other's change, or writes last.
            fence(Ordering::SeqCst);
            if length() == measured {
                return;
            }
        }
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
        let resource = cell.id();
        current::with(executor, at, |task| {
            let id = task.id();
            task.note_hold(resource, 0);
            cell.held_since.store(task.poll_time(), Ordering::Relaxed);
            cell.held_at.store(ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
            cell.transferable.store(transferable, Ordering::Relaxed);
            cell.one_more_hold();
            cell.holder.store(id, Ordering::Release);
        });
    }

    /// Notes that the current task uses what it is held by, a guard that can move to another task: it is that task's now.
    #[inline]
    pub fn used(&self, executor: &'static Executor) {
        if on() {
            self.moved(executor);
        }
    }

    /// Not a part of its callers, which read and write through their guard.
    #[inline(never)]
    fn moved(&self, executor: &'static Executor) {
        let Some(Resource(cell)) = self.resource.if_seen() else { return };
        let holder = cell.holder.load(Ordering::Relaxed);
        if holder == 0 || current::recorded_id() == holder {
            return;
        }
        // SAFETY: a `&'static Location`, stored before the holder was.
        let Some(at) = (unsafe { cell.held_at.load(Ordering::Relaxed).as_ref() }) else { return };
        // Outside of tasks: nobody that is known has it.
        let user = current::with(executor, at, |task| {
            task.note_hold(cell.id(), 0);
            (task.id(), task.poll_time())
        });
        let (task, since) = user.unwrap_or_default();
        if task != holder {
            cell.holder.store(0, Ordering::Relaxed);
            cell.held_since.store(since, Ordering::Relaxed);
            cell.one_more_hold();
            cell.holder.store(task, Ordering::Release);
        }
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
