//! loom, with every order of the steps.
//!
//! loom tries two orders only where it sees that they differ, and of an atomic it keeps one access to see that by: where a
//! thread loads what it then stores, an earlier load of another thread's is forgotten (loom's issues 166 and 392), and most
//! of the orders with it. So each step begins here with a store to one atomic that nobody reads: any two such stores
//! differ by their order, and a store that is not read orders nothing else.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;

loom::lazy_static! {
    static ref STEP: loom::sync::atomic::AtomicBool = loom::sync::atomic::AtomicBool::new(false);
}

/// Tries all orders of the steps of `f` and the threads that it spawns, in which threads are interrupted where they would
/// not wait no more than `preemptions` times, or LOOM_MAX_PREEMPTIONS times if that is set.
pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.check(move || {
        // Before there are threads, so that the first to use it does not come before the others.
        STEP.store(true, Ordering::Relaxed);
        f();
    });
}

/// An atomic of loom's.
#[derive(Debug)]
pub(crate) struct Atomic<A>(A);

impl<A> Deref for Atomic<A> {
    type Target = A;

    fn deref(&self) -> &A {
        STEP.store(true, Ordering::Relaxed);
        &self.0
    }
}

impl<A> DerefMut for Atomic<A> {
    fn deref_mut(&mut self) -> &mut A {
        &mut self.0
    }
}

pub(crate) mod atomic {
    use super::Atomic;
    pub(crate) use loom::sync::atomic::fence;

    macro_rules! atomics {
        ($($name:ident $(<$t:ident>)?: $value:ty,)*) => {
            $(
                pub(crate) type $name $(<$t>)? = Atomic<loom::sync::atomic::$name $(<$t>)?>;
                impl $(<$t>)? $name $(<$t>)? {
                    #[track_caller]
                    pub(crate) fn new(value: $value) -> Self {
                        Atomic(loom::sync::atomic::$name::new(value))
                    }
                }
            )*
        };
    }

    atomics! {
        AtomicBool: bool,
        AtomicU32: u32,
        AtomicU64: u64,
        AtomicUsize: usize,
        AtomicPtr<T>: *mut T,
    }
}
