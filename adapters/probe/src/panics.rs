//! The messages of panics. They may contain data of the program's users, so they are recorded only on request.

use crate::cell_ref::CellRef;
use crate::fact::Fact;
use crate::panic_message::PanicMessage;
use crate::{clock, ring};
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether messages are recorded. The recorder stores it, a task's thread loads it at the task's first poll and at its panic;
/// relaxed, since it orders no other memory.
static RECORDED: AtomicBool = AtomicBool::new(false);

/// Sets whether the messages of panics are recorded from now on.
pub(crate) fn record(recorded: bool) {
    RECORDED.store(recorded, Ordering::Relaxed);
}

/// Whether the messages of panics are recorded.
#[inline]
pub(crate) fn are_recorded() -> bool {
    RECORDED.load(Ordering::Relaxed)
}

/// Calls `run`, a poll or a closure of the task. If it panics, the message is recorded before the panic continues.
///
/// The program's panic hook has run already, and is not called again.
#[cold]
#[inline(never)]
pub(crate) fn noting(task: &CellRef, run: &mut dyn FnMut()) {
    // The panic continues, so no code uses a state that it may have left half changed.
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(run)) {
        note(task, &*payload);
        panic::resume_unwind(payload);
    }
}

/// Records the message of the task's first panic.
fn note(task: &CellRef, payload: &(dyn Any + Send)) {
    let id = task.recorded_id();
    if id == 0 || task.has_panicked() || !are_recorded() {
        return;
    }
    if let Some(message) = PanicMessage::of(payload) {
        ring::push_closing(clock::ticks(), Fact::Panicked { task: id, message: Box::new(message) });
    }
}
