//! Operations that wait.

use crate::call::Call;
use crate::cell_ref::CellRef;
use crate::executor::Executor;
use crate::journal::{self, Begun};
use crate::raw::ObservedOperation;
use crate::resource::AsResource;
use crate::resource_cell::ResourceCell;
use crate::slots::{Slot, WaitFacts};
use crate::waker::{Polling, Reserved};
use crate::{clock, current, ids, on, trace, user, waker};
use insight_protocol::Operation;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// Makes the operations from their list. Each has an operation in messages, and a reason of its waits in words.
macro_rules! ops {
    ($($(#[doc = $doc:literal])+ $op:ident is $operation:ident, $reason:literal;)+) => {
        /// The operations that an adapter observes.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Op {
            $($(#[doc = $doc])+ $op,)+
        }

        impl Op {
            const ALL: &[Op] = &[$(Op::$op),+];

            pub(crate) fn protocol(self) -> Operation {
                match self {
                    $(Op::$op => Operation::$operation,)+
                }
            }

            /// The same operation, in a journal.
            pub(crate) fn call(self) -> Call {
                match self {
                    $(Op::$op => Call::$operation,)+
                }
            }

            /// The reason of its waits, in words.
            pub(crate) fn reason(self) -> &'static str {
                match self {
                    $(Op::$op => $reason,)+
                }
            }
        }
    };
}

ops! {
    /// Sending a message.
    Send is Send, "waiting on channel capacity";
    /// Reserving places for messages.
    Reserve is Reserve, "waiting on channel capacity";
    /// Receiving a message.
    Recv is Recv, "waiting for a message";
    /// Receiving the message of a channel for one message, by polling the receiver, which is a future itself.
    RecvOnce is Recv, "waiting for a message";
    /// Waiting until a channel is closed.
    Closed is Closed, "waiting for the channel to close";
    /// Locking.
    Lock is Lock, "waiting for the lock";
    /// Locking to read.
    Read is Read, "waiting for the lock, to read";
    /// Locking to write.
    Write is Write, "waiting for the lock, to write";
    /// Acquiring permits.
    Acquire is Acquire, "waiting for permits";
    /// Waiting to be notified.
    Notified is Notified, "waiting to be notified";
    /// Waiting until a watched value changes.
    Changed is Changed, "waiting for a new value";
    /// Waiting for a value that another task makes.
    Init is Init, "waiting for another task to make the value";
    /// Waiting for a value that is set once.
    Value is Wait, "waiting for the value to be set";
    /// Waiting for the others of a barrier.
    Barrier is Wait, "waiting for the others at the barrier";
    /// Sleeping.
    Sleep is Sleep, "sleeping";
    /// Waiting for the end of a task.
    Join is Join, "waiting for the task's end";
    /// Waiting for the end of any task of a set.
    JoinAny is Join, "waiting for the end of any task of the set";
}

impl Op {
    pub(crate) fn from_byte(byte: u8) -> Op {
        Op::ALL[usize::from(byte)]
    }

    /// Whether the awaited future is a value of the program, and not made by a call at the `.await`. Its location is then
    /// where it was polled: at the `.await`, or in a combinator that polls it.
    pub(crate) fn is_located_by_poll(self) -> bool {
        matches!(self, Op::Join | Op::RecvOnce)
    }
}

/// An operation and its location.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The executor of the tasks that do it.
    pub executor: &'static Executor,
    /// The operation.
    pub op: Op,
    /// Number of units that it needs.
    pub need: u64,
    /// The location of the awaited call; `None` if unknown.
    pub location: Option<&'static Location<'static>>,
}

/// The wait of one operation, open from its first poll without result until its result, or until it is dropped.
#[derive(Debug, Default)]
// Its destructor is ours, so that only the check for `None` is a part of the callers, whose operation is usually ready at once.
pub struct Waiting(ManuallyDrop<Option<Pending>>);

/// An operation without a result.
#[derive(Debug)]
struct Pending {
    /// Its wait; `None` outside of tasks.
    open: Option<OpenWait>,
    /// Dropped after the wait. Its one invalid value marks an operation without a poll, so that it takes no store to make one.
    begun: Begun,
}

#[derive(Debug)]
pub(crate) struct OpenWait {
    task: CellRef,
    /// In `task`.
    slot: NonNull<Slot>,
}

// SAFETY: the slot lies in the cell that `task` keeps alive (cell_ref.rs, "slots"), and is made of atomics.
unsafe impl Send for OpenWait {}
// SAFETY: the slot is made of atomics, and `task` is Sync.
unsafe impl Sync for OpenWait {}

impl OpenWait {
    /// The wait of an operation that is pending. `reserved` is the slot of its waker, if it has one.
    fn pending(
        task: &CellRef,
        awaited: u64,
        site: &Site,
        reserved: Option<Reserved<'_>>,
        polled_by_it: bool,
        address: usize,
    ) -> OpenWait {
        let reserved = reserved.unwrap_or_else(|| Reserved::of(task));
        // A task that polls with another waker may block the thread in this poll.
        let since = if polled_by_it && current::is(task) { task.opens(reserved.slot()) } else { clock::ticks() };
        let (Site { op, need, location, .. }, transferable) = (*site, !task.keeps(address));
        let facts = WaitFacts { edge: 0, awaited, operation: op as u8, need, transferable, since, location };
        OpenWait::fill(task, reserved, facts)
    }

    /// The wait of an operation that blocks its thread.
    fn blocking(task: &CellRef, awaited: u64, site: &Site) -> OpenWait {
        OpenWait::since_now(task, awaited, site.op, site.need, site.location)
    }

    /// A wait without a location.
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
        // Its thread blocks in it, or the wait was reported.
        let transferable = false;
        let facts = WaitFacts { edge: 0, awaited, operation: op as u8, need, transferable, since, location };
        OpenWait::fill(task, Reserved::of(task), facts)
    }

    #[inline]
    fn fill(task: &CellRef, reserved: Reserved<'_>, facts: WaitFacts) -> OpenWait {
        let slot = reserved.fill(&WaitFacts { edge: ids::next_edge(), ..facts });
        OpenWait { task: task.clone(), slot: NonNull::from(slot) }
    }

    fn slot(&self) -> &Slot {
        // SAFETY: `task` keeps the cell (cell_ref.rs, "slots").
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

impl Drop for Waiting {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            self.give_up();
        }
    }
}

