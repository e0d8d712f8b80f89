//! A mutex with an observed holder and observed waiters.

use crate::executor::EXECUTOR;
use crate::map::map;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{Acquirer, Blocking, Call, HandOff, Lock, Marked, Op, Type, waiting};
use real::sync::TryLockError;
use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, transmute};
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::ptr;
use std::sync::Arc;

/// tokio's `Mutex`, observed: see [`tokio::sync::Mutex`](real::sync::Mutex).
///
/// The lock is tokio's own, of `()`, and the value lies beside it. So we can make guards of every kind, and `T` needs
/// no more bounds than with tokio.
#[repr(C)]
pub struct Mutex<T: ?Sized> {
    /// The first field: a reference to the mutex, with a mark, is the same word as one to the lock.
    lock: Lock,
    raw: real::sync::Mutex<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as in tokio, the value is reached only through a guard, and there is one guard at a time.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

/// The held lock. The end of the hold is recorded before the lock is freed.
struct Held<'a> {
    /// The guard's word.
    lock: Marked<'a, Lock>,
    _raw: real::sync::MutexGuard<'a, ()>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.lock.get().released();
    }
}

/// The held lock, and a reference that keeps it alive.
struct OwnedHeld<T: ?Sized> {
    /// Borrows from `mutex`, and is dropped before it.
    _held: Held<'static>,
    mutex: Arc<Mutex<T>>,
}

impl<T: ?Sized> OwnedHeld<T> {
    fn new(mutex: &Arc<Mutex<T>>, raw: real::sync::MutexGuard<'_, ()>, at: &'static Location<'static>) -> Self {
        let mark = mutex.lock.acquired(&EXECUTOR, at, Acquirer::NONE);
        let held = Held { lock: Marked::new(&mutex.lock, mark), _raw: raw };
        // SAFETY: the lock that `held` borrows lies in the allocation that `mutex` keeps alive, at an address that does
        // not change; `_held` is dropped before `mutex` is.
        let held = unsafe { transmute::<Held<'_>, Held<'static>>(held) };
        OwnedHeld { _held: held, mutex: mutex.clone() }
    }
}

/// A held [`Mutex`].
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MutexGuard<'a, T: ?Sized> {
    /// Two words, and no more, so that a lock that is ready returns it in registers.
    raw: real::sync::MutexGuard<'a, ()>,
    /// The guard's word.
    mutex: Marked<'a, Mutex<T>>,
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    /// `raw` records the end of the hold before it frees the lock.
    fn drop(&mut self) {
        self.mutex.get().lock.released();
    }
}

/// A held [`Mutex`], with a reference that keeps it alive.
#[clippy::has_significant_drop]
pub struct OwnedMutexGuard<T: ?Sized> {
    held: OwnedHeld<T>,
}

/// A part of the value of a held [`Mutex`].
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    held: Held<'a>,
    data: *mut T,
    marker: PhantomData<&'a mut T>,
}

/// A part of the value of a held [`Mutex`], with a reference that keeps the mutex alive.
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    held: OwnedHeld<T>,
    data: *mut U,
    marker: PhantomData<*mut U>,
}

// SAFETY: as in tokio, a shared guard lends `&T`, and an exclusive one lends `&mut T`.
unsafe impl<T: ?Sized + Send + Sync> Sync for MutexGuard<'_, T> {}
// SAFETY: as for `MutexGuard`.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedMutexGuard<T> {}
// SAFETY: as for `MutexGuard`.
unsafe impl<T: ?Sized + Sync> Sync for MappedMutexGuard<'_, T> {}
// SAFETY: as for `MutexGuard`.
unsafe impl<T: ?Sized + Send> Send for MappedMutexGuard<'_, T> {}
// SAFETY: as for `MutexGuard`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedMappedMutexGuard<T, U> {}
// SAFETY: as for `MutexGuard`.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}

impl<T: ?Sized> Mutex<T> {
    /// See [`tokio::sync::Mutex::new`](real::sync::Mutex::new).
    #[track_caller]
    pub fn new(t: T) -> Self
    where
        T: Sized,
    {
        let lock = Lock::new(Type::Mutex(HandOff::Fifo), Location::caller());
        Mutex { lock, raw: real::sync::Mutex::new(()), value: UnsafeCell::new(t) }
    }

