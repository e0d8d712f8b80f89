//! The home of a task: the runtime, or the set of local tasks, that polls the task and drops it at its own end.
//!
//! A thread knows its home, and a task takes the home of the thread at its first poll. A home has roots: tasks that borrow it as
//! long as they run. While a home has a root, nobody can drop it.

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::current::{self, Turned};
use crate::executor::Executor;
use crate::kind::Kind;
use std::cell::Cell;
use std::future::Future;
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// A runtime, or a set of local tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home(u64);

/// Relaxed: numbers only have to differ.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Home {
    /// A home whose end we do not know.
    pub const UNKNOWN: Home = Home(0);

    /// Another home than all before.
    pub fn another() -> Home {
        Home(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The home of the tasks that a thread polls now.
#[derive(Clone, Copy, Debug)]
struct Place {
    home: u64,
    /// The executor of these tasks; tasks of others have another home. Null if there are none, or `check` has not returned true.
    executor: *const Executor,
    /// The task within whose poll the home polls its tasks, as current.rs marks it; 0 for none. A task that is polled within another
    /// one has another home.
    within: usize,
    check: Option<Check>,
}

/// Whether this thread polls for its home. The executor is that of the home.
#[derive(Clone, Copy, Debug)]
struct Check {
    executor: &'static Executor,
    is_true: fn() -> bool,
}

impl Place {
    const UNKNOWN: Place = Place { home: 0, executor: ptr::null(), within: 0, check: None };

    fn new(home: Home, executor: &'static Executor, within: usize) -> Place {
        Place { home: home.0, executor, within, check: None }
    }
}

/// Those tasks that have one kind.
#[repr(usize)]
#[derive(Clone, Copy, Debug)]
enum Of {
    /// They may move between threads.
    Tasks,
    /// They stay on the thread.
    Locals,
}

thread_local! {
    static PLACES: [Cell<Place>; 2] = const { [const { Cell::new(Place::UNKNOWN) }; 2] };
}

impl Of {
    #[inline]
    fn place(self) -> Place {
        PLACES.with(|places| places[self as usize].get())
    }

    fn replace(self, place: Place) -> Place {
        PLACES.with(|places| places[self as usize].replace(place))
    }
}

/// The home of a task that this thread polls for the first time; 0 if unknown.
#[inline]
pub(crate) fn of_polled(executor: &'static Executor, kind: Kind) -> u64 {
    let of = match kind {
        Kind::Task => Of::Tasks,
        Kind::Local => Of::Locals,
        Kind::Blocking | Kind::BlockOn | Kind::Scoped | Kind::ScopedLocal => return 0,
    };
    let place = of.place();
    match ptr::eq(place.executor, executor) && place.within == current::mark() {
        true => place.home,
        false => checked(of, executor),
    }
}

#[cold]
#[inline(never)]
fn checked(of: Of, executor: &'static Executor) -> u64 {
    let place = of.place();
    let Some(check) = place.check.filter(|_| place.executor.is_null()) else { return 0 };
    let is_of_home = ptr::eq(check.executor, executor) && place.within == current::mark() && (check.is_true)();
    if !is_of_home {
        return 0;
    }
    of.replace(Place { executor, ..place });
    place.home
}

/// Records that this thread polls the tasks of `home` until it ends.
///
/// `check` tells whether it does; `None` if that is certain. Some threads of a runtime run closures, and a closure may run another
/// runtime. `check` is called at the first polls of tasks until it returns true.
pub fn begin_thread(home: Home, executor: &'static Executor, check: Option<fn() -> bool>) {
    let place = Place::new(home, executor, 0);
    Of::Tasks.replace(match check {
        None => place,
        Some(is_true) => Place { executor: ptr::null(), check: Some(Check { executor, is_true }), ..place },
    });
}

/// Records that this thread may not poll for its home any more.
pub fn check_thread() {
    let place = Of::Tasks.place();
    if place.check.is_some() {
        Of::Tasks.replace(Place { executor: ptr::null(), ..place });
    }
}

/// A task that borrows a home.
struct Borrower {
    home: Home,
    /// A number of its own.
    key: u64,
    /// `None` if it is not observed.
    task: Option<CellRef>,
    /// Its end is taken as the end of the program: it is a root on the main thread, and was not seen to wait for anything observed. A
    /// `main` that waits for a timer, a message or a task goes on when its wait ends, and may drop the runtime long before the program
    /// ends. A `main` that waits for sockets or a signal usually lasts as long as the program.
    ends_program: bool,
}

impl Borrower {
    /// Its ID, 0 if it is not recorded. `None` if the program ends with it.
    fn id(&mut self) -> Option<u64> {
        self.ends_program &= self.task.as_ref().is_some_and(|task| !task.is_waiting());
        (!self.ends_program).then(|| self.task.as_ref().map_or(0, |task| task.recorded_id()))
    }
}

/// Whether this is the main thread. A program may call another thread `main`, too.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
fn is_main_thread() -> bool {
    // SAFETY: both calls take nothing, and always succeed.
    unsafe { libc::gettid() == libc::getpid() }
}

/// Whether this is the main thread, by its name.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
fn is_main_thread() -> bool {
    std::thread::current().name() == Some("main")
}

/// The tasks that borrow a home. A thread changes it only when such a task begins or ends.
static ROOTS: Mutex<Vec<Borrower>> = Mutex::new(Vec::new());

fn roots() -> MutexGuard<'static, Vec<Borrower>> {
    ROOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    locks.push(Box::new(roots()));
}

/// The tasks that must make progress before the home of this number can end, by their IDs. `None` if other code can end it.
///
/// The home can end only after each task that borrows it. So one of them is enough: we take the one that borrows it longest.
pub(crate) fn enders_of(home: u64) -> Option<Vec<u64>> {
    let mut roots = roots();
    let borrowers = roots.iter_mut().filter(|borrower| home != 0 && borrower.home == Home(home));
    let ids: Vec<Option<u64>> = borrowers.map(Borrower::id).collect();
    let first = ids.iter().flatten().find(|id| **id != 0);
    match (ids.contains(&None), first) {
        (true, _) => Some(Vec::new()),
        (false, first) => first.map(|id| vec![*id]),
    }
}

/// The key of a task in [`ROOTS`], until dropped.
#[derive(Debug)]
struct Root(Option<u64>);

impl Root {
    const NONE: Root = Root(None);

    fn new(home: Home, task: Option<CellRef>, ends_program: bool) -> Root {
        if home == Home::UNKNOWN {
            return Root::NONE;
        }
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        roots().push(Borrower { home, key, task, ends_program });
        Root(Some(key))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let Some(own) = self.0 else { return };
        let mut roots = roots();
        // Usually the last one: roots on one thread end in the reverse order.
        let place = roots.iter().rposition(|borrower| borrower.key == own);
        let removed = place.map(|place| roots.remove(place));
        // Not under the lock: it may be the last reference.
        drop(roots);
        drop(removed);
    }
}

/// The homes of this thread's tasks, until dropped.
#[derive(Debug)]
struct Placed {
    of: Of,
    before: Place,
}

impl Placed {
    fn new(of: Of, place: Place) -> Placed {
        Placed { of, before: of.replace(place) }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.of.replace(self.before);
    }
}

/// While it lives, a root borrows its homes, and its thread polls their tasks. See [`Observed::rooted`](crate::Observed::rooted).
#[derive(Debug)]
#[must_use = "the root borrows its home until this is dropped"]
pub struct Rooted {
    _roots: [Root; 2],
    _placed: [Option<Placed>; 2],
    /// It belongs to this thread.
    _not_send: PhantomData<*const ()>,
}

impl Rooted {
    pub(crate) fn new(
        root: Option<&CellRef>,
        executor: &'static Executor,
        tasks: Home,
        locals: Option<Home>,
    ) -> Rooted {
        let within = current::mark();
        let place = |home| Place::new(home, executor, within);
        Rooted {
            _roots: [
                Root::new(tasks, root.cloned(), is_main_thread()),
                locals
                    .filter(|locals| *locals != tasks)
                    .map_or(Root::NONE, |locals| Root::new(locals, root.cloned(), is_main_thread())),
            ],
            _placed: [
                Some(Placed::new(Of::Tasks, place(tasks))),
                locals.map(|locals| Placed::new(Of::Locals, place(locals))),
            ],
            _not_send: PhantomData,
        }
    }
}

/// A future that polls a set of local tasks, and borrows it.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Driving<F> {
    inner: F,
    home: Home,
    executor: &'static Executor,
    root: Root,
    /// The task that is the root, as current.rs marks it; 1 before the first poll.
    driver: usize,
    _pinned: PhantomPinned,
}

