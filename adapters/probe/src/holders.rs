//! Resources that several can hold at once: locks for many readers, semaphores.

use crate::acquirer::Acquirer;
use crate::executor::Executor;
use crate::holds::{HoldFacts, Holds, Mode};
use crate::lazy::LazyResource;
use crate::resource::{AsResource, Resource};
use crate::resource_cell::{HandOff, ResourceCell, Type, UNSEEN};
use crate::word::{GuardWord, Mark, Marked};
use crate::{clock, current, ids, journal, on, user};
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The holders of a resource that several can hold; a field of the primitive.
///
/// An uncontended hold costs two read-modify-writes and a few stores, and no event: the recorder samples the open holds.
#[derive(Debug)]
pub struct Holders {
    resource: LazyResource,
    /// Number of units; [`UNSEEN`] if there is no such number.
    capacity: AtomicU64,
    /// There may be unrecorded holders: it was used while recording was off.
    uncounted: AtomicBool,
}

impl Holders {
    /// For a lock for one writer or many readers that was created at `location`.
    pub const fn rwlock(order: HandOff, location: &'static Location<'static>) -> Holders {
        Holders::new(Type::Rwlock(order), location, UNSEEN)
    }

    /// For a semaphore with this number of permits that was created at `location`.
    pub const fn semaphore(order: HandOff, location: &'static Location<'static>, permits: usize) -> Holders {
        Holders::new(Type::Semaphore(order), location, permits as u64)
    }

    const fn new(kind: Type, location: &'static Location<'static>, capacity: u64) -> Holders {
        Holders {
            resource: LazyResource::new(kind, location, None),
            capacity: AtomicU64::new(capacity),
            uncounted: AtomicBool::new(false),
        }
    }

    /// Adds `units`, also while recording is off.
    pub fn added(&self, units: usize) {
        self.capacity.fetch_add(units as u64, Ordering::SeqCst);
        self.tell_capacity();
    }

    /// Removes `units` that no task holds, also while recording is off.
    pub fn taken_away(&self, units: usize) {
        self.capacity.fetch_sub(units as u64, Ordering::SeqCst);
        self.tell_capacity();
    }

    fn tell_capacity(&self) {
        if let Some(Resource(cell)) = self.resource.if_used() {
            self.update(cell);
        }
    }

    /// Updates the cell, which may have been made after a change.
    #[inline]
    fn update(&self, cell: &ResourceCell) {
        let mut capacity = self.capacity.load(Ordering::SeqCst);
        // The thread that stores last has read last.
        while cell.capacity.load(Ordering::Relaxed) != capacity {
            cell.capacity.swap(capacity, Ordering::SeqCst);
            capacity = self.capacity.load(Ordering::SeqCst);
        }
        if self.uncounted.load(Ordering::Relaxed) {
            cell.uncounted.store(true, Ordering::Relaxed);
        }
    }

    /// Records that the current task holds `units` of it now. Call it after the real lock was taken, and drop the
    /// result before the real lock is released.
    ///
    /// The guard may move to another task unobserved, unless it borrows and `by` lies in the task's own future.
    #[inline]
    pub fn acquired(
        &self,
        mode: Mode,
        units: usize,
        by: Acquirer,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Held<'_> {
        let opened = if on() { self.open(mode, units, by, executor, at) } else { Opened::NOT };
        // Any thread may store this, and usually no store is needed.
        if opened.index == UNRECORDED && units > 0 && !self.uncounted.load(Ordering::Relaxed) {
            self.uncounted.store(true, Ordering::Relaxed);
        }
        Held::new(self, opened)
    }

