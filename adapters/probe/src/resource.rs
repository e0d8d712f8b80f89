//! A resource's own cell: what is seen of it when the recorder samples.

use crate::holds::Holds;
use crate::party::Role;
use crate::ring::{self, Record, RecordKind};
use crate::{clock, current, ids, on, task};
use insight_protocol::ResourceKind;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Who of those that wait for a resource gets what becomes free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOff {
    /// Who has waited longest.
    Fifo,
    /// Who comes first; but no reader once a writer waits.
    WriterFirst,
    /// Who comes first; one of those that wait is woken.
    Barging,
}

/// Who can close a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Its receivers.
    ByReceivers,
    /// Whoever has an end of it.
    ByAny,
}

/// The kinds of resources that an adapter observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A queue of messages.
    Channel(HandOff, Closing),
    /// A lock with one holder.
    Mutex(HandOff),
    /// A lock with one writer or many readers.
    Rwlock(HandOff),
    /// A number of permits.
    Semaphore(HandOff),
    /// A signal.
    Notify,
    /// A channel for one message.
    Oneshot,
    /// A value of which the newest is seen.
    Watch,
    /// A channel of which every receiver gets every message.
    Broadcast,
    /// A number of tasks that wait for each other.
    Barrier,
    /// A value that is set once.
    OnceCell,
    /// Time that passes.
    Timer,
    /// The end of any task of a set.
    JoinSet,
}

impl Type {
    /// Whether its handles are senders and receivers, and counted.
    pub(crate) fn has_ends(self) -> bool {
        matches!(self, Type::Channel(..) | Type::Oneshot | Type::Watch | Type::Broadcast)
    }

    /// Whether several can hold it at once.
    pub(crate) fn has_holders(self) -> bool {
        matches!(self, Type::Rwlock(_) | Type::Semaphore(_))
    }

    pub(crate) fn hand_off(self) -> Option<insight_protocol::HandOff> {
        use insight_protocol::HandOff as Word;
        match self {
            Type::Channel(order, _) | Type::Mutex(order) | Type::Rwlock(order) | Type::Semaphore(order) => {
                Some(match order {
                    HandOff::Fifo => Word::Fifo,
                    HandOff::WriterFirst => Word::WriterFirst,
                    HandOff::Barging => Word::Barging,
                })
            }
            _ => None,
        }
    }

    pub(crate) fn protocol(self) -> ResourceKind {
        match self {
            Type::Channel(..) => ResourceKind::Channel,
            Type::Mutex(_) => ResourceKind::Mutex,
            Type::Rwlock(_) => ResourceKind::Rwlock,
            Type::Semaphore(_) => ResourceKind::Semaphore,
            Type::Notify => ResourceKind::Notify,
            Type::Oneshot => ResourceKind::Oneshot,
            Type::Watch => ResourceKind::Watch,
            Type::Broadcast => ResourceKind::Broadcast,
            Type::Barrier => ResourceKind::Barrier,
            Type::OnceCell => ResourceKind::OnceCell,
            Type::Timer => ResourceKind::Timer,
            Type::JoinSet => ResourceKind::Join,
        }
    }
}

const REGISTERING: u64 = u64::MAX;
/// A count that was not seen yet, or that there is not.
pub(crate) const UNSEEN: u64 = u64::MAX;

/// A count of a cell, if there is one.
pub(crate) fn count(count: &AtomicU64) -> Option<u64> {
    Some(count.load(Ordering::Relaxed)).filter(|count| *count != UNSEEN)
}

/// The state of one resource. The recorder only reads it.
#[repr(C)]
#[derive(Debug)]
pub struct ResourceCell {
    /// 0 until recorded.
    id: AtomicU64,
    pub(crate) kind: Type,
    pub(crate) location: &'static Location<'static>,
    /// [`UNSEEN`] for no bound.
    pub(crate) capacity: AtomicU64,

    pub(crate) length: AtomicU64,
    pub(crate) senders: AtomicU64,
    pub(crate) weak_senders: AtomicU64,
    pub(crate) receivers: AtomicU64,
    pub(crate) outside_senders: AtomicU64,
    pub(crate) outside_receivers: AtomicU64,

    /// The task that holds it; 0 when none does, or one that is not seen.
    pub(crate) holder: AtomicU64,
    pub(crate) held_since: AtomicU64,
    pub(crate) held_at: AtomicPtr<Location<'static>>,
    /// How often a task has acquired it: tells two holds of one task apart.
    pub(crate) holds: AtomicU64,
    pub(crate) transferable: AtomicBool,

    /// Of what several can hold.
    pub(crate) open_holds: Option<Box<Holds>>,
    /// There may be holders that are not among them.
    pub(crate) uncounted: AtomicBool,

    /// What the program calls it.
    pub(crate) name: OnceLock<Box<str>>,

    /// How many [`Resource`]s share the cell: it is dropped with the last one.
    owners: AtomicU64,
}