impl<F: Future> Driving<F> {
    /// `inner` is made by [`running_others`](crate::running_others). It polls the tasks of `home`, and borrows `home`.
    pub fn new(home: Home, executor: &'static Executor, inner: F) -> Driving<F> {
        Driving { inner, home, executor, root: Root::NONE, driver: 1, _pinned: PhantomPinned }
    }
}

impl<F: Future> Future for Driving<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let address = &raw const *self as usize;
        // SAFETY: `inner` is pinned structurally: it is never moved, and dropped in place; nothing else is pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let driver = current::mark();
        if driver != this.driver {
            // In a box, it could leave the task unobserved.
            let keeps = |cell: &CellRef| cell.contains(address).then(|| cell.clone());
            this.root = Root::NONE;
            this.root = Root::new(this.home, current::innermost(keeps).flatten(), false);
            this.driver = driver;
        }
        let within = Turned::mark_to_others(driver);
        let _placed = Placed::new(Of::Locals, Place::new(this.home, this.executor, within));
        // SAFETY: `inner` stays where it is, as `get_unchecked_mut` above was promised.
        unsafe { Pin::new_unchecked(&mut this.inner) }.poll(cx)
    }
}

/// Calls `poll`, which polls a set of local tasks whose owner we do not know.
pub fn polling_unknown<R>(poll: impl FnOnce() -> R) -> R {
    let _placed = Placed::new(Of::Locals, Place::UNKNOWN);
    poll()
}

impl TaskCell {
    /// Whether one of its waits is open.
    fn is_waiting(&self) -> bool {
        let mut waits = false;
        self.waits().for_each(0, |_, _| waits = true);
        waits
    }

    /// The tasks that can end the task's home, by their IDs; `None` if other code can.
    pub(crate) fn enders(&self) -> Option<Vec<u64>> {
        match self.kind() {
            // A root runs to its end, and so does a closure that has begun.
            Kind::BlockOn => Some(Vec::new()),
            Kind::Blocking => self.has_begun().then(Vec::new),
            kind if self.executor().lasts_for(kind) => Some(Vec::new()),
            Kind::Task | Kind::Local | Kind::Scoped | Kind::ScopedLocal => enders_of(self.home()),
        }
    }
}