impl Waiting {
    /// The operation was not polled yet.
    pub const fn new() -> Waiting {
        Waiting(ManuallyDrop::new(None))
    }

    /// Polls the operation by `poll`, and records whether the task waits on `resource` now.
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

    /// Records at detail `operations` that the operation has begun before its first poll.
    #[inline]
    pub fn begins(&mut self, resource: &impl AsResource, site: &Site) {
        if self.0.is_none() && journal::is_on() {
            let awaited = resource.cell().map_or(0, ResourceCell::id);
            if awaited != 0 {
                let begun = self.begin(awaited, site, None);
                self.keep(begun);
            }
        }
    }

    /// Like [`poll`](Waiting::poll), for a wait on `awaited`, which is called while recording is on. It returns the ID of a
    /// resource, or [`join_of`] a task, or [`TIMER`]; 0 if the resource or task is not recorded.
    #[inline]
    pub(crate) fn poll_with<T>(
        &mut self,
        awaited: impl FnOnce() -> u64,
        site: &Site,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !on() {
            // The wait was open when recording was turned off: this poll is not observed.
            if self.0.is_some() {
                self.give_up();
            }
            return poll(cx);
        }
        let awaited = awaited();
        if self.open().is_some_and(|open| open.slot().awaited() != awaited) {
            // The resource or task got another ID when recording was turned off and on again.
            self.give_up();
        }
        if awaited == 0 {
            // An unrecorded resource has to look foreign: its wakers are of the foreign kind.
            return poll(cx);
        }
        match journal::is_on() {
            true => self.poll_journaled(awaited, site, cx, poll),
            false => self.poll_observed::<false, T>(awaited, site, cx, poll),
        }
    }

