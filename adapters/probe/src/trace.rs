//! Where a parked task waits, on demand: a stack for each leaf future that it awaits.
//!
//! A request marks the task's cell and wakes the task through the executor's own waker. The poll that follows is done with a
//! waker of another vtable over the same data, whose `clone` records the stack. Since the vtable differs, `will_wake`
//! is false for each leaf that has an earlier waker, so each leaf that still waits clones: one clone is one exact stack
//! from the leaf up to the task, also for leaves of any library. The clone has the usual vtable, so the next poll is a
//! usual one.
//!
//! Nothing is resolved here: a stack is return addresses. The program's thread takes one lock, once a request.

mod collect;
mod requests;

pub use collect::{Capture, Stack};
pub(crate) use collect::{Collecting, not_followed, record};
pub use requests::Trace;
#[cfg(not(all(test, loom)))]
pub(crate) use requests::lock_all;
pub(crate) use requests::{ended, finish};

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::clock;
use crate::kind::Kind;
use crate::waker::OwnWaker;
use requests::{close, open};
use std::time::Duration;

/// A task that can be traced; from [`Recorder::traceable`](crate::Recorder::traceable).
#[derive(Clone, Debug)]
pub struct Traceable(pub(crate) CellRef);

impl Traceable {
    /// Wakes the task, waits for its poll for at most `timeout`, and returns the awaits of that poll. Requests
    /// for the same task at the same time share one poll.
    ///
    /// Call it on a thread that runs no tasks: it blocks.
    pub fn trace(&self, timeout: Duration) -> Trace {
        let cell = &self.0;
        if let Some(trace) = untraceable(cell) {
            return trace;
        }
        let Some(waker) = OwnWaker::share(cell) else {
            // Its wakers are gone, or were never made.
            return if cell.has_ended() { Trace::Ended } else { Trace::NeverPolled };
        };
        let mailbox = open(cell);
        let woken = clock::ticks();
        waker.wake_executor();
        // Not kept while it waits: the executor may free the task meanwhile.
        drop(waker);
        mailbox.wait(timeout);
        close(cell, &mailbox);
        mailbox.answer().unwrap_or_else(|| {
            let running_since = cell.times().poll_start();
            if cell.has_ended() {
                Trace::Ended
            } else if running_since != 0 {
                Trace::Running { since_ns: clock::time_ns(running_since) }
            } else {
                Trace::NotPolled { since_ns: clock::time_ns(woken) }
            }
        })
    }
}

fn untraceable(cell: &TaskCell) -> Option<Trace> {
    if cell.is_partial() {
        Some(Trace::Partial)
    } else if cell.has_ended() {
        Some(Trace::Ended)
    } else {
        (cell.kind() == Kind::Blocking).then_some(Trace::Closure)
    }
}
