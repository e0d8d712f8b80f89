//! The futures and closures that an adapter spawns in place of the program's.

use crate::cell_ref::CellRef;
use crate::current::Entered;
use crate::ring::{self, RecordKind};
use crate::task::{Body, Kind, TaskCell, TaskMeta};
use crate::trace::Collecting;
use crate::waker::OwnWaker;
use crate::{Executor, clock, name, on, raw, waker};
use insight_protocol::Outcome;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

/// A spawned future, observed: sets the thread's current task, times each poll, and hands on a waker that notes who
/// wakes it.
///
/// While recording is off it costs one relaxed load a poll.
#[derive(Debug)]
pub struct Observed<F> {
    inner: ManuallyDrop<F>,
    task: Seen,
}

#[derive(Debug)]
enum Seen {
    Task(Task),
    /// It was spawned while recording was off, or had no room.
    NotYet {
        executor: &'static Executor,
        location: &'static Location<'static>,
        kind: Kind,
    },
    /// Another facade has observed it.
    Elsewhere,
}

/// With the task's own waker from the first poll on.
#[derive(Debug)]
struct Task(OwnWaker);

/// What joins a task needs to know of it.
///
/// Its id, or 0: a handle of it keeps nothing of it.
#[derive(Clone, Copy, Debug)]
pub struct TaskRef(pub(crate) u64);

impl TaskRef {
    /// Of a task that was not observed when it was spawned.
    pub const fn unseen() -> TaskRef {
        TaskRef(0)
    }
}

impl Seen {
    /// Of what is about to be spawned, in so many bytes, while recording is on.
    #[inline(never)]
    fn spawned(bytes: usize, meta: TaskMeta) -> Seen {
        if has_room(bytes, meta.location) {
            Seen::Task(Task::new(TaskCell::spawned(meta, false)))
        } else {
            Seen::NotYet { executor: meta.executor, location: meta.location, kind: meta.kind }
        }
    }

    /// It is being dropped: that is its end, if it had none.
    #[inline]
    fn cancelled(&self) {
        if let Some(task) = self.seen() {
            if !task.0.cell().ended.load(Ordering::Relaxed) {
                task.0.cell().completed(Outcome::Cancelled);
            }
        }
    }

