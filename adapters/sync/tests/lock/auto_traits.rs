//! The types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where async-lock's are.

use insight_test_kit::traits;
use std::cell::Cell;
use std::rc::Rc;

/// Compares `$path` of both crates, with these parameters.
macro_rules! compare {
    ($($path:ident)::+ $(<$($parameter:tt),+>)?) => {
        assert_eq!(
            traits!(insight_sync::lock::$($path)::+ $(<$($parameter),+>)?),
            traits!(async_lock::$($path)::+ $(<$($parameter),+>)?),
            "{}", stringify!($($path)::+ $(<$($parameter),+>)?)
        );
    };
}

/// With a value that is `Send` and `Sync`, with values that lack one or both, and with one that is not `UnwindSafe`.
macro_rules! compare_with_values {
    ($($path:ident)::+ $(<$a:lifetime>)?) => {
        compare_with_values!(@ $($path)::+ [$($a,)?] Bytes NotSync NotSend Neither Mutable);
    };
    (@ $($path:ident)::+ [$($a:lifetime,)?] $value:ident $($more:ident)*) => {
        compare!($($path)::+ <$($a,)? $value>);
        compare_with_values!(@ $($path)::+ [$($a,)?] $($more)*);
    };
    (@ $($path:ident)::+ [$($a:lifetime,)?]) => {};
}

type Bytes = [u8; 2];
type NotSync = Cell<u8>;
type NotSend = std::sync::MutexGuard<'static, u8>;
type Neither = Rc<u8>;
type Mutable = &'static mut u8;

#[test]
fn as_async_lock_s() {
    compare_with_values!(Mutex);
    compare_with_values!(MutexGuard<'static>);
    compare_with_values!(MutexGuardArc);
    compare_with_values!(RwLock);
    compare_with_values!(RwLockReadGuard<'static>);
    compare_with_values!(RwLockReadGuardArc);
    compare_with_values!(RwLockUpgradableReadGuard<'static>);
    compare_with_values!(RwLockUpgradableReadGuardArc);
    compare_with_values!(RwLockWriteGuard<'static>);
    compare_with_values!(RwLockWriteGuardArc);
    compare_with_values!(OnceCell);
    compare_with_values!(futures::Lock<'static>);
    compare_with_values!(futures::LockArc);
    compare_with_values!(futures::Read<'static>);
    compare_with_values!(futures::ReadArc<'static>);
    compare_with_values!(futures::UpgradableRead<'static>);
    compare_with_values!(futures::UpgradableReadArc<'static>);
    compare_with_values!(futures::Upgrade<'static>);
    compare_with_values!(futures::UpgradeArc);
    compare_with_values!(futures::Write<'static>);
    compare_with_values!(futures::WriteArc<'static>);
    compare!(Semaphore);
    compare!(SemaphoreGuard<'static>);
    compare!(SemaphoreGuardArc);
    compare!(futures::Acquire<'static>);
    compare!(futures::AcquireArc);
    compare!(Barrier);
    compare!(BarrierWaitResult);
    compare!(futures::BarrierWait<'static>);
}

/// The futures without a name: in both crates they are `Send` if the value and the closure are.
#[test]
fn as_async_lock_s_once_cell() {
    fn sent<T: Send>(_: impl FnOnce() -> T) {}
    macro_rules! sent {
        ($($cell:tt)+) => {{
            static CELL: $($cell)+<u8> = <$($cell)+<u8>>::new();
            sent(|| CELL.wait());
            sent(|| CELL.set(1));
            sent(|| CELL.get_or_init(|| async { 1 }));
            sent(|| CELL.get_or_try_init::<u8, _>(|| async { Ok(1) }));
        }};
    }
    sent!(insight_sync::lock::OnceCell);
    sent!(async_lock::OnceCell);
}