    /// See [`tokio::sync::Mutex::const_new`](real::sync::Mutex::const_new).
    #[track_caller]
    pub const fn const_new(t: T) -> Self
    where
        T: Sized,
    {
        let lock = Lock::new(Type::Mutex(HandOff::Fifo), Location::caller());
        Mutex { lock, raw: real::sync::Mutex::const_new(()), value: UnsafeCell::new(t) }
    }

    #[inline]
    fn guard<'a>(
        &'a self,
        raw: real::sync::MutexGuard<'a, ()>,
        at: &'static Location<'static>,
        by: Acquirer,
    ) -> MutexGuard<'a, T> {
        let mark = self.lock.acquired(&EXECUTOR, at, by);
        MutexGuard { raw, mutex: Marked::new(self, mark) }
    }

    /// See [`tokio::sync::Mutex::lock`](real::sync::Mutex::lock).
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let at = Location::caller();
        map(waiting(&self.lock, site(Op::Lock, 1, at), self.raw.lock()), move |raw, by| self.guard(raw, at, by))
    }

    /// See [`tokio::sync::Mutex::lock_owned`](real::sync::Mutex::lock_owned).
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let at = Location::caller();
        async move {
            let raw = waiting(&self.lock, site(Op::Lock, 1, at), self.raw.lock()).await;
            OwnedMutexGuard { held: OwnedHeld::new(&self, raw, at) }
        }
    }

    /// See [`tokio::sync::Mutex::blocking_lock`](real::sync::Mutex::blocking_lock).
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        let at = Location::caller();
        let raw = self.block(at);
        self.guard(raw, at, Acquirer::NONE)
    }

    /// See [`tokio::sync::Mutex::blocking_lock_owned`](real::sync::Mutex::blocking_lock_owned).
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let at = Location::caller();
        let raw = self.block(at);
        OwnedMutexGuard { held: OwnedHeld::new(&self, raw, at) }
    }

    #[track_caller]
    fn block(&self, at: &'static Location<'static>) -> real::sync::MutexGuard<'_, ()> {
        let _blocking = Blocking::new(&self.lock, &site(Op::Lock, 1, at));
        self.raw.blocking_lock()
    }

    #[inline]
    fn attempt(&self, at: &'static Location<'static>) -> Result<real::sync::MutexGuard<'_, ()>, TryLockError> {
        let call = calling(&self.lock, Call::Lock, 1, at);
        let raw = self.raw.try_lock();
        call.ends(|| outcome(&raw));
        raw
    }

    /// See [`tokio::sync::Mutex::try_lock`](real::sync::Mutex::try_lock).
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        let at = Location::caller();
        Ok(self.guard(self.attempt(at)?, at, Acquirer::NONE))
    }

    /// See [`tokio::sync::Mutex::try_lock_owned`](real::sync::Mutex::try_lock_owned).
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        let at = Location::caller();
        let raw = self.attempt(at)?;
        Ok(OwnedMutexGuard { held: OwnedHeld::new(&self, raw, at) })
    }

    /// See [`tokio::sync::Mutex::get_mut`](real::sync::Mutex::get_mut).
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// See [`tokio::sync::Mutex::into_inner`](real::sync::Mutex::into_inner).
    pub fn into_inner(self) -> T
    where
        T: Sized,
    {
        self.value.into_inner()
    }
}