    /// Whether the poll that is about to begin is to be observed, of a task that is not recorded.
    ///
    /// Of one that was recorded before recording was turned off, the cell is left, and with it all that it said: to whom else
    /// it matters, such as its wakers, have it as long as they live. It is then one that was spawned while recording was off.
    /// Only its name would not come back: while recording is off, that is kept.
    #[cold]
    fn is_to_be_observed(
        &mut self,
        meta: impl FnOnce(&'static Executor, &'static Location<'static>, Kind) -> TaskMeta,
    ) -> bool {
        let mut name = None;
        if let Seen::Task(task) = self {
            let cell = task.0.cell();
            if !cell.was_recorded() {
                // A root, whose first poll may turn recording on.
                return on() || !task.0.is_installed();
            }
            name = cell.name().map(Box::from);
            if name.is_none() || on() {
                *self = Seen::NotYet { executor: cell.executor, location: cell.location, kind: cell.kind };
            }
        }
        match *self {
            Seen::NotYet { executor, location, kind } if on() && !ring::is_full() => {
                *self = Seen::Task(Task::new(TaskCell::new_late(meta(executor, location, kind), name)));
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn seen(&self) -> Option<&Task> {
        match self {
            Seen::Task(task) => Some(task),
            Seen::NotYet { .. } | Seen::Elsewhere => None,
        }
    }
}

/// A task that is about to be spawned with a future of the type `F`.
///
/// With [`Observed::new`] the future is moved once more, where its task's reference is asked for in between.
#[derive(Debug)]
pub struct Spawned<F> {
    task: ManuallyDrop<Seen>,
    _future: PhantomData<fn(F)>,
}

impl<F> Spawned<F> {
    /// A task of this executor, spawned there.
    #[inline]
    pub fn new(executor: &'static Executor, kind: Kind, location: &'static Location<'static>) -> Spawned<F> {
        let task = if on() {
            Seen::spawned(size_of::<Observed<F>>(), meta::<F>(executor, kind, location))
        } else {
            Seen::NotYet { executor, location, kind }
        };
        Spawned { task: ManuallyDrop::new(task), _future: PhantomData }
    }

    /// For the task's join handle.
    #[inline]
    pub fn task_ref(&self) -> TaskRef {
        TaskRef(self.task.seen().map_or(0, |task| task.0.cell().id()))
    }

    /// Observes its future.
    #[inline]
    pub fn observe(self, inner: F) -> Observed<F> {
        let mut spawned = ManuallyDrop::new(self);
        // SAFETY: taken once, and `spawned` is not dropped.
        let task = unsafe { ManuallyDrop::take(&mut spawned.task) };
        Observed { inner: ManuallyDrop::new(inner), task }
    }
}

impl<F> Drop for Spawned<F> {
    /// It has no future, and is not going to run.
    fn drop(&mut self) {
        self.task.cancelled();
        // SAFETY: dropped once: `observe` does not come here.
        unsafe { ManuallyDrop::drop(&mut self.task) };
    }
}

impl<F> Observed<F> {
    /// Observes a future that is about to be spawned.
    #[inline]
    pub fn new(inner: F, executor: &'static Executor, kind: Kind, location: &'static Location<'static>) -> Observed<F> {
        Spawned::new(executor, kind, location).observe(inner)
    }

    /// Observes a future that a thread is about to run to its end. Its first poll is observed even while recording is
    /// off, since it is in this poll that an async `main` turns it on.
    pub fn root(inner: F, executor: &'static Executor, location: &'static Location<'static>) -> Observed<F> {
        let kind = Kind::BlockOn;
        if on() {
            raw::about_to_spawn(size_of::<Observed<F>>(), location);
        }
        let task = Seen::Task(Task::new(TaskCell::spawned(meta::<F>(executor, kind, location), false)));
        Observed { inner: ManuallyDrop::new(inner), task }
    }

    /// A future that another facade has observed, as it is.
    pub fn passed_on(inner: F) -> Observed<F> {
        Observed { inner: ManuallyDrop::new(inner), task: Seen::Elsewhere }
    }

    /// For the task's join handle.
    #[inline]
    pub fn task_ref(&self) -> TaskRef {
        TaskRef(self.task.seen().map_or(0, |task| task.0.cell().id()))
    }
}

/// Whether what is about to be spawned can be recorded. If not, that is counted, and nothing is kept of it: it is looked
/// at again when it is polled.
#[inline]
fn has_room(bytes: usize, location: &'static Location<'static>) -> bool {
    raw::about_to_spawn(bytes, location);
    let refused = ring::refuses(RecordKind::TaskSpawned);
    if refused {
        name::take_task_name();
    }
    !refused
}

fn meta<F>(executor: &'static Executor, kind: Kind, location: &'static Location<'static>) -> TaskMeta {
    TaskMeta { executor, kind, location, body: OfType::<F>::BODY }
}

struct OfType<F>(PhantomData<F>);

impl<F> OfType<F> {
    const BODY: &'static Body = &Body::of::<F>(size_of::<Observed<F>>());
}

impl<F: Future> Future for Observed<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if matches!(self.task, Seen::NotYet { .. }) && !on() {
            // SAFETY: only `inner` is pinned; it is never moved, and dropped in place by `drop`.
            return unsafe { self.map_unchecked_mut(|this| &mut *this.inner) }.poll(cx);
        }
        self.poll_on(cx)
    }
}

impl<F: Future> Observed<F> {
    /// While recording is on, or was: apart, so that a poll while it is off saves no registers for this.
    #[inline(never)]
    fn poll_on(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let address = std::ptr::from_ref(&*self) as usize;
        // SAFETY: only `inner` is pinned; it is never moved, and dropped in place by `drop`.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let inner = unsafe { Pin::new_unchecked(&mut *this.inner) };
        let recorded = this.task.seen().is_some_and(|task| task.0.cell().recorded_id() != 0);
        if !recorded && !this.task.is_to_be_observed(|executor, location, kind| meta::<F>(executor, kind, location)) {
            return inner.poll(cx);
        }
        match &this.task {
            Seen::Task(task) => task.poll(address, recorded, cx, |cx| inner.poll(cx)),
            Seen::NotYet { .. } | Seen::Elsewhere => inner.poll(cx),
        }
    }
}

impl Task {
    #[inline]
    fn new(mut cell: CellRef) -> Task {
        cell.register_new();
        Task(OwnWaker::new(cell))
    }

    #[inline(never)]
    fn first_poll(&self, address: usize, executors: &Waker) {
        let cell = self.0.cell();
        cell.future_start.store(address, Ordering::Relaxed);
        let id = (cell.executor.current_task_id)().unwrap_or(0);
        cell.executor_task_id.store(id, Ordering::Relaxed);
        self.0.install(executors);
    }

    #[inline]
    fn poll<T>(
        &self,
        address: usize,
        recorded: bool,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !self.0.is_installed() {
            self.first_poll(address, cx.waker());
        }
        let own = &self.0;
        let cell = own.cell();
        if !recorded {
            cell.id();
        }
        let tracing = cell.trace_wanted.load(Ordering::Relaxed).then(|| Collecting::begin(cell));
        // A poll that only the trace asked for leaves no mark: the task is where it was, and so is a problem of it.
        let unasked = tracing.is_some() && cell.woken_at.load(Ordering::Acquire) == 0;
        let running = if unasked { Running::unasked(cell) } else { Running::begin(cell) };
        let wakers = waker::count(cell);
        let result = own.with(cx.waker(), tracing.is_some(), |waker| poll(&mut Context::from_waker(waker)));
        // Before the poll has ended: who finds the task idle finds what this poll left.
        cell.left_waker.store(waker::count(cell) > wakers, Ordering::Relaxed);
        let ended_at = match running.finish() {
            Some(ticks) => {
                cell.count_poll(ticks);
                cell.poll_end.load(Ordering::Relaxed)
            }
            None => clock::ticks(),
        };
        if let Some(tracing) = tracing {
            tracing.finish(result.is_ready());
        }
        if result.is_ready() {
            cell.completed_at(Outcome::Returned, ended_at);
        } else if !recorded {
            // A root in whose first poll recording was turned on.
            cell.id();
        }
        result
    }
}

/// The span in which a task runs on this thread; also when it ends by a panic.
struct Running<'a> {
    cell: &'a CellRef,
    /// Nobody but a trace has asked for the poll.
    unasked: bool,
    began: u64,
    entered: Entered<'a>,
}

impl<'a> Running<'a> {
    #[inline]
    fn begin(cell: &'a CellRef) -> Running<'a> {
        let began = cell.begin();
        Running { cell, unasked: false, began, entered: Entered::new(cell) }
    }

    #[cold]
    fn unasked(cell: &'a CellRef) -> Running<'a> {
        Running { cell, unasked: true, began: clock::ticks(), entered: Entered::new(cell) }
    }

    /// How long it ran, if that is to be counted.
    #[inline]
    fn finish(self) -> Option<u64> {
        let running = ManuallyDrop::new(self);
        // What blocks its thread has begun to run again when it is over.
        let counts = !running.unasked || running.cell.is_running();
        let ticks = counts.then(|| running.cell.end());
        running.leave();
        // SAFETY: read once, and `running` is not dropped.
        drop(unsafe { std::ptr::read(&running.entered) });
        ticks
    }

    /// The time of a poll within another task's poll is not that task's.
    #[inline]
    fn leave(&self) {
        if let Some(around) = self.entered.around() {
            around.polled_another(self.began);
        }
    }
}

impl Drop for Running<'_> {
    /// Not finished: the poll panicked.
    fn drop(&mut self) {
        self.cell.panicked();
        self.cell.end();
        self.leave();
    }
}

impl<F> Drop for Observed<F> {
    fn drop(&mut self) {
        let _ending = Ending(&self.task);
        // What the future drops, such as guards, is dropped by its task.
        let _entered = self.task.seen().map(|task| {
            // The wakers that go with the future are not lost: it is being cancelled.
            task.0.cell().left_waker.store(false, Ordering::Relaxed);
            Entered::new(task.0.cell())
        });
        // SAFETY: dropped once, in place, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.inner) };
    }
}

/// A task whose future is being dropped: it has ended after that, also when that panics.
struct Ending<'a>(&'a Seen);

impl Drop for Ending<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.cancelled();
    }
}

