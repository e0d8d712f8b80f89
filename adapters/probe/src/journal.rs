//! The journal of operations and holds, at detail `operations`. At any other detail, each function here costs its caller one
//! relaxed load.
//!
//! An operation's begin is recorded before the operation has an effect, and its end after all of them; a hold after the units were
//! acquired, and its end before they are released. So the journal's order is one in which the program could have done the same.

use crate::call::{Call, CallOutcome};
use crate::executor::Executor;
use crate::fact::{Fact, FactKind};
use crate::holds::Mode;
use crate::operation::{Event, OperationFact};
use crate::resource::AsResource;
use crate::resource_cell::ResourceCell;
use crate::{clock, current, ids, order, ring, user};
use std::num::NonZeroU64;
use std::panic::Location;
use std::task::Poll;

/// Whether operations are recorded: detail `operations`.
#[inline]
pub fn is_on() -> bool {
    order::is_on()
}

/// An operation that has begun. Dropped without [`claimed`](Begun::claimed), it is abandoned.
#[derive(Debug)]
pub(crate) struct Begun(NonZeroU64);

/// In place of an ID: the operation is not recorded.
const NOT: NonZeroU64 = NonZeroU64::MAX;

impl Begun {
    /// An operation that is not recorded.
    pub(crate) const NOT: Begun = Begun(NOT);

    /// Records the begin. `awaited` is as in an open wait; not 0.
    #[cold]
    #[inline(never)]
    pub(crate) fn record(
        call: Call,
        awaited: u64,
        units: u64,
        executor: &'static Executor,
        location: Option<&'static Location<'static>>,
    ) -> Begun {
        let id = ids::next_edge();
        let task = task_of(executor, location.unwrap_or(Location::caller()));
        let begun = Fact::Operation(OperationFact { id, task, event: Event::Begun { call, awaited, units, location } });
        let id = if ring::push_opening(clock::ticks(), begun) { id } else { 0 };
        Begun(NonZeroU64::new(id).unwrap_or(NOT))
    }

    /// Whether it is recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.0 != NOT
    }

    /// Records that its wakers point to the slot at this address.
    #[cold]
    #[inline(never)]
    pub(crate) fn in_slot(&self, slot: usize) {
        self.passing(Event::InSlot(slot as u64), current::recorded_id());
    }

    /// Records a poll without a result.
    #[cold]
    #[inline(never)]
    pub(crate) fn pending(&self, executor: &'static Executor, location: Option<&'static Location<'static>>) {
        self.passing(Event::Pending, task_of(executor, location.unwrap_or(Location::caller())));
    }

    /// Records the result.
    #[cold]
    #[inline(never)]
    pub(crate) fn claimed(self, outcome: Option<CallOutcome>, task: u64) {
        let id = std::mem::ManuallyDrop::new(self).0;
        if id != NOT {
            push(id.get(), task, Event::Claimed(outcome));
        }
    }

    /// Records an event that the queue may refuse.
    fn passing(&self, event: Event, task: u64) {
        if self.is_recorded() {
            let fact = Fact::Operation(OperationFact { id: self.0.get(), task, event });
            let _ = ring::push_opening(clock::ticks(), fact);
        }
    }
}

impl Drop for Begun {
    #[inline]
    fn drop(&mut self) {
        if self.0 != NOT {
            abandoned(self.0.get());
        }
    }
}

#[cold]
#[inline(never)]
fn abandoned(id: u64) {
    push(id, current::recorded_id(), Event::Abandoned);
}

/// Records an end, or another event of which there are few for each operation or hold.
fn push(id: u64, task: u64, event: Event) {
    ring::push_closing(clock::ticks(), Fact::Operation(OperationFact { id, task, event }));
}

/// Records a hold of several units or holders, by its edge. Call it after the units were acquired.
pub(crate) fn held(
    edge: u64,
    task: u64,
    resource: u64,
    mode: Mode,
    units: u64,
    location: Option<&'static Location<'static>>,
) {
    let fact = OperationFact { id: edge, task, event: Event::Held { resource, mode, units, location } };
    let _ = ring::push_opening(clock::ticks(), Fact::Operation(fact));
}

/// Like [`held`], by the current task.
#[cold]
#[inline(never)]
pub(crate) fn held_by(
    executor: &'static Executor,
    edge: u64,
    resource: u64,
    mode: Mode,
    units: u64,
    at: &'static Location<'static>,
) {
    held(edge, task_of(executor, at), resource, mode, units, Some(at));
}

/// Records that a hold has another edge, task, mode or number of units.
#[cold]
#[inline(never)]
pub(crate) fn moved(edge: u64, to: u64, task: u64, mode: Mode, units: u64) {
    push(edge, task, Event::Moved { edge: to, mode, units });
}

/// Records the end of a hold. Call it before the units are released.
#[cold]
#[inline(never)]
pub(crate) fn released(edge: u64) {
    push(edge, current::recorded_id(), Event::Released);
}

/// Records the hold of a resource with one holder at a time. Call it after the resource was locked.
#[cold]
#[inline(never)]
pub(crate) fn locked(resource: u64, executor: &'static Executor, location: &'static Location<'static>) {
    if resource != 0 && !ring::refuses(FactKind::Operation) {
        push(ids::next_edge(), task_of(executor, location), Event::Locked { resource, location });
    }
}

/// Records that another task holds such a resource.
#[cold]
#[inline(never)]
pub(crate) fn lock_moved(resource: u64, task: u64) {
    push(0, task, Event::LockMoved(resource));
}

/// Records the end of such a hold. Call it before the resource is unlocked.
#[cold]
#[inline(never)]
pub(crate) fn unlocked(resource: u64) {
    push(0, current::recorded_id(), Event::Unlocked(resource));
}

/// The ID of the current task as `executor` knows it; 0 outside of tasks.
pub(crate) fn task_of(executor: &'static Executor, at: &'static Location<'static>) -> u64 {
    user::with(executor, at, |task| task.id()).unwrap_or(0)
}

/// An operation that does not wait, from its call to its result: a `try_lock`, a notification, a message to a channel without a
/// bound. At detail `operations` its begin and its end are recorded; below it costs one relaxed load.
///
/// Dropped without a result, as by a panic, the operation is abandoned.
#[derive(Debug)]
#[must_use = "the operation ends with `succeeded` or `ends`"]
pub struct Calling(Begun);

impl Calling {
    /// The operation is about to be called, by the current task. `units` is the number of units that it needs or gives.
    #[inline]
    pub fn new(
        resource: &impl AsResource,
        call: Call,
        units: usize,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Calling {
        if !is_on() {
            return Calling(Begun::NOT);
        }
        match resource.cell().map_or(0, ResourceCell::id) {
            0 => Calling(Begun::NOT),
            id => Calling(Begun::record(call, id, units as u64, executor, Some(at))),
        }
    }

    /// It has done its work.
    #[inline]
    pub fn succeeded(self) {
        self.ends(|| CallOutcome::Succeeded);
    }

    /// It has this result.
    #[inline]
    pub fn ends(self, outcome: impl FnOnce() -> CallOutcome) {
        if self.0.is_recorded() {
            self.0.claimed(Some(outcome()), current::recorded_id());
        }
    }

    /// It has this result, or is over without one.
    #[inline]
    pub fn polled<T>(self, result: &Poll<T>, outcome: impl FnOnce(&T) -> CallOutcome) {
        if let Poll::Ready(result) = result {
            self.ends(|| outcome(result));
        }
    }
}
