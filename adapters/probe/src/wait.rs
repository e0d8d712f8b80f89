//! Operations that wait.

use crate::cell_ref::CellRef;
use crate::executor::Executor;
use crate::raw::ObservedOperation;
use crate::resource::{AsResource, ResourceCell};
use crate::slots::{Slot, WaitFacts};
use crate::waker::{Polling, Reserved};
use crate::{clock, current, ids, on, waker};
use insight_protocol::Operation;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// The operations that an adapter observes.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sending a message.
    Send,
    /// Reserving places for messages.
    Reserve,
    /// Receiving a message.
    Recv,
    /// Receiving the message of a channel for one, by polling the receiver: it is a future itself.
    RecvOnce,
    /// Waiting until a channel is closed.
    Closed,
    /// Locking.
    Lock,
    /// Locking to read.
    Read,
    /// Locking to write.
    Write,
    /// Acquiring permits.
    Acquire,
    /// Waiting to be notified.
    Notified,
    /// Waiting until a watched value changes.
    Changed,
    /// Waiting for a value that another task makes.
    Init,
    /// Waiting for a value that is set once.
    Value,
    /// Waiting for the others of a barrier.
    Barrier,
    /// Sleeping.
    Sleep,
    /// Waiting for the end of a task.
    Join,
    /// Waiting for the end of any task of a set.
    JoinAny,
}

impl Op {
    const ALL: [Op; 17] = [
        Op::Send,
        Op::Reserve,
        Op::Recv,
        Op::RecvOnce,
        Op::Closed,
        Op::Lock,
        Op::Read,
        Op::Write,
        Op::Acquire,
        Op::Notified,
        Op::Changed,
        Op::Init,
        Op::Value,
        Op::Barrier,
        Op::Sleep,
        Op::Join,
        Op::JoinAny,
    ];

    pub(crate) fn from_byte(byte: u8) -> Op {
        Op::ALL[usize::from(byte)]
    }

    pub(crate) fn protocol(self) -> Operation {
        match self {
            Op::Send => Operation::Send,
            Op::Reserve => Operation::Reserve,
            Op::Recv | Op::RecvOnce => Operation::Recv,
            Op::Closed => Operation::Closed,
            Op::Lock => Operation::Lock,
            Op::Read => Operation::Read,
            Op::Write => Operation::Write,
            Op::Acquire => Operation::Acquire,
            Op::Notified => Operation::Notified,
            Op::Changed => Operation::Changed,
            Op::Init => Operation::Init,
            Op::Value | Op::Barrier => Operation::Wait,
            Op::Sleep => Operation::Sleep,
            Op::Join | Op::JoinAny => Operation::Join,
        }
    }

    /// Whether what is awaited is a future that the program has for itself, and not made by a call where it is awaited. Its
    /// location is then where it was polled: at the `.await`, or in what polls it for the program.
    pub(crate) fn is_located_by_poll(self) -> bool {
        matches!(self, Op::Join | Op::RecvOnce)
    }

    /// Why a task waits, in words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Op::Send | Op::Reserve => "waiting on channel capacity",
            Op::Recv | Op::RecvOnce => "waiting for a message",
            Op::Closed => "waiting for the channel to close",
            Op::Lock => "waiting for the lock",
            Op::Read => "waiting for the lock, to read",
            Op::Write => "waiting for the lock, to write",
            Op::Acquire => "waiting for permits",
            Op::Notified => "waiting to be notified",
            Op::Changed => "waiting for a new value",
            Op::Init => "waiting for another task to make the value",
            Op::Value => "waiting for the value to be set",
            Op::Barrier => "waiting for the others at the barrier",
            Op::Sleep => "sleeping",
            Op::Join => "waiting for the task's end",
            Op::JoinAny => "waiting for the end of any task of the set",
        }
    }
}

/// What an operation is, and where.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Whose tasks do it.
    pub executor: &'static Executor,
    /// What it is.
    pub op: Op,
    /// How many units it needs.
    pub need: u64,
    /// Where the awaited call is; `None` when that cannot be known.
    pub location: Option<&'static Location<'static>>,
}

/// The wait of one operation, open from its first poll without result until its result, or until it is dropped.
#[derive(Debug, Default)]
pub struct Waiting(Option<OpenWait>);

#[derive(Debug)]
pub(crate) struct OpenWait {
    task: CellRef,
    /// In `task`.
    slot: NonNull<Slot>,
}

// SAFETY: the slot lies in the cell that `task` keeps alive, and is made of atomics.
unsafe impl Send for OpenWait {}
// SAFETY: as above.
unsafe impl Sync for OpenWait {}

