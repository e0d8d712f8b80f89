//! An adapter that tells, beside one that wraps: what each knows of the other, and what a stream says of both.

use super::Place;
use crate::executor::Executor;
use insight_protocol::Capability;
use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

thread_local! {
    /// How many observed operations this thread is polling, one within the other.
    static OBSERVED_OPERATIONS: Cell<u32> = const { Cell::new(0) };
    /// What an adapter that wraps is about to hand to its executor.
    static ABOUT_TO_SPAWN: Cell<Option<(usize, &'static Location<'static>)>> = const { Cell::new(None) };
}

/// While it lives, this thread is within an operation that is observed: what a teller sees there is known already.
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
        // One that is moved to another thread, which none is meant to be, must not make that one's count wrong for ever.
        OBSERVED_OPERATIONS.set(OBSERVED_OPERATIONS.get().saturating_sub(1));
    }
}

/// Whether an adapter that wraps observes the operation that this thread is in.
pub fn in_observed_operation() -> bool {
    OBSERVED_OPERATIONS.get() != 0
}

/// Notes that a future or closure of `bytes` is about to be spawned, and is observed.
#[inline]
pub(crate) fn about_to_spawn(bytes: usize, location: &'static Location<'static>) {
    ABOUT_TO_SPAWN.set(Some((bytes, location)));
}

/// Whether what is being spawned on this thread, of `bytes` and at `place`, is observed by an adapter that wraps it, and
/// so has a task already. To be asked once for each spawn.
pub fn is_observed_spawn(bytes: &[Option<u64>], place: Option<&Place>) -> bool {
    ABOUT_TO_SPAWN.take().is_some_and(|(size, location)| {
        let here = |place: &Place| {
            (&*place.file, place.line, place.column) == (location.file(), location.line(), location.column())
        };
        bytes.contains(&Some(size as u64)) || place.is_some_and(here)
    })
}

static CAPABILITIES: Mutex<Vec<Capability>> = Mutex::new(Vec::new());
static TELLING: AtomicBool = AtomicBool::new(false);
static EXECUTORS: Mutex<Vec<&'static Executor>> = Mutex::new(Vec::new());
static WHEN_TURNED: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// There is an adapter that tells. `when_turned` is called whenever recording has been turned on or off.
pub fn telling(when_turned: fn()) {
    let mut calls = WHEN_TURNED.lock().unwrap_or_else(PoisonError::into_inner);
    if !calls.iter().any(|call| std::ptr::fn_addr_eq(*call, when_turned)) {
        calls.push(when_turned);
    }
    TELLING.store(true, Ordering::Relaxed);
}

pub(crate) fn turned() {
    let calls = WHEN_TURNED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    calls.iter().for_each(|call| call());
}

/// Facts of this capability were told: streams that begin from now on may list it.
pub fn told_capability(capability: Capability) {
    let mut capabilities = CAPABILITIES.lock().unwrap_or_else(PoisonError::into_inner);
    if !capabilities.contains(&capability) {
        capabilities.push(capability);
    }
}

/// A task of this executor was told.
pub fn told_executor(executor: &'static Executor) {
    let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    if !executors.iter().any(|known| known.name == executor.name) {
        executors.push(executor);
    }
}

/// The executors of which only is told.
pub(crate) fn told_executors() -> Vec<&'static Executor> {
    EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What is listed where nothing but tellers is there; `None` where there is no teller.
pub(crate) fn told_capabilities() -> Option<Vec<Capability>> {
    let telling = TELLING.load(Ordering::Relaxed);
    telling.then(|| CAPABILITIES.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
