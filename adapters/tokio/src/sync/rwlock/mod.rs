//! A lock for one writer or many readers, with observed holders and waiters.

mod owned_read;
mod owned_write;
mod read;
mod write;

pub use owned_read::OwnedRwLockReadGuard;
pub use owned_write::{OwnedRwLockMappedWriteGuard, OwnedRwLockWriteGuard};
pub use read::RwLockReadGuard;
pub use write::{RwLockMappedWriteGuard, RwLockWriteGuard};

use crate::executor::EXECUTOR;
use crate::map::map;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{Acquirer, Blocking, Call, HandOff, Held, Holders, Mode, Op, waiting};
use real::sync::TryLockError;
use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

/// tokio's `RwLock`, observed: see [`tokio::sync::RwLock`](real::sync::RwLock).
///
/// The lock is tokio's own, of `()`, and the value lies beside it. So we can make guards of every kind, and `T` needs
/// no more bounds than with tokio.
pub struct RwLock<T: ?Sized> {
    holders: Holders,
    raw: real::sync::RwLock<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as in tokio, the value is reached only through guards, by one writer or by readers, and moves with the lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: as for `Send`; several readers share the value.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

/// The lock, held to read. In this order: the end of the hold is recorded before the lock is freed.
struct ReadHeld<'a> {
    hold: Held<'a>,
    _raw: real::sync::RwLockReadGuard<'a, ()>,
}

/// The lock, held to write. In this order: the end of the hold is recorded before the lock is freed.
struct WriteHeld<'a> {
    hold: Held<'a>,
    raw: real::sync::RwLockWriteGuard<'a, ()>,
}

impl<'a> WriteHeld<'a> {
    /// Records the hold as shared first. No other task can have the lock until it really is shared.
    fn downgrade(mut self) -> ReadHeld<'a> {
        self.hold.downgrade();
        ReadHeld { hold: self.hold, _raw: self.raw.downgrade() }
    }
}

impl<T: ?Sized> RwLock<T> {
    /// See [`tokio::sync::RwLock::new`](real::sync::RwLock::new).
    #[track_caller]
    pub fn new(value: T) -> RwLock<T>
    where
        T: Sized,
    {
        let holders = Holders::rwlock(HandOff::Fifo, Location::caller());
        RwLock { holders, raw: real::sync::RwLock::new(()), value: UnsafeCell::new(value) }
    }

    /// See [`tokio::sync::RwLock::with_max_readers`](real::sync::RwLock::with_max_readers).
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> RwLock<T>
    where
        T: Sized,
    {
        let holders = Holders::rwlock(HandOff::Fifo, Location::caller());
        let raw = real::sync::RwLock::with_max_readers((), max_reads);
        RwLock { holders, raw, value: UnsafeCell::new(value) }
    }

    /// See [`tokio::sync::RwLock::const_new`](real::sync::RwLock::const_new).
    #[track_caller]
    pub const fn const_new(value: T) -> RwLock<T>
    where
        T: Sized,
    {
        let holders = Holders::rwlock(HandOff::Fifo, Location::caller());
        RwLock { holders, raw: real::sync::RwLock::const_new(()), value: UnsafeCell::new(value) }
    }

    /// See [`tokio::sync::RwLock::const_with_max_readers`](real::sync::RwLock::const_with_max_readers).
    #[track_caller]
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> RwLock<T>
    where
        T: Sized,
    {
        let holders = Holders::rwlock(HandOff::Fifo, Location::caller());
        let raw = real::sync::RwLock::const_with_max_readers((), max_reads);
        RwLock { holders, raw, value: UnsafeCell::new(value) }
    }