impl OpenWait {
    /// That of an operation which is pending; `reserved` is the slot that its waker has, if it has one.
    fn pending(
        task: &CellRef,
        awaited: u64,
        site: &Site,
        reserved: Option<Reserved<'_>>,
        polled_by_it: bool,
    ) -> OpenWait {
        let reserved = reserved.unwrap_or_else(|| Reserved::of(task));
        // Who polls with a waker of its own may block the thread in this poll.
        let since = if polled_by_it && current::is(task) { task.opens(reserved.slot()) } else { clock::ticks() };
        let Site { op, need, location, .. } = *site;
        OpenWait::fill(task, reserved, WaitFacts { edge: 0, awaited, operation: op as u8, need, since, location })
    }

    /// That of an operation which blocks its thread.
    fn blocking(task: &CellRef, awaited: u64, site: &Site) -> OpenWait {
        OpenWait::since_now(task, awaited, site.op, site.need, site.location)
    }

    /// A wait of which nothing but this is known.
    pub(crate) fn of(task: &CellRef, awaited: u64, op: Op, need: u64) -> OpenWait {
        OpenWait::since_now(task, awaited, op, need, None)
    }

    fn since_now(
        task: &CellRef,
        awaited: u64,
        op: Op,
        need: u64,
        location: Option<&'static Location<'static>>,
    ) -> OpenWait {
        let since = clock::ticks();
        let facts = WaitFacts { edge: 0, awaited, operation: op as u8, need, since, location };
        OpenWait::fill(task, Reserved::of(task), facts)
    }

    #[inline]
    fn fill(task: &CellRef, reserved: Reserved<'_>, facts: WaitFacts) -> OpenWait {
        let slot = reserved.fill(&WaitFacts { edge: ids::next_edge(), ..facts });
        OpenWait { task: task.clone(), slot: NonNull::from(slot) }
    }

    fn slot(&self) -> &Slot {
        // SAFETY: slots live as long as their cell, which `task` keeps.
        unsafe { self.slot.as_ref() }
    }

    pub(crate) fn is_of(&self, task: &CellRef) -> bool {
        self.task.is(task)
    }
}

impl Drop for OpenWait {
    fn drop(&mut self) {
        self.slot().close();
    }
}

impl Waiting {
    /// Nothing was polled yet.
    pub const fn new() -> Waiting {
        Waiting(None)
    }

    /// Polls the operation by `poll`, and notes whether the task waits on `resource` now.
    #[inline]
    pub fn poll<T>(
        &mut self,
        resource: &impl AsResource,
        site: &Site,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.poll_with(|| resource.cell().map_or(0, ResourceCell::id), site, cx, poll)
    }

    /// As [`poll`](Waiting::poll), on what `awaited` says while recording is on: the id of a resource, or [`join_of`] a
    /// task, or [`TIMER`]; 0 for what is not recorded.
    #[inline]
    pub(crate) fn poll_with<T>(
        &mut self,
        awaited: impl FnOnce() -> u64,
        site: &Site,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !on() {
            // One that was open when recording was turned off: what this poll says is not seen.
            if self.0.is_some() {
                self.0 = None;
            }
            return poll(cx);
        }
        let awaited = awaited();
        if self.0.as_ref().is_some_and(|open| open.slot().awaited() != awaited) {
            // It awaits what has another id since recording was turned off and on again.
            self.0 = None;
        }
        if awaited == 0 {
            // What is not recorded must look like something foreign: its wakers are.
            return poll(cx);
        }
        let known = waker::known(cx.waker());
        let observed = ObservedOperation::begin();
        let polling = match &known {
            // A timer's waker stays one of the others: that it is gone is how it is seen that the timer has fired.
            Some(known) if !is_timer(awaited) => Some((Polling::new(&known.task, self.slot_of(&known.task)), known)),
            _ => None,
        };
        // As it is returned, so that it is not copied.
        let result = match &polling {
            Some((polling, known)) => poll(&mut Context::from_waker(&polling.waker(known.tracing))),
            None => poll(cx),
        };
        drop(observed);
        if result.is_ready() {
            self.0 = None;
            return result;
        }
        let reserved = polling.and_then(|(polling, _)| polling.into_reserved());
        match &known {
            Some(known) => self.pending(&known.task, awaited, site, reserved, Some(known.task.poll_number())),
            // Polled with a waker of a combinator, such as `FuturesUnordered`, or by a task that is not observed.
            None => {
                let at = site.location.unwrap_or(Location::caller());
                current::with(site.executor, at, |task| self.pending(task, awaited, site, None, None));
            }
        }
        result
    }

    /// The slot of the open wait, if it is one of `task`.
    #[inline]
    fn slot_of(&self, task: &CellRef) -> Option<NonNull<Slot>> {
        self.0.as_ref().filter(|open| open.is_of(task)).map(|open| open.slot)
    }

