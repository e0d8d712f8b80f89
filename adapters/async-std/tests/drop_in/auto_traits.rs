//! The facade's types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where async-std's are.

use insight_test_kit::traits;
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::rc::Rc;
use std::time::Duration;

macro_rules! same {
    ($($module:ident::$type:ident$(<$($argument:tt),+>)?)*) => {$(
        assert_eq!(
            traits!(async_std::$module::$type$(<$($argument),+>)?),
            traits!(real::$module::$type$(<$($argument),+>)?),
            stringify!($module::$type$(<$($argument),+>)?)
        );
    )*};
}

type Shared = Cell<u8>;
type Local = Rc<u8>;
type Unique = &'static mut u8;
type Pinned = PhantomPinned;

#[test]
fn as_async_stds() {
    same! {
        task::Builder stream::Interval sync::Condvar sync::Barrier sync::BarrierWaitResult
        task::JoinHandle<u8> task::JoinHandle<Shared> task::JoinHandle<Local> task::JoinHandle<Unique>
    }
    macro_rules! of_value {
        ($($value:tt)*) => {$(
            same! {
                sync::Mutex<$value> sync::MutexGuard<'static, $value> sync::MutexGuardArc<$value>
                sync::RwLock<$value> sync::RwLockReadGuard<'static, $value>
                sync::RwLockUpgradableReadGuard<'static, $value> sync::RwLockWriteGuard<'static, $value>
                channel::Sender<$value> channel::Receiver<$value>
                channel::WeakSender<$value> channel::WeakReceiver<$value>
                channel::Send<'static, $value> channel::Recv<'static, $value>
            }
        )*};
    }
    of_value!(u8 Shared Local Unique Pinned);
}

/// The futures without a name.
#[test]
fn futures_as_async_stds() {
    const TIME: Duration = Duration::from_secs(1);

    macro_rules! same_future {
        ($($future:expr, $real:expr;)*) => {$({
            fn is_shared(_: &(impl Send + Sync)) {}
            is_shared(&$future);
            is_shared(&$real);
        })*};
    }
    same_future! {
        async_std::task::sleep(TIME), real::task::sleep(TIME);
        async_std::future::timeout(TIME, std::future::ready(1)), real::future::timeout(TIME, std::future::ready(1));
        async_std::io::timeout(TIME, std::future::ready(Ok(1))), real::io::timeout(TIME, std::future::ready(Ok(1)));
        async_std::task::spawn(async {}).cancel(), real::task::spawn(async {}).cancel();
    }
}