    #[inline]
    fn read_held<'a>(
        &'a self,
        raw: real::sync::RwLockReadGuard<'a, ()>,
        by: Acquirer,
        at: &'static Location<'static>,
    ) -> ReadHeld<'a> {
        ReadHeld { hold: self.holders.acquired(Mode::Shared, 1, by, &EXECUTOR, at), _raw: raw }
    }

    #[inline]
    fn write_held<'a>(
        &'a self,
        raw: real::sync::RwLockWriteGuard<'a, ()>,
        by: Acquirer,
        at: &'static Location<'static>,
    ) -> WriteHeld<'a> {
        WriteHeld { hold: self.holders.acquired(Mode::Exclusive, 1, by, &EXECUTOR, at), raw }
    }

    /// See [`tokio::sync::RwLock::read`](real::sync::RwLock::read).
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        let at = Location::caller();
        let operation = waiting(&self.holders, site(Op::Read, 1, at), self.raw.read());
        map(operation, move |raw, by| RwLockReadGuard::new(self, self.read_held(raw, by, at)))
    }

    /// See [`tokio::sync::RwLock::blocking_read`](real::sync::RwLock::blocking_read).
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        let at = Location::caller();
        let blocking = Blocking::new(&self.holders, &site(Op::Read, 1, at));
        let raw = self.raw.blocking_read();
        drop(blocking);
        RwLockReadGuard::new(self, self.read_held(raw, Acquirer::NONE, at))
    }

    /// See [`tokio::sync::RwLock::read_owned`](real::sync::RwLock::read_owned).
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let at = Location::caller();
        async move {
            let raw = waiting(&self.holders, site(Op::Read, 1, at), self.raw.read()).await;
            OwnedRwLockReadGuard::new(&self, self.read_held(raw, Acquirer::NONE, at))
        }
    }

    #[inline]
    fn attempt_read(
        &self,
        at: &'static Location<'static>,
    ) -> Result<real::sync::RwLockReadGuard<'_, ()>, TryLockError> {
        let call = calling(&self.holders, Call::Read, 1, at);
        let raw = self.raw.try_read();
        call.ends(|| outcome(&raw));
        raw
    }

    /// See [`tokio::sync::RwLock::try_read`](real::sync::RwLock::try_read).
    #[track_caller]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        let at = Location::caller();
        let raw = self.attempt_read(at)?;
        Ok(RwLockReadGuard::new(self, self.read_held(raw, Acquirer::NONE, at)))
    }

    /// See [`tokio::sync::RwLock::try_read_owned`](real::sync::RwLock::try_read_owned).
    #[track_caller]
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        let at = Location::caller();
        let raw = self.attempt_read(at)?;
        Ok(OwnedRwLockReadGuard::new(&self, self.read_held(raw, Acquirer::NONE, at)))
    }

    /// See [`tokio::sync::RwLock::write`](real::sync::RwLock::write).
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        let at = Location::caller();
        let operation = waiting(&self.holders, site(Op::Write, 1, at), self.raw.write());
        map(operation, move |raw, by| RwLockWriteGuard::new(self, self.write_held(raw, by, at)))
    }

    /// See [`tokio::sync::RwLock::blocking_write`](real::sync::RwLock::blocking_write).
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        let at = Location::caller();
        let blocking = Blocking::new(&self.holders, &site(Op::Write, 1, at));
        let raw = self.raw.blocking_write();
        drop(blocking);
        RwLockWriteGuard::new(self, self.write_held(raw, Acquirer::NONE, at))
    }

    /// See [`tokio::sync::RwLock::write_owned`](real::sync::RwLock::write_owned).
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let at = Location::caller();
        async move {
            let raw = waiting(&self.holders, site(Op::Write, 1, at), self.raw.write()).await;
            OwnedRwLockWriteGuard::new(&self, self.write_held(raw, Acquirer::NONE, at))
        }
    }

    #[inline]
    fn attempt_write(
        &self,
        at: &'static Location<'static>,
    ) -> Result<real::sync::RwLockWriteGuard<'_, ()>, TryLockError> {
        let call = calling(&self.holders, Call::Write, 1, at);
        let raw = self.raw.try_write();
        call.ends(|| outcome(&raw));
        raw
    }

    /// See [`tokio::sync::RwLock::try_write`](real::sync::RwLock::try_write).
    #[track_caller]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        let at = Location::caller();
        let raw = self.attempt_write(at)?;
        Ok(RwLockWriteGuard::new(self, self.write_held(raw, Acquirer::NONE, at)))
    }

    /// See [`tokio::sync::RwLock::try_write_owned`](real::sync::RwLock::try_write_owned).
    #[track_caller]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        let at = Location::caller();
        let raw = self.attempt_write(at)?;
        Ok(OwnedRwLockWriteGuard::new(&self, self.write_held(raw, Acquirer::NONE, at)))
    }

    /// See [`tokio::sync::RwLock::get_mut`](real::sync::RwLock::get_mut).
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// See [`tokio::sync::RwLock::into_inner`](real::sync::RwLock::into_inner).
    pub fn into_inner(self) -> T
    where
        T: Sized,
    {
        self.value.into_inner()
    }
}

named!([T: ?Sized] RwLock<T>, self => &self.holders);

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        match self.raw.try_read() {
            // SAFETY: the lock is held to read.
            Ok(_raw) => debug.field("data", &unsafe { &*self.value.get() }),
            Err(_) => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

/// The traits of guards: a reference to the value at `data`, and its texts. `used`: a guard that can move to another
/// task, which we observe when that task uses it.
macro_rules! guard_traits {
    ([$($generics:tt)*] $guard:ty, $target:ident $(, $used:ident)?) => {
        impl<$($generics)*> std::ops::Deref for $guard {
            type Target = $target;

            #[inline]
            fn deref(&self) -> &$target {
                $(self.held.hold.$used(&crate::executor::EXECUTOR);)?
                // SAFETY: the guard holds the lock, and the reference does not outlive the guard.
                unsafe { &*self.data }
            }
        }

        impl<$($generics)*> std::fmt::Debug for $guard
        where
            $target: std::fmt::Debug,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($generics)*> std::fmt::Display for $guard
        where
            $target: std::fmt::Display,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&**self, f)
            }
        }
    };
    ([$($generics:tt)*] mut $guard:ty, $target:ident $(, $used:ident)?) => {
        guard_traits!([$($generics)*] $guard, $target $(, $used)?);

        impl<$($generics)*> std::ops::DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut $target {
                $(self.held.hold.$used(&crate::executor::EXECUTOR);)?
                // SAFETY: the guard holds the lock to write and is borrowed exclusively, and the reference does not
                // outlive the guard.
                unsafe { &mut *self.data }
            }
        }
    };
}

use guard_traits;
