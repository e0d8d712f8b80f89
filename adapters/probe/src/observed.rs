//! The futures and closures that an adapter spawns in place of the program's.

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::current::Entered;
use crate::fact::{FactKind, TaskEnd};
use crate::home::{self, Home, Rooted};
use crate::kind::Kind;
use crate::left_out::LeftOut;
use crate::meta::{Body, TaskMeta};
use crate::ring;
use crate::trace::TracedPoll;
use crate::waker::OwnWaker;
use crate::{Executor, clock, name, on, panics, raw};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A spawned future, observed. It sets the thread's current task, times each poll, and polls the future with a waker that
/// records each wake.
///
/// While recording is off it costs one relaxed load per poll.
#[derive(Debug)]
pub struct Observed<F> {
    inner: ManuallyDrop<F>,
    task: Observation,
}

#[derive(Debug)]
enum Observation {
    Task(Task),
    /// It was spawned while recording was off, or the queue had no room for it.
    NotYet {
        executor: &'static Executor,
        location: &'static Location<'static>,
        kind: Kind,
        left_out: LeftOut,
    },
    /// Another facade has observed it.
    Elsewhere,
}

/// With the task's own waker from the first poll on.
#[derive(Debug)]
struct Task(OwnWaker);

/// A task, for its join handles: its ID, or 0 if it is not recorded. It keeps nothing of the task alive.
#[derive(Clone, Copy, Debug)]
pub struct TaskRef(pub(crate) u64);

impl TaskRef {
    /// A task that was not observed when it was spawned.
    pub const fn unseen() -> TaskRef {
        TaskRef(0)
    }
}

impl Observation {
    /// For a future of this size that is about to be spawned while recording is on.
    #[inline(never)]
    fn spawned(bytes: usize, meta: TaskMeta) -> Observation {
        if has_room(bytes, meta.location) {
            Observation::Task(Task::new(TaskCell::spawned(meta, false)))
        } else {
            let left_out = LeftOut::marked();
            Observation::NotYet { executor: meta.executor, location: meta.location, kind: meta.kind, left_out }
        }
    }

    /// Records that the future is being dropped: the task's end, if it has not ended before.
    #[inline]
    fn cancelled(&self, panicked: bool) {
        if let Some(task) = self.observed() {
            if !task.0.cell().has_ended() {
                if panicked {
                    task.0.cell().set_panicked();
                }
                task.0.cell().completed(TaskEnd::Cancelled);
            }
        }
    }

