//! Resources for statics.

use crate::acquirer::Acquirer;
use crate::executor::Executor;
use crate::resource::{AsResource, Resource};
use crate::resource_cell::{ResourceCell, Type};
use crate::word::Mark;
use crate::{current, journal, on, user};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, OnceLock};

/// A resource whose cell is made at its first use, so that it can be in a static.
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
    pub fn if_used(&self) -> Option<&Resource> {
        self.cell.get()
    }

    /// The resource, which is now used; `None` while recording is off and it was not used before.
    #[inline]
    pub fn used(&self) -> Option<&Resource> {
        if let Some(resource) = self.cell.get() {
            return Some(resource);
        }
        // Recorded when its id is first asked for.
        on().then(|| self.cell.get_or_init(|| Resource(ResourceCell::new(self.kind, self.location, self.capacity))))
    }

    /// Notes how many units are in use, as `length` says, which several threads change.
    pub fn measure(&self, length: impl Fn() -> usize) {
        let Some(resource) = self.used() else { return };
        loop {
            let measured = length();
            resource.set_length(measured);
            // The thread that changed it last may have written first, so each writer checks for a newer value. With
            // the fence, one of two writers observes the other's change, or writes last.
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
        self.used().map(|resource| &resource.0)
    }
}

/// A resource that one task can hold, with its holder: a mutex, or a value that a task is making.
#[derive(Debug)]
pub struct Lock {
    resource: LazyResource,
}

impl Lock {
    /// A lock of this kind that was created at `location`.
    pub const fn new(kind: Type, location: &'static Location<'static>) -> Lock {
        Lock { resource: LazyResource::new(kind, location, None) }
    }

    /// Records that the current task holds it now. Call it with the lock held.
    ///
    /// The guard may move to another task unobserved, unless it borrows and `by` lies in the task's own future. Returns the mark for the
    /// guard's reference to this lock.
    #[inline]
    pub fn acquired(&self, executor: &'static Executor, at: &'static Location<'static>, by: Acquirer) -> Mark {
        if !on() {
            return Mark::NONE;
        }
        let Some(cell) = self.cell() else { return Mark::NONE };
        let resource = cell.id();
        let number = cell.next_hold();
        if journal::is_on() {
            journal::locked(resource, executor, at);
        }
        user::with(executor, at, |task| {
            let id = task.id();
            task.note_lock(resource);
            cell.held_since.store(task.poll_time(), Ordering::Relaxed);
            cell.held_at.store(ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
            cell.set_hold(number, ptr::from_ref(self).addr(), by);
            cell.holder.store(id, Ordering::Release);
        });
        Mark::of(number)
    }

    /// Records that the current task uses a guard that can move between tasks: the hold now belongs to that task.
    #[inline]
    pub fn used(&self, executor: &'static Executor) {
        if on() {
            self.moved(executor);
        }
    }

    /// Not a part of its callers, which read and write through their guard.
    #[inline(never)]
    fn moved(&self, executor: &'static Executor) {
        let Some(Resource(cell)) = self.resource.if_used() else { return };
        let holder = cell.holder.load(Ordering::Relaxed);
        if holder == 0 || current::recorded_id() == holder {
            return;
        }
        // SAFETY: a `&'static Location`, stored before the holder was.
        let Some(at) = (unsafe { cell.held_at.load(Ordering::Relaxed).as_ref() }) else { return };
        // Outside of tasks: the holder is unknown.
        let user = user::with(executor, at, |task| {
            task.note_lock(cell.id());
            (task.id(), task.poll_time())
        });
        let (task, since) = user.unwrap_or_default();
        if task != holder {
            cell.holder.store(0, Ordering::Relaxed);
            cell.held_since.store(since, Ordering::Relaxed);
            cell.same_guard_moved();
            cell.holder.store(task, Ordering::Release);
            if journal::is_on() {
                journal::lock_moved(cell.id(), task);
            }
        }
    }

    /// Records that no task holds it. Call it before the real release.
    #[inline]
    pub fn released(&self) {
        if let Some(resource) = self.resource.if_used() {
            // r[operation.brackets]
            if journal::is_on() {
                journal::unlocked(resource.0.id.load(Ordering::Relaxed));
            }
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
