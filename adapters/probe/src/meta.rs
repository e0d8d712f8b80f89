//! The facts of a task at its spawn.

use crate::executor::Executor;
use crate::kind::Kind;
use std::any;
use std::panic::Location;

/// The facts of a task at its spawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskMeta {
    /// Its executor.
    pub executor: &'static Executor,
    /// Its kind.
    pub kind: Kind,
    /// Where it was spawned.
    pub location: &'static Location<'static>,
    /// Its future or closure.
    pub body: &'static Body,
}

/// A type of futures or closures.
#[derive(Debug)]
pub(crate) struct Body {
    /// By `std::any::type_name`; the readable name of its tasks is made of it.
    type_name: fn() -> &'static str,
    /// The size as it is spawned, in bytes.
    size: usize,
}

impl Body {
    /// An unknown type.
    pub(crate) const UNKNOWN: &'static Body = &Body { type_name: || "", size: 0 };

    /// The type `F`, which is spawned in a wrapper of `size` bytes.
    pub(crate) const fn of<F>(size: usize) -> Body {
        Body { type_name: any::type_name::<F>, size }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }
}