    /// A function of its own, so that no value lives longer in the usual one.
    #[cold]
    #[inline(never)]
    fn poll_journaled<T>(
        &mut self,
        awaited: u64,
        site: &Site,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.poll_observed::<true, T>(awaited, site, cx, poll)
    }

    #[inline(always)]
    fn poll_observed<const JOURNALED: bool, T>(
        &mut self,
        awaited: u64,
        site: &Site,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let known = waker::known(cx.waker());
        let observed = ObservedOperation::begin();
        let polling = match &known {
            // A timer keeps a waker of the foreign kind: when that is gone, the timer has fired.
            Some(known) if !is_timer(awaited) => Some((Polling::new(&known.task, self.slot_of(&known.task)), known)),
            _ => None,
        };
        // Not in `self` during the poll: if that panics, the operation is abandoned there.
        let begun = match JOURNALED {
            true => self.begin(awaited, site, polling.as_ref().map(|(polling, _)| polling)),
            false => Begun::NOT,
        };
        // Named `result` and returned as it is, so that it is not copied.
        let result = match &polling {
            Some((polling, known)) => poll(&mut Context::from_waker(&polling.waker(known.tracing))),
            None => match &known {
                Some(known) if known.tracing => trace::timer(known.task.as_ptr(), self.edge(), || poll(cx)),
                _ => poll(cx),
            },
        };
        drop(observed);
        if JOURNALED {
            self.keep(begun);
        }
        if result.is_ready() {
            if self.0.is_some() {
                self.claim(site);
            }
            return result;
        }
        let reserved = polling.and_then(|(polling, _)| polling.into_reserved());
        match &known {
            Some(known) => self.pending(&known.task, awaited, site, reserved, Some(known.task.times().poll_number())),
            // Polled with a waker of a combinator, such as `FuturesUnordered`, or by an unobserved task.
            None => {
                let at = site.location.unwrap_or(Location::caller());
                user::with(site.executor, at, |task| self.pending(task, awaited, site, None, None));
            }
        }
        match &*self.0 {
            Some(Pending { begun, .. }) if begun.is_recorded() => begun.pending(site.executor, site.location),
            _ => {}
        }
        result
    }

    /// Records the begin of the operation, unless it has begun. `polling` is its poll, if its waker is followed.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, awaited: u64, site: &Site, polling: Option<&Polling<'_>>) -> Begun {
        // An operation that was polled before and is not recorded is left out.
        let begun = match &mut *self.0 {
            Some(pending) => std::mem::replace(&mut pending.begun, Begun::NOT),
            None => Begun::record(site.op.call(), awaited, site.need, site.executor, site.location),
        };
        if let Some(slot) = polling.and_then(Polling::takes_slot) {
            begun.in_slot(slot);
        }
        begun
    }

    /// Keeps an operation until its next poll or its end.
    fn keep(&mut self, begun: Begun) {
        self.0.get_or_insert(Pending { open: None, begun: Begun::NOT }).begun = begun;
    }

    /// The operation has its result, and was polled without one before, or its begin was recorded.
    #[inline(never)]
    fn claim(&mut self, site: &Site) {
        let Some(Pending { open, begun }) = self.0.take() else { return };
        if begun.is_recorded() {
            begun.claimed(None, journal::task_of(site.executor, site.location.unwrap_or(Location::caller())));
        }
        drop(open);
    }

    /// The operation has no result, and is not polled again, or not observed.
    #[inline(never)]
    fn give_up(&mut self) {
        *self.0 = None;
    }

    fn open(&self) -> Option<&OpenWait> {
        self.0.as_ref()?.open.as_ref()
    }

    /// The edge of the open wait.
    fn edge(&self) -> Option<u64> {
        self.open()?.slot().edge()
    }

    /// The slot of the open wait, if `task` has it.
    #[inline]
    fn slot_of(&self, task: &CellRef) -> Option<NonNull<Slot>> {
        self.open().filter(|open| open.is_of(task)).map(|open| open.slot)
    }

    /// Records that `task` has polled it, in its poll of this `number` if known. Opens the wait, unless it is open.
    fn pending(
        &mut self,
        task: &CellRef,
        awaited: u64,
        site: &Site,
        reserved: Option<Reserved<'_>>,
        number: Option<u64>,
    ) {
        if self.slot_of(task).is_none() {
            let address = &raw const *self as usize;
            let open =
                (task.id() != 0).then(|| OpenWait::pending(task, awaited, site, reserved, number.is_some(), address));
            let begun = match &mut *self.0 {
                Some(pending) => std::mem::replace(&mut pending.begun, Begun::NOT),
                None => Begun::NOT,
            };
            *self.0 = (open.is_some() || begun.is_recorded()).then(|| Pending { open, begun });
        }
        if let Some(open) = self.open() {
            open.slot().waiter.end_poll(number);
        }
    }
}

