//! The facade's types are `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe` exactly where smol's are.

use insight_test_kit::traits;
use std::cell::Cell;
use std::rc::Rc;

macro_rules! tasks {
    ($($value:ty, $metadata:ty;)*) => {$(
        let name = concat!(stringify!($value), ", ", stringify!($metadata));
        assert_eq!(traits!(smol::Task<$value, $metadata>), traits!(real::Task<$value, $metadata>), "{name}");
        let fallible = traits!(async_task::FallibleTask<$value, $metadata>);
        assert_eq!(traits!(smol::FallibleTask<$value, $metadata>), fallible, "{name}");
    )*};
}

#[test]
fn as_smols() {
    tasks! {
        u8, ();
        Rc<u8>, ();
        Cell<u8>, ();
        &'static mut u8, ();
        std::marker::PhantomPinned, ();
        u8, Cell<u8>;
        u8, Rc<u8>;
    }
    assert_eq!(traits!(smol::Executor<'static>), traits!(real::Executor<'static>));
    assert_eq!(traits!(smol::LocalExecutor<'static>), traits!(real::LocalExecutor<'static>));
    assert_eq!(traits!(smol::Timer), traits!(real::Timer));
    // The check also finds that a trait is missing.
    let none = traits!((Rc<u8>, &'static mut u8, *const Cell<u8>, std::marker::PhantomPinned));
    assert!(none.iter().all(|(_, has)| !has), "{none:?}");
}

/// Asks about the type of a value.
struct Of<T>(T);

trait OfNot {
    fn is_send(&self) -> bool {
        false
    }
}

impl<T> OfNot for Of<T> {}

impl<T: Send> Of<T> {
    fn is_send(&self) -> bool {
        true
    }
}

#[test]
fn the_futures_as_smols() {
    let (executor, own) = (smol::Executor::new(), real::Executor::new());
    let (local, own_local) = (smol::LocalExecutor::new(), real::LocalExecutor::new());
    let not_send = || std::future::pending::<Rc<u8>>();
    macro_rules! same {
        ($($facade:expr, $real:expr;)*) => {$(
            assert_eq!(Of($facade).is_send(), Of($real).is_send(), "{}", stringify!($facade));
        )*};
    }
    same! {
        executor.run(async {}), own.run(async {});
        executor.run(not_send()), own.run(not_send());
        executor.tick(), own.tick();
        local.run(async {}), own_local.run(async {});
        local.tick(), own_local.tick();
        executor.spawn(async {}).cancel(), own.spawn(async {}).cancel();
        executor.spawn(async {}).fallible().cancel(), own.spawn(async {}).fallible().cancel();
        local.spawn(not_send()).cancel(), own_local.spawn(not_send()).cancel();
    }
    assert!(Of(executor.run(async {})).is_send() && !Of(local.tick()).is_send());
}
