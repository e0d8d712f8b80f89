//! A lock for one writer or many readers, with observed holders and waiters.
//!
//! An upgradable read is a shared hold, like any other read. There is only one at a time, so it keeps out writers and
//! others of its kind, which wait for it as for any holder. While it waits to be upgraded it stays a shared hold, since
//! it keeps new readers out. Its task then has a hold of the lock and a wait for the other holders. Once these are
//! gone, the exclusive hold replaces the shared one.

mod arc;
mod borrowed;
pub mod futures;

pub use arc::{RwLockReadGuardArc, RwLockUpgradableReadGuardArc, RwLockWriteGuardArc};
pub use borrowed::{RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};

use super::named;
use super::operation::Operation;
use crate::executor::{EXECUTOR, attempt, calling, site};
use async_lock as real;
use futures::{Read, ReadArc, UpgradableRead, UpgradableReadArc, Write, WriteArc};
use insight_probe::{Acquirer, Blocking, Call, CallOutcome, HandOff, Holders, Mode, Op};
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// async-lock's `RwLock`, observed: see [`async_lock::RwLock`].
pub struct RwLock<T: ?Sized> {
    holders: Holders,
    raw: real::RwLock<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as in async-lock, the value is reached only through guards, by one writer or by readers, and moves with the
// lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: as for `Send`; several readers share the value.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

/// The lock, held by async-lock's guard `G`. In this order: the end of the hold is recorded before the lock is freed.
struct Held<'a, G> {
    hold: insight_probe::Held<'a>,
    raw: G,
}

type ReadHeld<'a> = Held<'a, real::RwLockReadGuard<'a, ()>>;
type UpgradableHeld<'a> = Held<'a, real::RwLockUpgradableReadGuard<'a, ()>>;
type WriteHeld<'a> = Held<'a, real::RwLockWriteGuard<'a, ()>>;
type Upgrading<'a> = Operation<'a, Holders, real::futures::Upgrade<'a, ()>>;

impl<'a> WriteHeld<'a> {
    /// Records the hold as shared first. No other task can have the lock until it really is shared.
    fn downgrade(mut self) -> ReadHeld<'a> {
        self.hold.downgrade();
        Held { hold: self.hold, raw: real::RwLockWriteGuard::downgrade(self.raw) }
    }

    /// Records the hold as shared first, like [`downgrade`](WriteHeld::downgrade).
    fn downgrade_to_upgradable(mut self) -> UpgradableHeld<'a> {
        self.hold.downgrade();
        Held { hold: self.hold, raw: real::RwLockWriteGuard::downgrade_to_upgradable(self.raw) }
    }
}

impl<'a> UpgradableHeld<'a> {
    fn downgrade(self) -> ReadHeld<'a> {
        Held { hold: self.hold, raw: real::RwLockUpgradableReadGuard::downgrade(self.raw) }
    }

    fn try_upgrade(self, holders: &Holders, at: &'static Location<'static>) -> Result<WriteHeld<'a>, Self> {
        let call = calling(holders, Call::Write, 1, at);
        let upgrade = real::RwLockUpgradableReadGuard::try_upgrade(self.raw);
        call.ends(|| if upgrade.is_ok() { CallOutcome::Succeeded } else { CallOutcome::Unavailable });
        match upgrade {
            Ok(raw) => Ok(upgraded(self.hold, raw, at)),
            Err(raw) => Err(Held { hold: self.hold, raw }),
        }
    }

    /// Begins to upgrade: from now on no other task can begin to read. Keep the hold beside the operation, and drop it
    /// first.
    fn upgrade(self, holders: &'a Holders, at: &'static Location<'static>) -> (insight_probe::Held<'a>, Upgrading<'a>) {
        let raw = real::RwLockUpgradableReadGuard::upgrade(self.raw);
        (self.hold, Operation::new(holders, site(Op::Write, 1, at), raw))
    }

    fn upgrade_blocking(self, holders: &'a Holders, at: &'static Location<'static>) -> WriteHeld<'a> {
        let blocking = Blocking::new(holders, &site(Op::Write, 1, at));
        let raw = real::RwLockUpgradableReadGuard::upgrade_blocking(self.raw);
        drop(blocking);
        upgraded(self.hold, raw, at)
    }
}

/// Records the hold of `raw`, async-lock's guard.
#[inline]
fn held<'a, G>(holders: &'a Holders, mode: Mode, raw: G, by: Acquirer, at: &'static Location<'static>) -> Held<'a, G> {
    Held { hold: holders.acquired(mode, 1, by, &EXECUTOR, at), raw }
}

