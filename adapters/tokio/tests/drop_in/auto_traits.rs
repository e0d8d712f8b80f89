//! The facade's types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where tokio's are.

use insight_test_kit::traits;
use std::cell::Cell;
use std::rc::Rc;

macro_rules! same {
    (@with $value:ty, $($path:ident)::+) => {
        assert_eq!(
            traits!(tokio::sync::$($path)::+<$value>),
            traits!(real::sync::$($path)::+<$value>),
            "{}<{}>", stringify!($($path)::+), stringify!($value)
        );
    };
    ($($path:ident)::+) => {
        same!(@with u8, $($path)::+);
        same!(@with Cell<u8>, $($path)::+);
        same!(@with Rc<u8>, $($path)::+);
        same!(@with &'static mut u8, $($path)::+);
    };
}

#[test]
fn as_tokio_s() {
    same!(OnceCell);
    same!(SetOnce);
    same!(oneshot::Sender);
    same!(oneshot::Receiver);
    same!(watch::Sender);
    same!(watch::Receiver);
    same!(broadcast::Sender);
    same!(broadcast::WeakSender);
    same!(broadcast::Receiver);
    same!(mpsc::Sender);
    same!(mpsc::WeakSender);
    same!(mpsc::Receiver);
    same!(mpsc::OwnedPermit);
    same!(mpsc::UnboundedSender);
    same!(mpsc::WeakUnboundedSender);
    same!(mpsc::UnboundedReceiver);
    assert_eq!(traits!(tokio::sync::Notify), traits!(real::sync::Notify));
    assert_eq!(traits!(tokio::sync::Barrier), traits!(real::sync::Barrier));
    assert_eq!(traits!(tokio::sync::futures::Notified<'static>), traits!(real::sync::futures::Notified<'static>));
    assert_eq!(traits!(tokio::sync::futures::OwnedNotified), traits!(real::sync::futures::OwnedNotified));
}

/// The guards of locks, which also have a lifetime.
#[test]
fn locks_as_tokio_s() {
    macro_rules! guards {
        ($value:ty: $($guard:ident)*) => {$(
            assert_eq!(
                traits!(tokio::sync::$guard<'static, $value>),
                traits!(real::sync::$guard<'static, $value>),
                "{}<{}>", stringify!($guard), stringify!($value)
            );
        )*};
        ($($value:ty),*) => {$(
            guards!($value: RwLockReadGuard RwLockWriteGuard RwLockMappedWriteGuard);
            owned!($value: u8, Cell<u8>, Rc<u8>, &'static mut u8);
        )*};
    }
    macro_rules! owned {
        ($value:ty: $($part:ty),*) => {$(
            assert_eq!(
                traits!(tokio::sync::OwnedRwLockReadGuard<$value, $part>),
                traits!(real::sync::OwnedRwLockReadGuard<$value, $part>)
            );
            assert_eq!(
                traits!(tokio::sync::OwnedRwLockMappedWriteGuard<$value, $part>),
                traits!(real::sync::OwnedRwLockMappedWriteGuard<$value, $part>)
            );
        )*};
    }
    guards!(u8, Cell<u8>, Rc<u8>, &'static mut u8);
    same!(RwLock);
    same!(OwnedRwLockReadGuard);
    same!(OwnedRwLockWriteGuard);
    same!(OwnedRwLockMappedWriteGuard);
    assert_eq!(traits!(tokio::sync::Semaphore), traits!(real::sync::Semaphore));
    assert_eq!(traits!(tokio::sync::SemaphorePermit<'static>), traits!(real::sync::SemaphorePermit<'static>));
    assert_eq!(traits!(tokio::sync::OwnedSemaphorePermit), traits!(real::sync::OwnedSemaphorePermit));
}

#[cfg(feature = "full")]
#[test]
fn tasks_runtimes_and_timers_as_tokio_s() {
    macro_rules! same_types {
        ($($module:ident::$type:ident$(<$value:ty>)?)*) => {$(
            assert_eq!(
                traits!(tokio::$module::$type$(<$value>)?),
                traits!(real::$module::$type$(<$value>)?),
                stringify!($module::$type$(<$value>)?)
            );
        )*};
    }
    same_types! {
        time::Sleep time::Interval time::Timeout<u8> time::Timeout<Cell<u8>> time::Timeout<Rc<u8>>
        time::Timeout<std::marker::PhantomPinned> time::Timeout<&'static mut u8>
        runtime::Runtime runtime::Handle runtime::LocalRuntime runtime::Builder
        task::JoinHandle<u8> task::JoinHandle<Cell<u8>> task::JoinHandle<Rc<u8>> task::JoinHandle<&'static mut u8>
        task::JoinSet<u8> task::JoinSet<Cell<u8>> task::JoinSet<Rc<u8>> task::LocalSet
    }
}
