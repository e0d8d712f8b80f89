//! The types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where async-channel's are.

use insight_test_kit::traits;
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::rc::Rc;

macro_rules! same {
    ($observed:ident, $real:ident: $($value:ty),*: $types:tt) => {$(
        same!(@of $observed, $real, $value, $types);
    )*};
    (@of $observed:ident, $real:ident, $value:ty, [$($end:ident)*; $($future:ident)*]) => {
        $(
            let (observed, real) = (traits!($observed::$end<$value>), traits!($real::$end<$value>));
            assert_eq!(observed, real, "{}<{}>", stringify!($end), stringify!($value));
        )*
        $(
            let (observed, real) = (traits!($observed::$future<'static, $value>), traits!($real::$future<'static, $value>));
            assert_eq!(observed, real, "{}<{}>", stringify!($future), stringify!($value));
        )*
    };
}

#[test]
fn as_the_real_ones_of_version_1() {
    use async_channel_1 as real;
    use insight_sync::channel_1 as observed;
    same!(observed, real: u8, Cell<u8>, Rc<u8>, &'static mut u8, PhantomPinned:
        [Sender Receiver WeakSender WeakReceiver; Send Recv]);
    let unpin = ("Unpin", true);
    assert!(traits!(observed::Receiver<u8>).contains(&unpin) && traits!(observed::Recv<'static, u8>).contains(&unpin));
}

#[test]
fn as_the_real_ones_of_version_2() {
    use async_channel_2 as real;
    use insight_sync::channel_2 as observed;
    same!(observed, real: u8, Cell<u8>, Rc<u8>, &'static mut u8, PhantomPinned:
        [Sender Receiver WeakSender WeakReceiver; Send Recv Closed]);
    let unpin = ("Unpin", false);
    assert!(traits!(observed::Receiver<u8>).contains(&unpin) && traits!(observed::Recv<'static, u8>).contains(&unpin));
}
