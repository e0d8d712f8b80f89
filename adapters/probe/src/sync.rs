//! The primitives of the lock-free parts: std's, or loom's in the tests that try every order of the threads' steps.
//!
//! loom's are used only while this crate's own tests are built with `--cfg loom`. If another crate sets the flag for a model
//! of its own, this crate uses std's.

#[cfg(all(test, loom))]
pub(crate) mod model;

#[cfg(all(test, loom))]
pub(crate) use loom::{cell::UnsafeCell, sync::Mutex, thread_local};
#[cfg(all(test, loom))]
pub(crate) use model::atomic;
#[cfg(not(all(test, loom)))]
pub(crate) use std::{
    sync::{Mutex, atomic},
    thread_local,
};

/// Locks that one thread holds while it forks. Otherwise the child could get a copy of another thread's hold, which would
/// last forever there.
#[cfg(not(all(test, loom)))]
pub(crate) type Locks = Vec<Box<dyn std::any::Any>>;

/// Whether loom runs: then blocks are small, so that few steps fill them.
pub(crate) const MODEL: bool = cfg!(all(test, loom));

/// Statics, which loom makes again for each order that it tries.
macro_rules! statics {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        $(
            #[cfg(not(all(test, loom)))]
            $(#[$attribute])*
            static $name: $type = $value;
            #[cfg(all(test, loom))]
            loom::lazy_static! {
                $(#[$attribute])*
                static ref $name: $type = $value;
            }
        )*
    };
}
pub(crate) use statics;

/// std's, with loom's functions, which show loom how long it is used.
#[cfg(not(all(test, loom)))]
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(all(test, loom)))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer that it reads.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer that it writes.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// The pointer of a link that no other thread has any more.
#[inline(always)]
pub(crate) fn owned<T>(link: &mut atomic::AtomicPtr<T>) -> *mut T {
    #[cfg(not(all(test, loom)))]
    return *link.get_mut();
    #[cfg(all(test, loom))]
    return link.with_mut(|to| *to);
}
