//! The types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where async-channel's are.

use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

/// Asks whether a type has an auto trait: the inherent constant is found first, where its bound holds.
struct Has<T: ?Sized>(PhantomData<T>);

trait HasNot {
    const SEND: bool = false;
    const SYNC: bool = false;
    const UNPIN: bool = false;
    const UNWIND_SAFE: bool = false;
    const REF_UNWIND_SAFE: bool = false;
}

impl<T: ?Sized> HasNot for Has<T> {}

impl<T: ?Sized + Send> Has<T> {
    const SEND: bool = true;
}

impl<T: ?Sized + Sync> Has<T> {
    const SYNC: bool = true;
}

impl<T: ?Sized + Unpin> Has<T> {
    const UNPIN: bool = true;
}

impl<T: ?Sized + UnwindSafe> Has<T> {
    const UNWIND_SAFE: bool = true;
}

impl<T: ?Sized + RefUnwindSafe> Has<T> {
    const REF_UNWIND_SAFE: bool = true;
}

macro_rules! traits {
    ($type:ty) => {
        [
            ("Send", Has::<$type>::SEND),
            ("Sync", Has::<$type>::SYNC),
            ("Unpin", Has::<$type>::UNPIN),
            ("UnwindSafe", Has::<$type>::UNWIND_SAFE),
            ("RefUnwindSafe", Has::<$type>::REF_UNWIND_SAFE),
        ]
    };
}

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
    const { assert!(Has::<observed::Receiver<u8>>::UNPIN && Has::<observed::Recv<'static, u8>>::UNPIN) };
}

#[test]
fn as_the_real_ones_of_version_2() {
    use async_channel_2 as real;
    use insight_sync::channel_2 as observed;
    same!(observed, real: u8, Cell<u8>, Rc<u8>, &'static mut u8, PhantomPinned:
        [Sender Receiver WeakSender WeakReceiver; Send Recv Closed]);
    const { assert!(!Has::<observed::Receiver<u8>>::UNPIN && !Has::<observed::Recv<'static, u8>>::UNPIN) };
}
