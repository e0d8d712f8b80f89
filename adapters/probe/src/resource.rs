//! A resource's own cell: what is seen of it when the recorder samples.

use crate::executor::Executor;
use crate::ring::{self, Record, RecordKind};
use crate::{clock, current, ids, on, task};
use insight_protocol::ResourceKind;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The kinds of resources that an adapter observes.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A queue of messages.
    Channel,
    /// A lock with one holder.
    Mutex,
    /// The end of any task of a set.
    JoinSet,
}

impl Type {
    pub(crate) fn protocol(self) -> ResourceKind {
        match self {
            Type::Channel => ResourceKind::Channel,
            Type::Mutex => ResourceKind::Mutex,
            Type::JoinSet => ResourceKind::Join,
        }
    }
}

const REGISTERING: u64 = u64::MAX;
/// A length that was not seen yet.
pub(crate) const UNSEEN: u64 = u64::MAX;

/// The state of one resource. The recorder only reads it.
#[repr(C)]
#[derive(Debug)]
pub struct ResourceCell {
    /// 0 until recorded.
    id: AtomicU64,
    pub(crate) kind: Type,
    pub(crate) location: &'static Location<'static>,
    /// 0 for no bound.
    pub(crate) capacity: u64,

    pub(crate) length: AtomicU64,
    pub(crate) senders: AtomicU64,
    pub(crate) weak_senders: AtomicU64,
    pub(crate) receivers: AtomicU64,

    /// The task that holds it; 0 when none does, or one that is not seen.
    pub(crate) holder: AtomicU64,
    pub(crate) held_since: AtomicU64,
    pub(crate) held_at: AtomicPtr<Location<'static>>,
    /// How often a task has acquired it: tells two holds of one task apart.
    pub(crate) holds: AtomicU64,
    pub(crate) transferable: AtomicBool,
}

impl ResourceCell {
    fn new(kind: Type, location: &'static Location<'static>, capacity: u64) -> Arc<ResourceCell> {
        Arc::new(ResourceCell {
            id: AtomicU64::new(0),
            kind,
            location,
            capacity,
            length: AtomicU64::new(UNSEEN),
            senders: AtomicU64::new(0),
            weak_senders: AtomicU64::new(0),
            receivers: AtomicU64::new(0),
            holder: AtomicU64::new(0),
            held_since: AtomicU64::new(0),
            held_at: AtomicPtr::new(ptr::null_mut()),
            holds: AtomicU64::new(0),
            transferable: AtomicBool::new(false),
        })
    }

    /// The id; records the resource first if that is not done. 0 when recording is off, or could not take it.
    #[inline]
    pub(crate) fn id(self: &Arc<Self>) -> u64 {
        match self.id.load(Ordering::Relaxed) {
            0 | REGISTERING => self.register(),
            id => id,
        }
    }

    #[cold]
    fn register(self: &Arc<Self>) -> u64 {
        if !on() {
            return 0;
        }
        if self.id.compare_exchange(0, REGISTERING, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return task::wait_for_registration(&self.id);
        }
        let id = ids::next_resource();
        let creator = current::recorded_id();
        let cell = Arc::into_raw(self.clone());
        let words = [cell as usize as u64, id, creator, 0, 0, 0];
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

/// A resource with its cell made at once, shared by its handles: a channel, a join.
#[derive(Debug)]
pub struct Resource(Arc<ResourceCell>);

impl Resource {
    /// A channel; `capacity` is `None` when it has no bound. Its handles are to be counted by the caller.
    pub fn channel(location: &'static Location<'static>, capacity: Option<usize>) -> Resource {
        let cell = ResourceCell::new(Type::Channel, location, capacity.map_or(0, |capacity| capacity as u64));
        cell.id();
        Resource(cell)
    }

    /// The end of any task of a set that was created at `location`.
    pub(crate) fn join_any(location: &'static Location<'static>) -> Resource {
        let cell = ResourceCell::new(Type::JoinSet, location, 0);
        cell.id();
        Resource(cell)
    }

    /// Sets how many units are in use. Several threads may do so: the last one wins, and a waiter's is exact.
    #[inline]
    pub fn set_length(&self, length: usize) {
        self.0.length.store(length as u64, Ordering::Relaxed);
    }

    /// Adds to how many units are in use, where the whole cannot be asked for.
    #[inline]
    pub fn add_length(&self, units: usize) {
        self.0.length.fetch_add(units as u64, Ordering::Relaxed);
    }

    /// Counts a handle that came (+1) or went (-1).
    #[inline]
    pub fn count(&self, handle: Handle, change: i64) {
        let count = match handle {
            Handle::Sender => &self.0.senders,
            Handle::WeakSender => &self.0.weak_senders,
            Handle::Receiver => &self.0.receivers,
        };
        count.fetch_add(change as u64, Ordering::Relaxed);
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

impl Drop for Resource {
    fn drop(&mut self) {
        let id = self.0.id.load(Ordering::Acquire);
        if id != 0 {
            let words = [id, 0, 0, 0, 0, 0];
            ring::push_closing(Record { ticks: clock::ticks(), kind: RecordKind::ResourceDropped, words });
        }
    }
}

/// A lock whose cell is made at its first use, so that it can stand in a static.
#[derive(Debug)]
pub struct Lock {
    cell: OnceLock<Resource>,
    location: &'static Location<'static>,
}

impl Lock {
    /// A mutex that was created at `location`.
    pub const fn mutex(location: &'static Location<'static>) -> Lock {
        Lock { cell: OnceLock::new(), location }
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
        if let Some(resource) = self.cell.get() {
            resource.0.holder.store(0, Ordering::Relaxed);
        }
    }
}

impl AsResource for Lock {
    #[inline]
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        if let Some(resource) = self.cell.get() {
            return Some(&resource.0);
        }
        on().then(|| {
            let resource = self.cell.get_or_init(|| Resource(ResourceCell::new(Type::Mutex, self.location, 0)));
            &resource.0
        })
    }
}
