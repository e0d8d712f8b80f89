//! A mutex with an observed holder and observed waiters.

use super::operation::{Operation, future, future_debug};
use super::{guard_traits, named};
use crate::executor::{EXECUTOR, attempt, site};
use async_lock as real;
use insight_probe::{Acquirer, Blocking, Call, HandOff, Mark, Marked, Op, Type};
use std::cell::UnsafeCell;
use std::fmt;
use std::mem::transmute;
use std::panic::Location;
use std::sync::Arc;

/// async-lock's `Mutex`, observed: see [`async_lock::Mutex`].
pub struct Mutex<T: ?Sized> {
    lock: insight_probe::Lock,
    raw: real::Mutex<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as in async-lock, the value is reached only through a guard, and there is one guard at a time.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

/// The held lock. The end of the hold is recorded before the lock is freed.
struct Held<'a> {
    /// The guard's word.
    lock: Marked<'a, insight_probe::Lock>,
    _raw: real::MutexGuard<'a, ()>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.lock.get().released();
    }
}

/// A held [`Mutex`]: see [`async_lock::MutexGuard`].
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized> {
    _held: Held<'a>,
    mutex: &'a Mutex<T>,
}

/// A held [`Mutex`], with a reference that keeps it alive: see [`async_lock::MutexGuardArc`].
#[clippy::has_significant_drop]
pub struct MutexGuardArc<T: ?Sized> {
    /// Borrows from `mutex`, and is dropped before it.
    held: Held<'static>,
    mutex: Arc<Mutex<T>>,
}

// SAFETY: as in async-lock, with the same bounds: an exclusive guard lends `&mut T`.
unsafe impl<T: ?Sized + Send> Send for MutexGuard<'_, T> {}
// SAFETY: as in async-lock, with the same bounds: a shared guard lends `&T`, and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}
// SAFETY: as for `MutexGuard`; it may drop the value, too.
unsafe impl<T: ?Sized + Send> Send for MutexGuardArc<T> {}
// SAFETY: as for `MutexGuard`. It lends the reference that keeps the value alive only if `T` is `Send`.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuardArc<T> {}

impl<T> Mutex<T> {
    /// See [`async_lock::Mutex::new`].
    #[track_caller]
    pub const fn new(data: T) -> Mutex<T> {
        let lock = insight_probe::Lock::new(Type::Mutex(HandOff::Barging), Location::caller());
        Mutex { lock, raw: real::Mutex::new(()), value: UnsafeCell::new(data) }
    }

    /// See [`async_lock::Mutex::into_inner`].
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    #[inline]
    fn guard<'a>(
        &'a self,
        raw: real::MutexGuard<'a, ()>,
        at: &'static Location<'static>,
        by: Acquirer,
    ) -> MutexGuard<'a, T> {
        let mark = self.lock.acquired(&EXECUTOR, at, by);
        MutexGuard { _held: self.held(raw, mark), mutex: self }
    }

    #[inline]
    fn held<'a>(&'a self, raw: real::MutexGuard<'a, ()>, mark: Mark) -> Held<'a> {
        Held { lock: Marked::new(&self.lock, mark), _raw: raw }
    }

    /// `raw` is of this mutex.
    #[inline]
    fn guard_arc(self: Arc<Self>, raw: real::MutexGuard<'_, ()>, at: &'static Location<'static>) -> MutexGuardArc<T> {
        let mark = self.lock.acquired(&EXECUTOR, at, Acquirer::NONE);
        let held = self.held(raw, mark);
        // SAFETY: `held` borrows from the allocation that the guard's `mutex` keeps alive, at an address that does not
        // change. The guard drops `held` before `mutex`.
        let held = unsafe { transmute::<Held<'_>, Held<'static>>(held) };
        MutexGuardArc { held, mutex: self }
    }

    /// See [`async_lock::Mutex::lock`].
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> Lock<'_, T> {
        lock_called_at(self, Location::caller())
    }

    /// See [`async_lock::Mutex::lock_blocking`].
    #[track_caller]
    #[inline]
    pub fn lock_blocking(&self) -> MutexGuard<'_, T> {
        let at = Location::caller();
        let raw = self.block(at);
        self.guard(raw, at, Acquirer::NONE)
    }

    fn block(&self, at: &'static Location<'static>) -> real::MutexGuard<'_, ()> {
        let _blocking = Blocking::new(&self.lock, &site(Op::Lock, 1, at));
        self.raw.lock_blocking()
    }

    /// See [`async_lock::Mutex::try_lock`].
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let at = Location::caller();
        let raw = attempt(&self.lock, Call::Lock, at, || self.raw.try_lock())?;
        Some(self.guard(raw, at, Acquirer::NONE))
    }

    /// See [`async_lock::Mutex::get_mut`].
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// See [`async_lock::Mutex::lock_arc`].
    #[track_caller]
    #[inline]
    pub fn lock_arc(self: &Arc<Self>) -> LockArc<T> {
        let at = Location::caller();
        let operation = Operation::new(&self.lock, site(Op::Lock, 1, at), self.raw.lock());
        // SAFETY: the operation borrows from the allocation that the future's `mutex` keeps alive, at an address that
        // does not change. The future drops `operation` before `mutex`. When the operation is ready, it is dropped
        // before the guard gets `mutex`.
        let operation = unsafe { transmute::<Locking<'_>, Locking<'static>>(operation) };
        LockArc { operation, rest: (Some(self.clone()), at) }
    }

    /// See [`async_lock::Mutex::lock_arc_blocking`].
    #[track_caller]
    #[inline]
    pub fn lock_arc_blocking(self: &Arc<Self>) -> MutexGuardArc<T> {
        let at = Location::caller();
        let raw = self.block(at);
        self.clone().guard_arc(raw, at)
    }

    /// See [`async_lock::Mutex::try_lock_arc`].
    #[track_caller]
    #[inline]
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<MutexGuardArc<T>> {
        let at = Location::caller();
        let raw = attempt(&self.lock, Call::Lock, at, || self.raw.try_lock())?;
        Some(self.clone().guard_arc(raw, at))
    }
}