/// Records the hold as exclusive. The other holders have ended their holds before they gave the lock back.
fn upgraded<'a>(
    mut hold: insight_probe::Held<'a>,
    raw: real::RwLockWriteGuard<'a, ()>,
    at: &'static Location<'static>,
) -> WriteHeld<'a> {
    hold.upgrade(at);
    Held { hold, raw }
}

impl<T> RwLock<T> {
    /// See [`async_lock::RwLock::new`].
    #[must_use]
    #[track_caller]
    #[inline]
    pub const fn new(t: T) -> RwLock<T> {
        RwLock {
            holders: Holders::rwlock(HandOff::WriterFirst, Location::caller()),
            raw: real::RwLock::new(()),
            value: UnsafeCell::new(t),
        }
    }

    /// See [`async_lock::RwLock::into_inner`].
    #[must_use]
    #[inline]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// See [`async_lock::RwLock::try_read_arc`].
    #[track_caller]
    #[inline]
    pub fn try_read_arc(self: &Arc<Self>) -> Option<RwLockReadGuardArc<T>> {
        let at = Location::caller();
        let raw = attempt(&self.holders, Call::Read, at, || self.raw.try_read())?;
        Some(RwLockReadGuardArc::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at)))
    }

    /// See [`async_lock::RwLock::read_arc`].
    #[track_caller]
    #[inline]
    pub fn read_arc<'a>(self: &'a Arc<Self>) -> ReadArc<'a, T> {
        let at = Location::caller();
        ReadArc::new(Operation::new(&self.holders, site(Op::Read, 1, at), self.raw.read()), self, at)
    }

    /// See [`async_lock::RwLock::read_arc_blocking`].
    #[track_caller]
    #[inline]
    pub fn read_arc_blocking(self: &Arc<Self>) -> RwLockReadGuardArc<T> {
        let at = Location::caller();
        let raw = self.block_to_read(at);
        RwLockReadGuardArc::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at))
    }
}