/// A closure that is about to run on a thread of its own, observed.
#[derive(Debug)]
pub struct ObservedClosure<F> {
    inner: F,
    guard: ClosureGuard,
}

impl<F> ObservedClosure<F> {
    /// Observes a closure that is about to be spawned.
    pub fn new(inner: F, executor: &'static Executor, location: &'static Location<'static>) -> ObservedClosure<F> {
        let seen = on() && has_room(size_of::<ObservedClosure<F>>(), location);
        let cell = seen.then(|| {
            let mut cell = TaskCell::spawned(meta::<F>(executor, Kind::Blocking, location), false);
            cell.register_new();
            cell
        });
        ObservedClosure { inner, guard: ClosureGuard { cell, outcome: Outcome::Cancelled } }
    }

    /// For the task's join handle.
    pub fn task_ref(&self) -> TaskRef {
        TaskRef(self.guard.cell.as_ref().map_or(0, CellRef::id))
    }

    /// Runs it.
    pub fn call<R>(self) -> R
    where
        F: FnOnce() -> R,
    {
        let ObservedClosure { inner, mut guard } = self;
        let Some(cell) = guard.cell.clone() else { return inner() };
        cell.future_start.store(&raw const guard as usize, Ordering::Relaxed);
        let id = (cell.executor.current_task_id)().unwrap_or(0);
        cell.executor_task_id.store(id, Ordering::Relaxed);
        let running = Running::begin(&cell);
        let result = inner();
        if let Some(ticks) = running.finish() {
            cell.count_poll(ticks);
        }
        guard.outcome = Outcome::Returned;
        result
    }
}

/// Records the end of a closure, run or not.
#[derive(Debug)]
struct ClosureGuard {
    cell: Option<CellRef>,
    outcome: Outcome,
}

impl Drop for ClosureGuard {
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            cell.completed(self.outcome.clone());
        }
    }
}