    /// For a task that is not recorded: whether the poll that is about to begin has to be observed.
    ///
    /// A task that was recorded before recording was turned off gives up its cell with all its facts; the cell's other users,
    /// such as its wakers, keep it as long as they live. The task is then like one that was spawned while recording was off.
    /// Only its name could not be found again, so a task with a name keeps its cell while recording is off.
    #[cold]
    fn is_to_be_observed(
        &mut self,
        meta: impl FnOnce(&'static Executor, &'static Location<'static>, Kind) -> TaskMeta,
    ) -> bool {
        let mut name = None;
        if let Observation::Task(task) = self {
            let cell = task.0.cell();
            if !cell.was_recorded() {
                // A root, whose first poll may turn recording on.
                return on() || !task.0.is_installed();
            }
            name = cell.name().map(Box::from);
            if name.is_none() || on() {
                let (executor, location, kind) = (cell.executor(), cell.location(), cell.kind());
                *self = Observation::NotYet { executor, location, kind, left_out: LeftOut::NO };
            }
        }
        match self {
            Observation::NotYet { left_out, .. } if on() && ring::is_full() => {
                left_out.mark();
                false
            }
            Observation::NotYet { executor, location, kind, .. } if on() => {
                *self = Observation::Task(Task::new(TaskCell::new_late(meta(executor, location, *kind), name)));
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn observed(&self) -> Option<&Task> {
        match self {
            Observation::Task(task) => Some(task),
            Observation::NotYet { .. } | Observation::Elsewhere => None,
        }
    }
}

/// A task that is about to be spawned with a future of the type `F`.
///
/// It gives the task's [`TaskRef`] before the future is wrapped. With [`Observed::new`] the future would be moved once more
/// for that.
#[derive(Debug)]
pub struct Spawned<F> {
    task: ManuallyDrop<Observation>,
    _future: PhantomData<fn(F)>,
}

impl<F> Spawned<F> {
    /// A task of this executor, spawned at `location`.
    #[inline]
    pub fn new(executor: &'static Executor, kind: Kind, location: &'static Location<'static>) -> Spawned<F> {
        let task = if on() {
            Observation::spawned(size_of::<Observed<F>>(), meta::<F>(executor, kind, location))
        } else {
            Observation::NotYet { executor, location, kind, left_out: LeftOut::NO }
        };
        Spawned { task: ManuallyDrop::new(task), _future: PhantomData }
    }

    /// For the task's join handle.
    #[inline]
    pub fn task_ref(&self) -> TaskRef {
        TaskRef(self.task.observed().map_or(0, |task| task.0.cell().id()))
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
    /// It got no future, so it will not run.
    fn drop(&mut self) {
        self.task.cancelled(false);
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
    /// off, since an async `main` turns recording on within this poll.
    pub fn root(inner: F, executor: &'static Executor, location: &'static Location<'static>) -> Observed<F> {
        let kind = Kind::BlockOn;
        if on() {
            raw::about_to_spawn(size_of::<Observed<F>>(), location);
        }
        let task = Observation::Task(Task::new(TaskCell::spawned(meta::<F>(executor, kind, location), false)));
        Observed { inner: ManuallyDrop::new(inner), task }
    }

    /// Records that code without a join handle will be able to cancel the task.
    pub fn set_cancellable(&self) {
        if let Some(task) = self.task.observed() {
            task.0.cell().set_cancellable();
        }
    }

    /// Records that this thread is about to run it to its end, and meanwhile polls the tasks of `tasks`, and the local tasks of
    /// `locals`. The caller borrows both until it drops the result.
    pub fn rooted(&self, executor: &'static Executor, tasks: Home, locals: Option<Home>) -> Rooted {
        Rooted::new(self.task.observed().map(|task| task.0.cell()), executor, tasks, locals)
    }

    /// A future that another facade has observed, as it is.
    pub fn passed_on(inner: F) -> Observed<F> {
        Observed { inner: ManuallyDrop::new(inner), task: Observation::Elsewhere }
    }

    /// For the task's join handle.
    #[inline]
    pub fn task_ref(&self) -> TaskRef {
        TaskRef(self.task.observed().map_or(0, |task| task.0.cell().id()))
    }
}

/// Whether the queue has room to record the task that is about to be spawned. If not, the refusal is counted, and the task
/// tries again when it is polled.
#[inline]
fn has_room(bytes: usize, location: &'static Location<'static>) -> bool {
    raw::about_to_spawn(bytes, location);
    let refused = ring::refuses(FactKind::TaskSpawned);
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
        if matches!(self.task, Observation::NotYet { .. }) && !on() {
            // SAFETY: only `inner` is pinned; it is never moved, and dropped in place by `drop`.
            return unsafe { self.map_unchecked_mut(|this| &mut *this.inner) }.poll(cx);
        }
        self.poll_on(cx)
    }
}

impl<F: Future> Observed<F> {
    /// The poll while recording is on, or was. A separate function, so that a poll while it is off saves no registers for it.
    #[inline(never)]
    fn poll_on(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let address = std::ptr::from_ref(&*self) as usize;
        // SAFETY: only `inner` is pinned; it is never moved, and dropped in place by `drop`.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: `inner` stays where it is, as `get_unchecked_mut` above was promised.
        let inner = unsafe { Pin::new_unchecked(&mut *this.inner) };
        let recorded = this.task.observed().is_some_and(|task| task.0.cell().recorded_id() != 0);
        if !recorded && !this.task.is_to_be_observed(|executor, location, kind| meta::<F>(executor, kind, location)) {
            return inner.poll(cx);
        }
        match &this.task {
            Observation::Task(task) => task.poll(address, recorded, cx, |cx| inner.poll(cx)),
            Observation::NotYet { .. } | Observation::Elsewhere => inner.poll(cx),
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
        cell.set_future_start(address);
        cell.set_home(home::of_polled(cell.executor(), cell.kind()));
        cell.set_executor_task_id((cell.executor().current_task_id)().unwrap_or(0));
        if panics::are_recorded() {
            cell.note_panic();
        }
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
        let (mut traced, mut unasked, mut notes_panic) = (None, false, false);
        if cell.has_marks() {
            traced = TracedPoll::begin(cell);
            unasked = traced.as_ref().is_some_and(|traced| traced.is_uncounted());
            notes_panic = cell.notes_panic();
        }
        let running = if unasked { Running::unasked(cell) } else { Running::begin(cell) };
        let wakers = cell.wakers().count();
        let tracing = traced.as_ref().is_some_and(|traced| traced.collects());
        let poll = || own.with(cx.waker(), tracing, |waker| poll(&mut Context::from_waker(waker)));
        let result = match notes_panic {
            false => poll(),
            true => noting_if(true, cell, || {
                // The stacks end at this frame, inside the catch.
                traced.as_ref().inspect(|traced| traced.ends_here());
                poll()
            }),
        };
        // Before the poll has ended, so that a reader that finds the task idle finds this value.
        cell.set_left_waker(cell.wakers().count() > wakers);
        let ended_at = match running.finish() {
            Some(ticks) => {
                cell.count_poll(ticks);
                cell.times().poll_end()
            }
            None => clock::ticks(),
        };
        if let Some(traced) = traced {
            traced.finish(result.is_ready());
        }
        if result.is_ready() {
            cell.completed_at(TaskEnd::Returned, ended_at);
        } else if !recorded {
            // A root in whose first poll recording was turned on.
            cell.id();
        }
        result
    }
}

/// Calls `run`, a poll or a closure of the task of `cell`. With `notes_panic`, the message of its panic is recorded.
fn noting_if<T>(notes_panic: bool, cell: &CellRef, run: impl FnOnce() -> T) -> T {
    if !notes_panic {
        return run();
    }
    let (mut run, mut result) = (Some(run), None);
    panics::noting(cell, &mut || result = run.take().map(|run| run()));
    match result {
        Some(result) => result,
        None => unreachable!("`run` has returned: a panic of it continues"),
    }
}

/// The span in which a task runs on this thread. A panic ends it, too.
struct Running<'a> {
    cell: &'a CellRef,
    /// Only a trace has asked for the poll.
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

    /// Returns the duration of the run in ticks, if it has to be counted.
    #[inline]
    fn finish(self) -> Option<u64> {
        let running = ManuallyDrop::new(self);
        // An operation that has blocked the thread marks the task as running when it is over.
        let counts = !running.unasked || running.cell.times().is_running();
        let ticks = counts.then(|| running.cell.end());
        running.leave();
        // SAFETY: read once, and `running` is not dropped.
        drop(unsafe { std::ptr::read(&running.entered) });
        ticks
    }

    /// Subtracts the time of this poll from the poll of another task that it was in, if any.
    #[inline]
    fn leave(&self) {
        if let Some(around) = self.entered.around() {
            around.polled_another(self.began);
        }
    }
}

impl Drop for Running<'_> {
    /// Without `finish`, the poll has panicked.
    fn drop(&mut self) {
        self.cell.set_panicked();
        self.cell.end();
        self.leave();
    }
}

impl<F> Drop for Observed<F> {
    fn drop(&mut self) {
        let mut ending = Ending { task: &self.task, panicked: true };
        // The task itself drops the future's parts, such as guards.
        let _entered = self.task.observed().map(|task| {
            // The wakers that are dropped with the future are not lost: the task is being cancelled.
            task.0.cell().set_left_waker(false);
            Entered::new(task.0.cell())
        });
        // SAFETY: dropped once, in place, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.inner) };
        ending.panicked = false;
    }
}

/// A task whose future is being dropped. The task ends after the drop, also if the drop panics.
struct Ending<'a> {
    task: &'a Observation,
    panicked: bool,
}

impl Drop for Ending<'_> {
    #[inline]
    fn drop(&mut self) {
        self.task.cancelled(self.panicked);
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
        let (mut seen, mut left_out) = (on(), LeftOut::NO);
        if seen && !has_room(size_of::<ObservedClosure<F>>(), location) {
            seen = false;
            left_out.mark();
        }
        let cell = seen.then(|| {
            let mut cell = TaskCell::spawned(meta::<F>(executor, Kind::Blocking, location), false);
            cell.register_new();
            cell
        });
        ObservedClosure { inner, guard: ClosureGuard { cell, end: TaskEnd::Cancelled, _left_out: left_out } }
    }

    /// For the task's join handle.
    pub fn task_ref(&self) -> TaskRef {
        TaskRef(self.guard.cell.as_ref().map_or(0, CellRef::id))
    }

    /// Runs the closure, as its task.
    pub fn call<R>(self) -> R
    where
        F: FnOnce() -> R,
    {
        let ObservedClosure { inner, mut guard } = self;
        let Some(cell) = guard.cell.clone() else { return inner() };
        cell.set_future_start(&raw const guard as usize);
        cell.set_executor_task_id((cell.executor().current_task_id)().unwrap_or(0));
        let running = Running::begin(&cell);
        let result = noting_if(panics::are_recorded(), &cell, inner);
        if let Some(ticks) = running.finish() {
            cell.count_poll(ticks);
        }
        guard.end = TaskEnd::Returned;
        result
    }
}

/// Records the end of a closure, whether it has run or not.
#[derive(Debug)]
struct ClosureGuard {
    cell: Option<CellRef>,
    end: TaskEnd,
    _left_out: LeftOut,
}

impl Drop for ClosureGuard {
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            cell.completed(self.end);
        }
    }
}