impl<T: ?Sized> RwLock<T> {
    #[inline]
    fn held<'a, G>(&'a self, mode: Mode, raw: G, by: Acquirer, at: &'static Location<'static>) -> Held<'a, G> {
        held(&self.holders, mode, raw, by, at)
    }

    fn block_to_read(&self, at: &'static Location<'static>) -> real::RwLockReadGuard<'_, ()> {
        let _blocking = Blocking::new(&self.holders, &site(Op::Read, 1, at));
        self.raw.read_blocking()
    }

    fn block_to_read_upgradably(&self, at: &'static Location<'static>) -> real::RwLockUpgradableReadGuard<'_, ()> {
        let _blocking = Blocking::new(&self.holders, &site(Op::Read, 1, at));
        self.raw.upgradable_read_blocking()
    }

    fn block_to_write(&self, at: &'static Location<'static>) -> real::RwLockWriteGuard<'_, ()> {
        let _blocking = Blocking::new(&self.holders, &site(Op::Write, 1, at));
        self.raw.write_blocking()
    }

    /// See [`async_lock::RwLock::try_read`].
    #[track_caller]
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        let at = Location::caller();
        let raw = attempt(&self.holders, Call::Read, at, || self.raw.try_read())?;
        Some(RwLockReadGuard::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at)))
    }

    /// See [`async_lock::RwLock::read`].
    #[track_caller]
    #[inline]
    pub fn read(&self) -> Read<'_, T> {
        let at = Location::caller();
        Read::new(Operation::new(&self.holders, site(Op::Read, 1, at), self.raw.read()), self, at)
    }

    /// See [`async_lock::RwLock::read_blocking`].
    #[track_caller]
    #[inline]
    pub fn read_blocking(&self) -> RwLockReadGuard<'_, T> {
        let at = Location::caller();
        let raw = self.block_to_read(at);
        RwLockReadGuard::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at))
    }

    /// See [`async_lock::RwLock::try_upgradable_read`].
    #[track_caller]
    #[inline]
    pub fn try_upgradable_read(&self) -> Option<RwLockUpgradableReadGuard<'_, T>> {
        let at = Location::caller();
        let raw = attempt(&self.holders, Call::Read, at, || self.raw.try_upgradable_read())?;
        Some(RwLockUpgradableReadGuard::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at)))
    }

    /// See [`async_lock::RwLock::upgradable_read`].
    #[track_caller]
    #[inline]
    pub fn upgradable_read(&self) -> UpgradableRead<'_, T> {
        let at = Location::caller();
        let operation = Operation::new(&self.holders, site(Op::Read, 1, at), self.raw.upgradable_read());
        UpgradableRead::new(operation, self, at)
    }

    /// See [`async_lock::RwLock::upgradable_read_blocking`].
    #[track_caller]
    #[inline]
    pub fn upgradable_read_blocking(&self) -> RwLockUpgradableReadGuard<'_, T> {
        let at = Location::caller();
        let raw = self.block_to_read_upgradably(at);
        RwLockUpgradableReadGuard::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at))
    }

    /// See [`async_lock::RwLock::upgradable_read_arc_blocking`].
    #[track_caller]
    #[inline]
    pub fn upgradable_read_arc_blocking(self: &Arc<Self>) -> RwLockUpgradableReadGuardArc<T> {
        let at = Location::caller();
        let raw = self.block_to_read_upgradably(at);
        RwLockUpgradableReadGuardArc::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at))
    }

    /// See [`async_lock::RwLock::try_upgradable_read_arc`].
    #[track_caller]
    #[inline]
    pub fn try_upgradable_read_arc(self: &Arc<Self>) -> Option<RwLockUpgradableReadGuardArc<T>> {
        let at = Location::caller();
        let raw = attempt(&self.holders, Call::Read, at, || self.raw.try_upgradable_read())?;
        Some(RwLockUpgradableReadGuardArc::new(self, self.held(Mode::Shared, raw, Acquirer::NONE, at)))
    }

    /// See [`async_lock::RwLock::upgradable_read_arc`].
    #[track_caller]
    #[inline]
    pub fn upgradable_read_arc<'a>(self: &'a Arc<Self>) -> UpgradableReadArc<'a, T> {
        let at = Location::caller();
        let operation = Operation::new(&self.holders, site(Op::Read, 1, at), self.raw.upgradable_read());
        UpgradableReadArc::new(operation, self, at)
    }

    /// See [`async_lock::RwLock::try_write`].
    #[track_caller]
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let at = Location::caller();
        let raw = attempt(&self.holders, Call::Write, at, || self.raw.try_write())?;
        Some(RwLockWriteGuard::new(self, self.held(Mode::Exclusive, raw, Acquirer::NONE, at)))
    }

    /// See [`async_lock::RwLock::write`].
    #[track_caller]
    #[inline]
    pub fn write(&self) -> Write<'_, T> {
        let at = Location::caller();
        Write::new(Operation::new(&self.holders, site(Op::Write, 1, at), self.raw.write()), self, at)
    }

    /// See [`async_lock::RwLock::write_blocking`].
    #[track_caller]
    #[inline]
    pub fn write_blocking(&self) -> RwLockWriteGuard<'_, T> {
        let at = Location::caller();
        let raw = self.block_to_write(at);
        RwLockWriteGuard::new(self, self.held(Mode::Exclusive, raw, Acquirer::NONE, at))
    }

    /// See [`async_lock::RwLock::try_write_arc`].
    #[track_caller]
    #[inline]
    pub fn try_write_arc(self: &Arc<Self>) -> Option<RwLockWriteGuardArc<T>> {
        let at = Location::caller();
        let raw = attempt(&self.holders, Call::Write, at, || self.raw.try_write())?;
        Some(RwLockWriteGuardArc::new(self, self.held(Mode::Exclusive, raw, Acquirer::NONE, at)))
    }

    /// See [`async_lock::RwLock::write_arc`].
    #[track_caller]
    #[inline]
    pub fn write_arc<'a>(self: &'a Arc<Self>) -> WriteArc<'a, T> {
        let at = Location::caller();
        WriteArc::new(Operation::new(&self.holders, site(Op::Write, 1, at), self.raw.write()), self, at)
    }

    /// See [`async_lock::RwLock::write_arc_blocking`].
    #[track_caller]
    #[inline]
    pub fn write_arc_blocking(self: &Arc<Self>) -> RwLockWriteGuardArc<T> {
        let at = Location::caller();
        let raw = self.block_to_write(at);
        RwLockWriteGuardArc::new(self, self.held(Mode::Exclusive, raw, Acquirer::NONE, at))
    }

    /// See [`async_lock::RwLock::get_mut`].
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

named!([T: ?Sized] RwLock<T>, self => &self.holders);

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        match self.raw.try_read() {
            // SAFETY: the lock is held to read.
            Some(_raw) => debug.field("value", &unsafe { &*self.value.get() }).finish(),
            None => debug.field("value", &format_args!("<locked>")).finish(),
        }
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    #[inline]
    fn from(val: T) -> RwLock<T> {
        RwLock::new(val)
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    #[inline]
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}
