//! Two adapters in one program, one that reports by explicit calls and one that wraps: their knowledge of each other, and
//! the capabilities of both in a stream.

use super::reported::RawLocation;
use crate::executor::Executor;
use insight_protocol::Capability;
use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

thread_local! {
    /// Number of nested observed operations that this thread is polling.
    static OBSERVED_OPERATIONS: Cell<u32> = const { Cell::new(0) };
    /// The future or closure that a wrapping adapter is about to hand to its executor.
    static ABOUT_TO_SPAWN: Cell<Option<(usize, &'static Location<'static>)>> = const { Cell::new(None) };
}

/// While it lives, this thread is within an observed operation: a report of the same wait adds nothing.
#[derive(Debug)]
pub(crate) struct ObservedOperation(());

impl ObservedOperation {
    #[inline]
    pub(crate) fn begin() -> ObservedOperation {
        OBSERVED_OPERATIONS.set(OBSERVED_OPERATIONS.get() + 1);
        ObservedOperation(())
    }
}

impl Drop for ObservedOperation {
    #[inline]
    fn drop(&mut self) {
        // It should not move to another thread; if it does, the count of that thread must not stay wrong forever.
        OBSERVED_OPERATIONS.set(OBSERVED_OPERATIONS.get().saturating_sub(1));
    }
}

/// Whether a wrapping adapter observes the operation that this thread is in.
pub fn in_observed_operation() -> bool {
    OBSERVED_OPERATIONS.get() != 0
}

/// Records that an observed future or closure of `bytes` is about to be spawned.
#[inline]
pub(crate) fn about_to_spawn(bytes: usize, location: &'static Location<'static>) {
    ABOUT_TO_SPAWN.set(Some((bytes, location)));
}

/// Whether a wrapping adapter observes the spawn on this thread of a future of `bytes` at `place`, so that it has a task
/// already. Call it once for each spawn.
pub fn is_observed_spawn(bytes: &[Option<u64>], place: Option<&RawLocation>) -> bool {
    ABOUT_TO_SPAWN.take().is_some_and(|(size, location)| {
        let here = |place: &RawLocation| {
            (&*place.file, place.line, place.column) == (location.file(), location.line(), location.column())
        };
        bytes.contains(&Some(size as u64)) || place.is_some_and(here)
    })
}

static CAPABILITIES: Mutex<Vec<Capability>> = Mutex::new(Vec::new());
static TELLING: AtomicBool = AtomicBool::new(false);
static EXECUTORS: Mutex<Vec<&'static Executor>> = Mutex::new(Vec::new());
static WHEN_TURNED: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Registers an adapter that reports by explicit calls. `when_turned` is called whenever recording was turned on or off.
pub fn telling(when_turned: fn()) {
    let mut calls = WHEN_TURNED.lock().unwrap_or_else(PoisonError::into_inner);
    if !calls.iter().any(|call| std::ptr::fn_addr_eq(*call, when_turned)) {
        calls.push(when_turned);
    }
    TELLING.store(true, Ordering::Relaxed);
}

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    locks.push(Box::new(CAPABILITIES.lock().unwrap_or_else(PoisonError::into_inner)));
    locks.push(Box::new(EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner)));
    locks.push(Box::new(WHEN_TURNED.lock().unwrap_or_else(PoisonError::into_inner)));
}

pub(crate) fn turned() {
    let calls = WHEN_TURNED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    calls.iter().for_each(|call| call());
}

/// Records that facts of this capability were reported: streams that begin from now on may list it.
pub fn report_capability(capability: Capability) {
    let mut capabilities = CAPABILITIES.lock().unwrap_or_else(PoisonError::into_inner);
    if !capabilities.contains(&capability) {
        capabilities.push(capability);
    }
}

/// Records that a task of this executor was reported.
pub fn report_executor(executor: &'static Executor) {
    let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    if !executors.iter().any(|known| known.name == executor.name) {
        executors.push(executor);
    }
}

/// The executors of reported tasks.
pub(crate) fn reported_executors() -> Vec<&'static Executor> {
    EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The capabilities to list if there are only reporting adapters; `None` if there is no reporting adapter.
pub(crate) fn reported_capabilities() -> Option<Vec<Capability>> {
    let telling = TELLING.load(Ordering::Relaxed);
    telling.then(|| CAPABILITIES.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