    /// Not inlined, so that its callers are small while recording is off.
    #[inline(never)]
    fn open(
        &self,
        mode: Mode,
        units: usize,
        by: Acquirer,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Opened {
        self.try_open(mode, units, by, executor, at).unwrap_or(Opened::NOT)
    }

    #[inline]
    fn try_open(
        &self,
        mode: Mode,
        units: usize,
        by: Acquirer,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Option<Opened> {
        if units == 0 {
            return None;
        }
        let cell = self.cell()?;
        let holds = cell.open_holds.as_deref()?;
        if cell.uncounted.load(Ordering::Relaxed)
            && (mode == Mode::Exclusive || units as u64 == self.capacity.load(Ordering::Relaxed))
        {
            // A holder of all units is the only holder.
            self.uncounted.store(false, Ordering::Relaxed);
            cell.uncounted.store(false, Ordering::Relaxed);
        }
        let resource = cell.id();
        let edge = ids::next_edge();
        let mark = Mark::of(edge << 1 | 1);
        let guard = GuardWord::new(ptr::from_ref(self).addr(), mark);
        if journal::is_on() {
            journal::held_by(executor, edge, resource, mode, units as u64, at);
        }
        let opened = user::with(executor, at, |task| {
            let task_id = task.id();
            let facts = HoldFacts {
                edge,
                task: task_id,
                mode,
                transferable: !by.is_kept_by(task),
                units: units as u64,
                since: task.poll_time(),
                location: Some(at),
                guard,
            };
            let index = holds.open(&facts)?;
            task.note_hold(resource, index);
            Some(index)
        });
        let index = opened.unwrap_or_else(|| {
            // Outside of tasks: the holder is unknown.
            let (units, since, location, transferable) = (units as u64, clock::ticks(), Some(at), true);
            holds.open(&HoldFacts { edge, task: 0, mode, transferable, units, since, location, guard })
        })?;
        Some(Opened { index, mark })
    }
}

impl AsResource for Holders {
    #[inline]
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        let cell = self.resource.cell()?;
        self.update(cell);
        Some(cell)
    }
}

/// A hold, open until it is dropped; a field of the guard, before the real guard.
#[derive(Debug)]
pub struct Held<'a> {
    /// The guard's word.
    holders: Marked<'a, Holders>,
    /// See [`Opened`].
    index: u32,
    /// It is being moved to the task that uses it. Several tasks may use a shared guard at once.
    moving: AtomicBool,
}

const UNRECORDED: u32 = u32::MAX;

/// A hold that was opened, or not. It fits in two registers.
#[derive(Clone, Copy, Debug)]
struct Opened {
    /// Its place in the cell; [`UNRECORDED`] when it has none.
    index: u32,
    /// The mark of its guard.
    mark: Mark,
}

impl Opened {
    const NOT: Opened = Opened { index: UNRECORDED, mark: Mark::NONE };
}

