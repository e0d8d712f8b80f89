//! A resource, from its first use to its last handle.

use crate::fact::Fact;
use crate::ids::{self, REGISTERING, on};
use crate::resource_cell::{ResourceCell, Type, count};
use crate::role::Role;
use crate::{clock, current, ring};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

impl ResourceCell {
    /// Returns the ID, and records the resource first if necessary. 0 if recording is off, or the queue refused it.
    #[inline]
    pub(crate) fn id(self: &Arc<Self>) -> u64 {
        match self.id.load(Ordering::Relaxed) {
            id if id != REGISTERING && ids::is_recorded(id) => id,
            id => self.register(id),
        }
    }

    #[cold]
    fn register(self: &Arc<Self>, before: u64) -> u64 {
        if !on() {
            return 0;
        }
        if before == REGISTERING
            || self.id.compare_exchange(before, REGISTERING, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return ids::wait_for_registration(&self.id);
        }
        let id = ids::next_resource();
        let creator = current::recorded_id();
        let created = Fact::ResourceCreated { resource: id, creator, cell: self.clone() };
        let taken = ring::push_opening(clock::ticks(), created);
        let id = if taken { id } else { 0 };
        self.id.store(id, Ordering::Release);
        id
    }
}

/// A resource of an observed operation.
pub trait AsResource {
    /// The resource's cell; `None` if recording was off at each use so far.
    fn cell(&self) -> Option<&Arc<ResourceCell>>;
}

impl<R: AsResource + ?Sized> AsResource for Arc<R> {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        (**self).cell()
    }
}

impl<R: AsResource> AsResource for Option<R> {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.as_ref().and_then(R::cell)
    }
}

impl<R: AsResource + ?Sized> AsResource for &R {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        (**self).cell()
    }
}

/// A resource whose cell is made with it and shared by its clones: a channel and its handles, a join.
#[derive(Debug)]
pub struct Resource(pub(crate) Arc<ResourceCell>);

impl Resource {
    /// A resource that was created at `location`. `capacity` is `None` if it has no bound. The caller counts the handles.
    pub fn new(kind: Type, location: &'static Location<'static>, capacity: Option<usize>) -> Resource {
        let cell = ResourceCell::new(kind, location, capacity);
        cell.id();
        Resource(cell)
    }

    /// Sets the maximum number of units, for a resource where that can change.
    #[inline]
    pub fn set_capacity(&self, capacity: usize) {
        self.0.capacity.store(capacity as u64, Ordering::Relaxed);
    }

    /// Sets the number of units in use. If several threads set it, the last one wins; the number from a waiter is exact.
    #[inline]
    pub fn set_length(&self, length: usize) {
        self.0.length.store(length as u64, Ordering::Relaxed);
    }

    /// Records that no unit is free, for a caller that does not know the number in use.
    pub fn set_full(&self) {
        if let Some(capacity) = count(&self.0.capacity) {
            self.0.length.fetch_max(capacity, Ordering::Relaxed);
        }
    }

    /// Subtracts units that [`add_length`](Resource::add_length) has added, but stops at 0: the length may have been set
    /// since.
    pub fn take_length(&self, units: usize) {
        let less = |length: u64| Some(length.saturating_sub(units as u64));
        let _ = self.0.length.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Adds to the number of units in use, for a resource that does not report its length.
    #[inline]
    pub fn add_length(&self, units: usize) {
        self.0.length.fetch_add(units as u64, Ordering::Relaxed);
    }

    /// Counts a handle that was made (+1) or dropped (-1).
    #[inline]
    pub fn count(&self, handle: Handle, change: i64) {
        self.handles(handle).fetch_add(change as u64, Ordering::Relaxed);
    }

    /// Sets the number of handles, for a caller that knows it.
    #[inline]
    pub fn set_count(&self, handle: Handle, count: usize) {
        self.handles(handle).store(count as u64, Ordering::Relaxed);
    }

    /// Counts a handle that code outside of tasks has (+1), or no longer has (-1).
    pub(crate) fn count_outside(&self, role: Role, change: i64) {
        let count = match role {
            Role::Receiver => &self.0.outside_receivers,
            _ => &self.0.outside_senders,
        };
        count.fetch_add(change as u64, Ordering::Relaxed);
    }

    #[inline]
    fn handles(&self, handle: Handle) -> &AtomicU64 {
        match handle {
            Handle::Sender => &self.0.senders,
            Handle::WeakSender => &self.0.weak_senders,
            Handle::Receiver => &self.0.receivers,
        }
    }
}

/// The kinds of handles of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// Can send.
    Sender,
    /// Can become a sender.
    WeakSender,
    /// Can receive.
    Receiver,
}

impl AsResource for Resource {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        Some(&self.0)
    }
}

impl Clone for Resource {
    /// The same resource.
    fn clone(&self) -> Resource {
        self.0.owners.fetch_add(1, Ordering::Relaxed);
        Resource(self.0.clone())
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        // Release and acquire as in `Arc::drop`. The `Arc`'s own count does not help: the recorder has the cell, too.
        if self.0.owners.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let id = self.0.id.load(Ordering::Acquire);
        if ids::is_recorded(id) {
            ring::push_closing(clock::ticks(), Fact::ResourceDropped { resource: id });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_cell::{Closing, HandOff};

    #[test]
    fn the_length_of_a_channel_whose_messages_are_counted() {
        let channel = |capacity| {
            let kind = Type::Channel(HandOff::Fifo, Closing::ByAny);
            let channel = Resource::new(kind, Location::caller(), capacity);
            channel.set_length(0);
            channel
        };
        let check = |channel: &Resource, expect: u64| assert_eq!(count(&channel.0.length), Some(expect));
        let bounded = channel(Some(2));
        bounded.add_length(1);
        check(&bounded, 1);
        bounded.set_full();
        check(&bounded, 2);
        bounded.add_length(1);
        bounded.set_full();
        check(&bounded, 3);
        bounded.take_length(1);
        check(&bounded, 2);
        // The length may have been set meanwhile, so there may be less to subtract.
        bounded.set_length(0);
        bounded.take_length(1);
        check(&bounded, 0);
        let unbounded = channel(None);
        unbounded.set_full();
        check(&unbounded, 0);
    }
}