    /// It was polled by `task`, in the poll of this number if that is known. Opens the wait, unless it is open.
    fn pending(
        &mut self,
        task: &CellRef,
        awaited: u64,
        site: &Site,
        reserved: Option<Reserved<'_>>,
        number: Option<u64>,
    ) {
        if self.slot_of(task).is_none() {
            self.0 = (task.id() != 0).then(|| OpenWait::pending(task, awaited, site, reserved, number.is_some()));
        }
        if let Some(open) = &self.0 {
            open.slot().waiter.end_poll(number);
        }
    }
}

/// Marks a task's id where a resource's is expected: the wait is for the task's end. The recorder makes a resource of
/// it if it ever sees the wait: most joins are over before.
const JOIN: u64 = 1 << 63;

/// Stands where a resource's id is expected: the wait is for time to pass, and its location is all that is known of it.
pub(crate) const TIMER: u64 = 1 << 62;

/// As [`TIMER`], of one that has a clone of its waker itself: it is gone only some time after the timer has fired.
pub(crate) const TIMER_WITH_WAKER: u64 = TIMER | 1;

/// Whether what is awaited is time.
pub(crate) fn is_timer(awaited: u64) -> bool {
    matches!(awaited, TIMER | TIMER_WITH_WAKER)
}

/// What a wait for the end of the task `id` awaits; 0 when the task is not recorded, or was before recording was turned off.
pub(crate) fn join_of(id: u64) -> u64 {
    if ids::is_recorded(id) { JOIN | id } else { 0 }
}

/// What a wait is for.
pub(crate) enum Awaited {
    /// The resource of this id.
    Resource(u64),
    /// The end of the task of this id.
    End(u64),
    /// Time.
    Timer,
}

impl Awaited {
    pub(crate) fn from_word(word: u64) -> Awaited {
        match word {
            word if is_timer(word) => Awaited::Timer,
            word if word & JOIN != 0 => Awaited::End(word & !JOIN),
            word => Awaited::Resource(word),
        }
    }
}

/// A future that waits on a resource; made by [`waiting`].
#[derive(Debug)]
pub struct WaitFuture<'a, R, F> {
    inner: F,
    resource: &'a R,
    site: Site,
    waiting: Waiting,
}

/// Observes the future of an operation on `resource`.
pub fn waiting<'a, R: AsResource, F: Future>(resource: &'a R, site: Site, inner: F) -> WaitFuture<'a, R, F> {
    WaitFuture { inner, resource, site, waiting: Waiting::new() }
}

impl<R: AsResource, F: Future> Future for WaitFuture<'_, R, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` is pinned structurally: it is never moved, and dropped in place; nothing else is pinned.
        let (inner, this) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.inner), (&this.resource, &this.site, &mut this.waiting))
        };
        let (resource, site, waiting) = this;
        waiting.poll(*resource, site, cx, |cx| inner.poll(cx))
    }
}

/// Observes an operation that blocks the thread: while `operation` runs, the current task waits on `resource`.
pub fn blocking<T>(resource: &impl AsResource, site: &Site, operation: impl FnOnce() -> T) -> T {
    let _blocking = Blocking::new(resource, site);
    operation()
}

/// While it lives, the current task waits on a resource and blocks its thread.
///
/// As [`blocking`], for an operation that must be called by a `#[track_caller]` function: a closure cannot be one.
#[derive(Debug)]
pub struct Blocking {
    // First: the task runs again before its wait is over, so that it never looks like one that waits for nothing.
    _blocked: Option<Blocked>,
    _open: Option<OpenWait>,
    _observed: Option<ObservedOperation>,
}

impl Blocking {
    /// From now on.
    pub fn new(resource: &impl AsResource, site: &Site) -> Blocking {
        const NOT_SEEN: Blocking = Blocking { _blocked: None, _open: None, _observed: None };
        if !on() {
            return NOT_SEEN;
        }
        let at = site.location.unwrap_or(Location::caller());
        let task = current::with(site.executor, at, CellRef::clone);
        let resource = resource.cell().map_or(0, |cell| cell.id());
        match task {
            Some(task) if resource != 0 && task.id() != 0 => {
                let open = OpenWait::blocking(&task, resource, site);
                Blocking {
                    _blocked: (!task.partial).then(|| Blocked::new(task)),
                    _open: Some(open),
                    _observed: Some(ObservedOperation::begin()),
                }
            }
            _ => NOT_SEEN,
        }
    }
}

/// While it lives its task does not run, though its thread is in a poll of it.
#[derive(Debug)]
struct Blocked(CellRef);

impl Blocked {
    fn new(task: CellRef) -> Blocked {
        task.end();
        Blocked(task)
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.0.begin();
    }
}
