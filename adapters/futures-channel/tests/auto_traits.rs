//! The types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where futures-channel's are.

use insight_test_kit::traits;
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::rc::Rc;

macro_rules! same {
    ($($value:ty),*: $types:tt) => {$(
        same!(@of $value, $types);
    )*};
    (@of $value:ty, [$($($part:ident)::+ $(<$lifetime:lifetime>)?),*]) => {$(
        let observed = traits!(insight_futures_channel::$($part)::+<$($lifetime,)? $value>);
        let real = traits!(real::$($part)::+<$($lifetime,)? $value>);
        assert_eq!(observed, real, "{}<{}>", stringify!($($part)::+), stringify!($value));
    )*};
}

#[test]
fn they_are_those_of_the_real_ends() {
    same!(u8, Cell<u8>, Rc<u8>, &'static mut u8, PhantomPinned: [
        mpsc::Sender,
        mpsc::Receiver,
        mpsc::UnboundedSender,
        mpsc::UnboundedReceiver,
        oneshot::Sender,
        oneshot::Receiver,
        oneshot::Cancellation<'static>
    ]);
}

#[test]
fn they_are_those_of_the_real_recv() {
    use insight_futures_channel::mpsc as observed;
    use real::mpsc as real_mpsc;
    macro_rules! check {
        ($($value:ty),*) => {$(
            assert_eq!(
                traits!(observed::Recv<'static, observed::Receiver<$value>>),
                traits!(real_mpsc::Recv<'static, real_mpsc::Receiver<$value>>)
            );
            assert_eq!(
                traits!(observed::Recv<'static, observed::UnboundedReceiver<$value>>),
                traits!(real_mpsc::Recv<'static, real_mpsc::UnboundedReceiver<$value>>)
            );
        )*};
    }
    check!(u8, Cell<u8>, Rc<u8>, &'static mut u8, PhantomPinned);
}