impl ResourceCell {
    pub(crate) fn new(kind: Type, location: &'static Location<'static>, capacity: Option<usize>) -> Arc<ResourceCell> {
        Arc::new(ResourceCell {
            id: AtomicU64::new(0),
            kind,
            location,
            capacity: AtomicU64::new(capacity.map_or(UNSEEN, |capacity| capacity as u64)),
            length: AtomicU64::new(UNSEEN),
            senders: AtomicU64::new(0),
            weak_senders: AtomicU64::new(0),
            receivers: AtomicU64::new(0),
            outside_senders: AtomicU64::new(0),
            outside_receivers: AtomicU64::new(0),
            holder: AtomicU64::new(0),
            held_since: AtomicU64::new(0),
            held_at: AtomicPtr::new(ptr::null_mut()),
            holds: AtomicU64::new(0),
            transferable: AtomicBool::new(false),
            open_holds: kind.has_holders().then(|| Box::new(Holds::new())),
            uncounted: AtomicBool::new(false),
            name: OnceLock::new(),
            owners: AtomicU64::new(1),
        })
    }

    /// Counts a hold, after what ended the one before it and before its own task is noted. By the holder.
    #[inline]
    pub(crate) fn one_more_hold(&self) {
        self.holds.store(self.holds.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// The id; records the resource first if that is not done. 0 when recording is off, or could not take it.
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
            return task::wait_for_registration(&self.id);
        }
        let id = ids::next_resource();
        let creator = current::recorded_id();
        let cell = Arc::into_raw(self.clone());
        let words = [cell as usize as u64, id, creator, 0, 0];
        let taken = ring::push_opening(Record { ticks: clock::ticks(), kind: RecordKind::ResourceCreated, words });
        if !taken {
            // SAFETY: just made by `into_raw`, and not taken by the queue.
            drop(unsafe { Arc::from_raw(cell) });
        }
        let id = if taken { id } else { 0 };
        self.id.store(id, Ordering::Release);
        id
    }
}

/// What an observed operation works on.
pub trait AsResource {
    /// The resource's cell; `None` while recording is off and it was not needed yet.
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

/// A resource with its cell made at once, and shared by its clones: a channel by its handles, a join.
#[derive(Debug)]
pub struct Resource(pub(crate) Arc<ResourceCell>);

impl Resource {
    /// A resource that was created at `location`; `capacity` is `None` when it has no bound. Its handles are to be
    /// counted by the caller.
    pub fn new(kind: Type, location: &'static Location<'static>, capacity: Option<usize>) -> Resource {
        let cell = ResourceCell::new(kind, location, capacity);
        cell.id();
        Resource(cell)
    }

    /// Sets how many units it has at most, where that can change.
    #[inline]
    pub fn set_capacity(&self, capacity: usize) {
        self.0.capacity.store(capacity as u64, Ordering::Relaxed);
    }

    /// Sets how many units are in use. Several threads may do so: the last one wins, and a waiter's is exact.
    #[inline]
    pub fn set_length(&self, length: usize) {
        self.0.length.store(length as u64, Ordering::Relaxed);
    }

    /// Notes that no unit is free, where the caller does not know how many are in use.
    pub fn set_full(&self) {
        if let Some(capacity) = count(&self.0.capacity) {
            self.0.length.fetch_max(capacity, Ordering::Relaxed);
        }
    }

    /// Takes back units that [`add_length`](Resource::add_length) has added, unless the length was set meanwhile.
    pub fn take_length(&self, units: usize) {
        let less = |length: u64| Some(length.saturating_sub(units as u64));
        let _ = self.0.length.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Adds to how many units are in use, where the whole cannot be asked for.
    #[inline]
    pub fn add_length(&self, units: usize) {
        self.0.length.fetch_add(units as u64, Ordering::Relaxed);
    }

    /// Counts a handle that came (+1) or went (-1).
    #[inline]
    pub fn count(&self, handle: Handle, change: i64) {
        self.handles(handle).fetch_add(change as u64, Ordering::Relaxed);
    }

    /// Sets how many handles there are, where the caller knows.
    #[inline]
    pub fn set_count(&self, handle: Handle, count: usize) {
        self.handles(handle).store(count as u64, Ordering::Relaxed);
    }

    /// Counts a handle that something outside of tasks has (+1), or has no more (-1).
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
        // As with an `Arc`'s own count, which will not do: the recorder has the cell, too.
        if self.0.owners.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let id = self.0.id.load(Ordering::Acquire);
        if ids::is_recorded(id) {
            let words = [id, 0, 0, 0, 0];
            ring::push_closing(Record { ticks: clock::ticks(), kind: RecordKind::ResourceDropped, words });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        // Where the length was set meanwhile, there may be less to take back.
        bounded.set_length(0);
        bounded.take_length(1);
        check(&bounded, 0);
        let unbounded = channel(None);
        unbounded.set_full();
        check(&unbounded, 0);
    }
}
