//! A resource's own cell, which the recorder samples.

use crate::acquirer::Acquirer;
use crate::holds::Holds;
use crate::word::{GuardWord, Mark, SAME_MARK, Word};
use insight_protocol::{MAX_NUMBER, ResourceKind};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The waiter of a resource that gets a unit which becomes free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOff {
    /// The one that has waited longest.
    Fifo,
    /// The first one to try; but no reader once a writer waits.
    WriterFirst,
    /// The first one to try, also one that has not waited; one waiter is woken.
    Barging,
}

/// The ends that can close a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Its receivers.
    ByReceivers,
    /// All its ends.
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
    /// A value that changes; its receivers get the newest one.
    Watch,
    /// A channel whose receivers each get every message.
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

/// The properties of a type.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The kind in messages.
    pub(crate) kind: ResourceKind,
    /// The part of its cell that is sampled in addition to `capacity` and `length`.
    pub(crate) sampled: Sampled,
    pub(crate) hand_off: Option<HandOff>,
    pub(crate) closed_by_any: bool,
}

/// The part of a resource's cell that is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampled {
    /// No other part.
    Level,
    /// The numbers of senders and receivers.
    Handles,
    /// The one holder.
    Holder,
    /// The holds of any number of tasks.
    Holders,
}

impl Type {
    pub(crate) fn definition(self) -> Definition {
        let plain = |kind, sampled| Definition { kind, sampled, hand_off: None, closed_by_any: false };
        let ordered = |kind, sampled, order| Definition { hand_off: Some(order), ..plain(kind, sampled) };
        match self {
            Type::Channel(order, closing) => Definition {
                closed_by_any: closing == Closing::ByAny,
                ..ordered(ResourceKind::Channel, Sampled::Handles, order)
            },
            Type::Mutex(order) => ordered(ResourceKind::Mutex, Sampled::Holder, order),
            Type::Rwlock(order) => ordered(ResourceKind::Rwlock, Sampled::Holders, order),
            Type::Semaphore(order) => ordered(ResourceKind::Semaphore, Sampled::Holders, order),
            Type::Notify => plain(ResourceKind::Notify, Sampled::Level),
            Type::Oneshot => plain(ResourceKind::Oneshot, Sampled::Handles),
            Type::Watch => plain(ResourceKind::Watch, Sampled::Handles),
            Type::Broadcast => plain(ResourceKind::Broadcast, Sampled::Handles),
            Type::Barrier => plain(ResourceKind::Barrier, Sampled::Level),
            Type::OnceCell => plain(ResourceKind::OnceCell, Sampled::Holder),
            Type::Timer => plain(ResourceKind::Timer, Sampled::Level),
            Type::JoinSet => plain(ResourceKind::Join, Sampled::Level),
        }
    }
}

impl HandOff {
    pub(crate) fn protocol(self) -> insight_protocol::HandOff {
        match self {
            HandOff::Fifo => insight_protocol::HandOff::Fifo,
            HandOff::WriterFirst => insight_protocol::HandOff::WriterFirst,
            HandOff::Barging => insight_protocol::HandOff::Barging,
        }
    }
}

/// A count that was not observed yet, or does not exist.
pub(crate) const UNSEEN: u64 = u64::MAX;

/// A count of a cell; `None` for [`UNSEEN`].
pub(crate) fn count(count: &AtomicU64) -> Option<u64> {
    Some(count.load(Ordering::Relaxed)).filter(|count| *count != UNSEEN)
}

/// A count that fits into a message. A larger one means "no bound", such as `Semaphore::MAX_PERMITS`.
pub(crate) fn in_range(count: Option<u64>) -> Option<u64> {
    count.filter(|count| *count <= MAX_NUMBER)
}

/// The state of one resource. Threads of the program write it, and the recorder only reads it.
#[repr(C)]
#[derive(Debug)]
pub struct ResourceCell {
    /// 0 until recorded.
    pub(crate) id: AtomicU64,
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

    /// The task that holds it; 0 if none does, or an unobserved one.
    pub(crate) holder: AtomicU64,
    pub(crate) held_since: AtomicU64,
    pub(crate) held_at: AtomicPtr<Location<'static>>,
    /// The number of the last hold, which is odd: it distinguishes two holds of one task, and gives the guard its mark.
    pub(crate) holds: AtomicU64,
    /// The address of the primitive's lock.
    pub(crate) lock: AtomicUsize,
    /// The [`Acquirer`] of the last hold.
    pub(crate) acquirer: AtomicUsize,

    /// For a resource that several can hold at once.
    pub(crate) open_holds: Option<Box<Holds>>,
    /// There may be holders that are not in `open_holds`.
    pub(crate) uncounted: AtomicBool,

    /// The program's name for it.
    pub(crate) name: OnceLock<Box<str>>,

    /// Number of [`Resource`]s that share the cell; the resource is dropped with the last one.
    pub(crate) owners: AtomicU64,
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
            holds: AtomicU64::new(1),
            lock: AtomicUsize::new(0),
            acquirer: AtomicUsize::new(0),
            open_holds: (kind.definition().sampled == Sampled::Holders).then(|| Box::new(Holds::new())),
            uncounted: AtomicBool::new(false),
            name: OnceLock::new(),
            owners: AtomicU64::new(1),
        })
    }

    /// The number of the next hold. The holder calls it after the hold before it has ended.
    #[inline]
    pub(crate) fn next_hold(&self) -> u64 {
        self.holds.load(Ordering::Relaxed) + 2
    }

    /// Counts a hold of the lock at this address. The holder calls it before it stores its own task.
    #[inline]
    pub(crate) fn set_hold(&self, number: u64, lock: usize, by: Acquirer) {
        self.lock.store(lock, Ordering::Relaxed);
        self.acquirer.store(by.to_bits(), Ordering::Relaxed);
        self.holds.store(number, Ordering::Release);
    }

    /// Counts a hold by another task with the same guard.
    pub(crate) fn same_guard_moved(&self) {
        self.holds.store(self.holds.load(Ordering::Relaxed) + SAME_MARK, Ordering::Release);
    }

    /// The operation that has acquired it last.
    pub(crate) fn acquirer(&self) -> Acquirer {
        Acquirer::from_bits(self.acquirer.load(Ordering::Relaxed))
    }

    /// The address of the lock at its last hold; 0 before.
    pub(crate) fn lock_address(&self) -> usize {
        self.lock.load(Ordering::Relaxed)
    }

    /// The word of the guard of the hold with this number, if the lock still has that hold.
    pub(crate) fn guard_word(&self, number: u64) -> Option<Word> {
        let lock = self.lock_address();
        let is_held = self.holder.load(Ordering::Acquire) != 0 && self.holds.load(Ordering::Acquire) == number;
        GuardWord::new(lock, Mark::of(number)).word().filter(|_| is_held)
    }
}