impl<'a> Held<'a> {
    fn new(holders: &'a Holders, opened: Opened) -> Held<'a> {
        let Opened { index, mark } = opened;
        Held { holders: Marked::new(holders, mark), index, moving: AtomicBool::new(false) }
    }

    fn holds(&self) -> Option<(&'a Holds, u32)> {
        if self.index == UNRECORDED {
            return None;
        }
        let Resource(cell) = self.holders.get().resource.if_used()?;
        Some((cell.open_holds.as_deref()?, self.index))
    }

    /// Records that the current task uses it through a guard that can move between tasks: the hold now belongs to that task.
    #[inline]
    pub fn used(&self, executor: &'static Executor) {
        if self.index != UNRECORDED && on() {
            self.moved(executor);
        }
    }

    /// Not inlined into its callers, which read and write through their guard.
    #[inline(never)]
    fn moved(&self, executor: &'static Executor) {
        let Some((holds, index)) = self.holds() else { return };
        let Some((edge, task)) = holds.task_at(index) else { return };
        if task != 0 && current::recorded_id() == task || self.moving.swap(true, Ordering::Acquire) {
            return;
        }
        let before = holds.at(index).filter(|hold| hold.edge == edge);
        if let Some((before, at)) = before.and_then(|before| Some((before, before.location?))) {
            let user = user::with(executor, at, |task| (task.id(), task.poll_time(), task.clone()));
            // Outside of tasks: the holder is unknown.
            let (task, since) = user.as_ref().map_or((0, before.since), |(id, since, _)| (*id, *since));
            if task != before.task {
                self.replace(holds, index, |before| HoldFacts { edge: ids::next_edge(), task, since, ..before });
                if let (Some((_, _, cell)), Some(resource)) = (user, self.holders.get().resource.if_used()) {
                    cell.note_hold(resource.0.id(), index);
                }
            }
        }
        self.moving.store(false, Ordering::Release);
    }

    #[inline(never)]
    fn close(&self) {
        if let Some((holds, index)) = self.holds() {
            if let (true, Some((edge, _))) = (journal::is_on(), holds.task_at(index)) {
                journal::released(edge);
            }
            holds.close(index);
        }
    }

    /// Replaces its own hold.
    fn replace(&self, holds: &Holds, index: u32, change: impl FnOnce(HoldFacts) -> HoldFacts) {
        holds.replace(index, |before| {
            let after = change(before);
            if journal::is_on() {
                journal::moved(before.edge, after.edge, after.task, after.mode, after.units);
            }
            after
        });
    }

    /// Records that others can hold it, too. Call it before the real downgrade.
    pub fn downgrade(&mut self) {
        if let Some((holds, index)) = self.holds() {
            self.replace(holds, index, |before| HoldFacts {
                edge: ids::next_edge(),
                mode: Mode::Shared,
                since: clock::ticks(),
                ..before
            });
        }
    }

    /// Records that no other task can hold it, by the operation at `at`. Call it after the real upgrade.
    pub fn upgrade(&mut self, at: &'static Location<'static>) {
        if let Some((holds, index)) = self.holds() {
            self.replace(holds, index, |before| HoldFacts {
                edge: ids::next_edge(),
                mode: Mode::Exclusive,
                since: clock::ticks(),
                location: Some(at),
                ..before
            });
        }
    }

    /// Splits off `units` as a new hold. It must have at least this number.
    #[must_use]
    pub fn split(&mut self, units: usize) -> Held<'a> {
        let holders = self.holders.get();
        let mut part = Held::new(holders, Opened::NOT);
        let units = units as u64;
        let Some((holds, index)) = self.holds() else { return part };
        let Some(whole) = holds.at(index) else { return part };
        if units == whole.units {
            std::mem::swap(self, &mut part);
        } else if units > 0 {
            // In this order, so that there are never more units than there were.
            self.replace(holds, index, |whole| HoldFacts {
                edge: ids::next_edge(),
                units: whole.units.saturating_sub(units),
                ..whole
            });
            let edge = ids::next_edge();
            let mark = Mark::of(edge << 1 | 1);
            let index = holds.open(&HoldFacts {
                edge,
                units,
                guard: GuardWord::new(ptr::from_ref(holders).addr(), mark),
                ..whole
            });
            if let (true, Some(Resource(cell))) = (journal::is_on(), holders.resource.if_used()) {
                journal::held(edge, whole.task, cell.id(), whole.mode, units, whole.location);
            }
            part = Held::new(holders, index.map_or(Opened::NOT, |index| Opened { index, mark }));
        }
        part
    }

    /// Adds the units of `other`, a hold of the same resource.
    pub fn merge(&mut self, mut other: Held<'a>) {
        if self.index == UNRECORDED {
            std::mem::swap(self, &mut other);
        }
        let units = other.holds().and_then(|(holds, index)| holds.at(index)).map_or(0, |facts| facts.units);
        drop(other);
        if let (Some((holds, index)), true) = (self.holds(), units > 0) {
            self.replace(holds, index, |before| HoldFacts {
                edge: ids::next_edge(),
                units: before.units.saturating_add(units),
                ..before
            });
        }
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // r[edge.hold.before-release]
        if self.index != UNRECORDED {
            self.close();
        }
    }
}