/// Marks a task's ID in place of a resource's: the wait is for the task's end. The recorder makes a resource when it
/// first samples such a wait; most joins are over before.
const JOIN: u64 = 1 << 63;

/// In place of a resource's ID: the wait is for a timer, and only its location is known.
pub(crate) const TIMER: u64 = 1 << 62;

/// Like [`TIMER`], for a timer that has a clone of its waker itself: the clone is dropped only some time after the timer has
/// fired.
pub(crate) const TIMER_WITH_WAKER: u64 = TIMER | 1;

/// Whether the wait is for a timer.
pub(crate) fn is_timer(awaited: u64) -> bool {
    matches!(awaited, TIMER | TIMER_WITH_WAKER)
}

/// The awaited word of a wait for the end of the task `id`; 0 if the task is not recorded, or only before recording was turned
/// off.
pub(crate) fn join_of(id: u64) -> u64 {
    if ids::is_recorded(id) { JOIN | id } else { 0 }
}

/// The resource, task or timer of a wait.
pub(crate) enum Awaited {
    /// The resource of this id.
    Resource(u64),
    /// The end of the task of this id.
    End(u64),
    /// A timer.
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
/// Like [`blocking`], for an operation that a `#[track_caller]` function has to call: a closure cannot be one.
#[derive(Debug)]
pub struct Blocking {
    // Dropped first: the task runs again before its wait is over, so it never looks idle without a wait.
    _blocked: Option<Blocked>,
    _open: Option<OpenWait>,
    _observed: Option<ObservedOperation>,
    begun: Begun,
}

impl Blocking {
    /// Begins the wait.
    pub fn new(resource: &impl AsResource, site: &Site) -> Blocking {
        if !on() {
            return Blocking { _blocked: None, _open: None, _observed: None, begun: Begun::NOT };
        }
        let at = site.location.unwrap_or(Location::caller());
        let task = user::with(site.executor, at, CellRef::clone);
        let resource = resource.cell().map_or(0, |cell| cell.id());
        let begun = match journal::is_on() && resource != 0 {
            true => Begun::record(site.op.call(), resource, site.need, site.executor, site.location),
            false => Begun::NOT,
        };
        match task {
            Some(task) if resource != 0 && task.id() != 0 => {
                let open = OpenWait::blocking(&task, resource, site);
                Blocking {
                    _blocked: (!task.is_partial()).then(|| Blocked::new(task)),
                    _open: Some(open),
                    _observed: Some(ObservedOperation::begin()),
                    begun,
                }
            }
            _ => Blocking { _blocked: None, _open: None, _observed: None, begun },
        }
    }
}

impl Drop for Blocking {
    #[inline]
    fn drop(&mut self) {
        if self.begun.is_recorded() {
            self.claimed();
        }
    }
}

impl Blocking {
    #[cold]
    #[inline(never)]
    fn claimed(&mut self) {
        let begun = std::mem::replace(&mut self.begun, Begun::NOT);
        if !std::thread::panicking() {
            begun.claimed(None, current::recorded_id());
        }
    }
}

/// While it lives, its task does not run, though its thread is in a poll of it.
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