named!([T: ?Sized] Mutex<T>, self => &self.lock);

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(t: T) -> Self {
        Mutex::new(t)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        match self.raw.try_lock() {
            // SAFETY: the lock is held.
            Ok(_raw) => debug.field("data", &unsafe { &*self.value.get() }),
            Err(_) => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The same hold, without the mutex.
    fn into_held(self) -> Held<'a> {
        let this = ManuallyDrop::new(self);
        // SAFETY: it is read once, and `this` is not dropped.
        let raw = unsafe { ptr::read(&this.raw) };
        Held { lock: this.mutex.map(|mutex| &mutex.lock), _raw: raw }
    }

    /// See [`tokio::sync::MutexGuard::map`](real::sync::MutexGuard::map).
    pub fn map<U, F>(mut this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let data = f(&mut *this) as *mut U;
        MappedMutexGuard { held: this.into_held(), data, marker: PhantomData }
    }

    /// See [`tokio::sync::MutexGuard::try_map`](real::sync::MutexGuard::try_map).
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let data = match f(&mut *this) {
            Some(data) => data as *mut U,
            None => return Err(this),
        };
        Ok(MappedMutexGuard { held: this.into_held(), data, marker: PhantomData })
    }

    /// See [`tokio::sync::MutexGuard::mutex`](real::sync::MutexGuard::mutex).
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.mutex.get()
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// See [`tokio::sync::OwnedMutexGuard::map`](real::sync::OwnedMutexGuard::map).
    pub fn map<U, F>(mut this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let data = f(&mut *this) as *mut U;
        OwnedMappedMutexGuard { held: this.held, data, marker: PhantomData }
    }

    /// See [`tokio::sync::OwnedMutexGuard::try_map`](real::sync::OwnedMutexGuard::try_map).
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let data = match f(&mut *this) {
            Some(data) => data as *mut U,
            None => return Err(this),
        };
        Ok(OwnedMappedMutexGuard { held: this.held, data, marker: PhantomData })
    }

    /// See [`tokio::sync::OwnedMutexGuard::mutex`](real::sync::OwnedMutexGuard::mutex).
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.held.mutex
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// See [`tokio::sync::MappedMutexGuard::map`](real::sync::MappedMutexGuard::map).
    pub fn map<U, F>(mut this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let data = f(&mut *this) as *mut U;
        MappedMutexGuard { held: this.held, data, marker: PhantomData }
    }

    /// See [`tokio::sync::MappedMutexGuard::try_map`](real::sync::MappedMutexGuard::try_map).
    pub fn try_map<U, F>(mut this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let data = match f(&mut *this) {
            Some(data) => data as *mut U,
            None => return Err(this),
        };
        Ok(MappedMutexGuard { held: this.held, data, marker: PhantomData })
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// See [`tokio::sync::OwnedMappedMutexGuard::map`](real::sync::OwnedMappedMutexGuard::map).
    pub fn map<S, F>(mut this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        S: ?Sized,
        F: FnOnce(&mut U) -> &mut S,
    {
        let data = f(&mut *this) as *mut S;
        OwnedMappedMutexGuard { held: this.held, data, marker: PhantomData }
    }

    /// See [`tokio::sync::OwnedMappedMutexGuard::try_map`](real::sync::OwnedMappedMutexGuard::try_map).
    pub fn try_map<S, F>(mut this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        S: ?Sized,
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        let data = match f(&mut *this) {
            Some(data) => data as *mut S,
            None => return Err(this),
        };
        Ok(OwnedMappedMutexGuard { held: this.held, data, marker: PhantomData })
    }
}

macro_rules! guard_traits {
    ([$($generics:tt)*] $guard:ty, $target:ident, $self:ident => $pointer:expr $(, used $lock:expr)?) => {
        impl<$($generics)*> Deref for $guard {
            type Target = $target;

            #[inline]
            fn deref(&$self) -> &$target {
                $($lock.used(&EXECUTOR);)?
                // SAFETY: the guard holds the lock, and the reference does not outlive the guard.
                unsafe { &*$pointer }
            }
        }

        impl<$($generics)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut $self) -> &mut $target {
                $($lock.used(&EXECUTOR);)?
                // SAFETY: the guard holds the lock and is borrowed exclusively, and the reference does not outlive the
                // guard.
                unsafe { &mut *$pointer }
            }
        }

        impl<$($generics)*> fmt::Debug for $guard
        where
            $target: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($generics)*> fmt::Display for $guard
        where
            $target: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    };
}

guard_traits!([T: ?Sized] MutexGuard<'_, T>, T, self => self.mutex.get().value.get());
guard_traits!([T: ?Sized] OwnedMutexGuard<T>, T, self => self.held.mutex.value.get(), used self.held.mutex.lock);
guard_traits!([T: ?Sized] MappedMutexGuard<'_, T>, T, self => self.data);
guard_traits!([T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U>, U, self => self.data, used self.held.mutex.lock);
