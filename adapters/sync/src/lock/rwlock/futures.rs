//! The named futures of the operations.

use super::{
    RwLock, RwLockReadGuard, RwLockReadGuardArc, RwLockUpgradableReadGuard, RwLockUpgradableReadGuardArc,
    RwLockWriteGuard, RwLockWriteGuardArc, Upgrading, held, upgraded,
};
use crate::executor::EXECUTOR;
use crate::lock::operation::{Operation, future, future_debug};
use async_lock as real;
use insight_probe::{Acquirer, Held, Holders, Mode};
use std::panic::Location;
use std::sync::Arc;

type Site = &'static Location<'static>;

/// The futures of one kind of operation: their future of async-lock, and the guard that they become.
macro_rules! acquiring {
    (
        $name:ident, $text:literal, $real:ident, [$($generics:tt)*], $lock:ty => $guard:ident $(<$a:lifetime>)?,
        $mode:ident, |$by:pat_param| $acquirer:expr
    ) => {
        insight_probe::pin_project! {
            #[doc = concat!("See [`async_lock::futures::", stringify!($name), "`].")]
            pub struct $name<'a, $($generics)*> {
                #[pin]
                operation: Operation<'a, Holders, real::futures::$real<'a, ()>>,
                rest: (&'a $lock, Site),
            }
        }

        impl<'a, $($generics)*> $name<'a, T> {
            /// `operation` is of `lock`.
            #[inline]
            pub(super) fn new(
                operation: Operation<'a, Holders, real::futures::$real<'a, ()>>,
                lock: &'a $lock,
                at: Site,
            ) -> Self {
                $name { operation, rest: (lock, at) }
            }
        }

        future!(['a, $($generics)*] $name<'a, T> => $guard<$($a,)? T>, (rest), |raw, $by| {
            let (lock, at) = *rest;
            $guard::new(lock, held(&lock.holders, Mode::$mode, raw, $acquirer, at))
        });
        future_debug!([$($generics)*] $name<'_, T>, $text);
    };
}

insight_probe::pin_project! {
    /// See [`async_lock::futures::Read`].
    pub struct Read<'a, T: ?Sized> {
        #[pin]
        operation: Operation<'a, Holders, real::futures::Read<'a, ()>>,
        // With a pointer to a constant, so that the future is covariant in `T`, as its guard is.
        rest: (&'a Holders, *const T, Site),
    }
}

impl<'a, T: ?Sized> Read<'a, T> {
    /// `operation` is of `lock`.
    #[inline]
    pub(super) fn new(
        operation: Operation<'a, Holders, real::futures::Read<'a, ()>>,
        lock: &'a RwLock<T>,
        at: Site,
    ) -> Self {
        Read { operation, rest: (&lock.holders, lock.value.get(), at) }
    }
}

future!(['a, T: ?Sized] Read<'a, T> => RwLockReadGuard<'a, T>, (rest), |raw, by| {
    let (holders, value, at) = *rest;
    RwLockReadGuard::of(held(holders, Mode::Shared, raw, by, at), value)
});
future_debug!([T: ?Sized] Read<'_, T>, "Read { .. }");

acquiring!(ReadArc, "ReadArc { .. }", Read, [T], Arc<RwLock<T>> => RwLockReadGuardArc, Shared, |_| Acquirer::NONE);
acquiring!(UpgradableRead, "UpgradableRead { .. }", UpgradableRead, [T: ?Sized],
    RwLock<T> => RwLockUpgradableReadGuard<'a>, Shared, |by| by);
acquiring!(UpgradableReadArc, "UpgradableReadArc { .. }", UpgradableRead, [T: ?Sized],
    Arc<RwLock<T>> => RwLockUpgradableReadGuardArc, Shared, |_| Acquirer::NONE);
acquiring!(Write, "Write { .. }", Write, [T: ?Sized], RwLock<T> => RwLockWriteGuard<'a>, Exclusive, |by| by);
acquiring!(WriteArc, "WriteArc { .. }", Write, [T: ?Sized], Arc<RwLock<T>> => RwLockWriteGuardArc, Exclusive, |_| Acquirer::NONE);

// SAFETY: each of these futures becomes its guard, and lends nothing before. The bounds are those of async-lock's.
unsafe impl<T: ?Sized + Sync> Send for Read<'_, T> {}
// SAFETY: as for the `Send` of `Read`.
unsafe impl<T: ?Sized + Sync> Sync for Read<'_, T> {}
// SAFETY: as for the `Send` of `Read`.
unsafe impl<T: ?Sized + Send + Sync> Send for UpgradableRead<'_, T> {}
// SAFETY: as for the `Send` of `Read`.
unsafe impl<T: ?Sized + Sync> Sync for UpgradableRead<'_, T> {}
// SAFETY: as for the `Send` of `Read`.
unsafe impl<T: ?Sized + Send> Send for Write<'_, T> {}
// SAFETY: as for the `Send` of `Read`.
unsafe impl<T: ?Sized + Sync> Sync for Write<'_, T> {}

insight_probe::pin_project! {
    /// See [`async_lock::futures::Upgrade`].
    pub struct Upgrade<'a, T: ?Sized> {
        // Moves to the guard. The first field, so that the hold ends before the lock is freed.
        hold: Option<Held<'a>>,
        // Frees the lock when it is dropped before it is ready.
        #[pin]
        operation: Upgrading<'a>,
        rest: (&'a Holders, *mut T, Site),
    }
}

// SAFETY: as for `Write`.
unsafe impl<T: ?Sized + Send> Send for Upgrade<'_, T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Sync> Sync for Upgrade<'_, T> {}

impl<'a, T: ?Sized> Upgrade<'a, T> {
    /// The lock has these `holders` and this `value`.
    #[inline]
    pub(super) fn new(
        (hold, operation): (Held<'a>, Upgrading<'a>),
        holders: &'a Holders,
        value: *mut T,
        at: Site,
    ) -> Self {
        Upgrade { hold: Some(hold), operation, rest: (holders, value, at) }
    }
}

future!(['a, T: ?Sized] Upgrade<'a, T> => RwLockWriteGuard<'a, T>, (hold, rest), |raw, _| {
    let (holders, value, at) = *rest;
    let hold = hold.take().expect("not polled after it was ready");
    RwLockWriteGuard::of(upgraded(hold, raw, at), holders, value)
});
future_debug!([T: ?Sized] Upgrade<'_, T>, "Upgrade");

insight_probe::pin_project! {
    /// See [`async_lock::futures::UpgradeArc`].
    pub struct UpgradeArc<T: ?Sized> {
        // Moves to the guard. The first field, so that the hold ends before the lock is freed.
        hold: Option<Held<'static>>,
        // Frees the lock when it is dropped before it is ready.
        #[pin]
        operation: Upgrading<'static>,
        // The lock of both, which moves to the guard. It comes after them, so it is dropped last.
        rest: (Option<Arc<RwLock<T>>>, Site),
    }
}

impl<T: ?Sized> UpgradeArc<T> {
    /// Upgrades the hold of `lock`.
    #[inline]
    pub(super) fn new((hold, operation): (Held<'static>, Upgrading<'static>), lock: Arc<RwLock<T>>, at: Site) -> Self {
        UpgradeArc { hold: Some(hold), operation, rest: (Some(lock), at) }
    }
}

future!([T: ?Sized] UpgradeArc<T> => RwLockWriteGuardArc<T>, (hold, rest), |raw, _| {
    let hold = hold.take().expect("not polled after it was ready");
    let lock = rest.0.take().expect("not polled after it was ready");
    // The program may have moved the future to another task.
    hold.used(&EXECUTOR);
    RwLockWriteGuardArc::of(upgraded(hold, raw, rest.1), lock)
});
future_debug!([T: ?Sized] UpgradeArc<T>, "ArcUpgrade");