/// [`Mutex::lock`] as called at `at`, for operations that contain a lock.
#[inline]
pub fn lock_called_at<'a, T: ?Sized>(mutex: &'a Mutex<T>, at: &'static Location<'static>) -> Lock<'a, T> {
    let operation = Operation::new(&mutex.lock, site(Op::Lock, 1, at), mutex.raw.lock());
    Lock { operation, rest: (mutex, at) }
}

named!([T: ?Sized] Mutex<T>, self => &self.lock);

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        match self.raw.try_lock() {
            // SAFETY: the lock is held.
            Some(_raw) => debug.field("data", &unsafe { &*self.value.get() }).finish(),
            None => debug.field("data", &format_args!("<locked>")).finish(),
        }
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(val: T) -> Mutex<T> {
        Mutex::new(val)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// See [`async_lock::MutexGuard::source`].
    pub fn source(guard: &MutexGuard<'a, T>) -> &'a Mutex<T> {
        guard.mutex
    }
}

impl<T: ?Sized> MutexGuardArc<T> {
    /// See [`async_lock::MutexGuardArc::source`].
    pub fn source(guard: &Self) -> &Arc<Mutex<T>>
    where
        // A guard is `Sync` even if `T` is not `Send`, and code with the mutex can drop the value.
        T: Send,
    {
        &guard.mutex
    }
}

guard_traits!([T: ?Sized] mut MutexGuard<'_, T>, self => self.mutex.value.get());
guard_traits!([T: ?Sized] mut MutexGuardArc<T>, self => self.mutex.value.get(), used self.held.lock.get());

type Locking<'a> = Operation<'a, insight_probe::Lock, real::futures::Lock<'a, ()>>;

insight_probe::pin_project! {
    /// Made by [`Mutex::lock`]: see [`async_lock::futures::Lock`].
    pub struct Lock<'a, T: ?Sized> {
        #[pin]
        operation: Locking<'a>,
        rest: (&'a Mutex<T>, &'static Location<'static>),
    }
}

// SAFETY: it becomes a guard, which is `Send` if `T` is.
unsafe impl<T: ?Sized + Send> Send for Lock<'_, T> {}
// SAFETY: a shared future lends nothing.
unsafe impl<T: ?Sized + Sync> Sync for Lock<'_, T> {}

future!(['a, T: ?Sized] Lock<'a, T> => MutexGuard<'a, T>, (rest), |raw, by| rest.0.guard(raw, rest.1, by));
future_debug!([T: ?Sized] Lock<'_, T>, "Lock { .. }");

insight_probe::pin_project! {
    /// Made by [`Mutex::lock_arc`]: see [`async_lock::futures::LockArc`].
    pub struct LockArc<T: ?Sized> {
        // Borrows from the mutex in `rest`, and is dropped before it.
        #[pin]
        operation: Locking<'static>,
        rest: (Option<Arc<Mutex<T>>>, &'static Location<'static>),
    }
}

// SAFETY: as for `Lock`; it may drop the value, too.
unsafe impl<T: ?Sized + Send> Send for LockArc<T> {}
// SAFETY: as for `Lock`.
unsafe impl<T: ?Sized + Sync> Sync for LockArc<T> {}

future!([T: ?Sized] LockArc<T> => MutexGuardArc<T>, (rest), |raw, _| {
    rest.0.take().expect("not polled after it was ready").guard_arc(raw, rest.1)
});
