//! Where a parked task waits, on demand: a stack for each leaf future that it awaits.
//!
//! A request marks the task's cell and wakes the task through the executor's own waker. The poll that follows is done with a
//! waker of another vtable over the same data, whose `clone` records the stack. Since the vtable differs, `will_wake`
//! is false for each leaf that has an earlier waker, so each leaf that still waits clones: one clone is one exact stack
//! from the leaf up to the task, also for leaves of any library. The clone has the usual vtable, so the next poll is a
//! usual one.
//!
//! Nothing is resolved here: a stack is return addresses. The program's thread takes one lock, once a request.
//!
//! A poll that only a request asked for counts nowhere: not in the task's counters and times, and not in those of its waits. The
//! same is true of the poll that follows it if a leaf wakes its old waker, and of a poll that comes after the request was
//! taken back.

mod capture;
mod collect;
mod requests;
mod uncounted;

pub use capture::{Capture, Stack};
use collect::Collecting;
pub use collect::{is_captured, note_span};
pub(crate) use collect::{not_followed, operation, record, timer};
pub use requests::Trace;
pub(crate) use requests::ended;
#[cfg(not(all(test, loom)))]
pub(crate) use requests::lock_all;
use uncounted::Uncounted;

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::clock;
use crate::kind::Kind;
use crate::waker::OwnWaker;
use requests::{Mailbox, answer, close, open};
use std::sync::Arc;
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
        self.begin().map_or_else(|trace| trace, |asked| asked.wait(timeout))
    }

    /// Like [`trace`](Traceable::trace), for a trace that nobody asked for: it is not made of a task that has no live waker, since
    /// such a task waits for ever, and a poll could hide that. Returns the trace if there is nothing to wait for.
    pub fn capture(&self) -> Result<Capturing, Trace> {
        let cell = &self.0;
        if let Some(trace) = untraceable(cell) {
            Err(trace)
        } else if cell.times().polls() == 0 {
            Err(Trace::NeverPolled)
        } else if cell.reported().is_some() || cell.has_other_wakers() {
            Err(Trace::OtherWaker)
        } else if !self.has_live_waker() {
            Err(Trace::NoWaker)
        } else {
            self.begin()
        }
    }

    /// Number of wakes of the task by others.
    pub fn wakes(&self) -> u64 {
        self.0.times().wakes()
    }

    /// Whether something has a waker of the task, beside the task itself.
    fn has_live_waker(&self) -> bool {
        self.0.wakers().count() > 1
    }

    /// Wakes the task, unless the reply is known already.
    fn begin(&self) -> Result<Capturing, Trace> {
        let cell = &self.0;
        if let Some(trace) = untraceable(cell) {
            return Err(trace);
        }
        let Some(waker) = OwnWaker::share(cell) else {
            // Its wakers are gone, or were never made.
            return Err(if cell.has_ended() { Trace::Ended } else { Trace::NeverPolled });
        };
        let mailbox = open(cell);
        let woken = clock::ticks();
        waker.wake_executor();
        // `waker` is not kept until the poll: the executor may free the task meanwhile.
        Ok(Capturing { cell: cell.clone(), mailbox, woken })
    }
}

/// A task that was woken for a trace. Dropping it takes the request back.
#[derive(Debug)]
pub struct Capturing {
    cell: CellRef,
    mailbox: Arc<Mailbox>,
    woken: u64,
}

impl Capturing {
    /// Waits for the poll, for at most `timeout`, and returns its awaits. It blocks, so do not call it on a thread that runs tasks.
    /// Without a poll the request is taken back.
    pub fn wait(self, timeout: Duration) -> Trace {
        self.mailbox.wait(timeout);
        close(&self.cell, &self.mailbox);
        self.mailbox.answer().unwrap_or_else(|| {
            let running_since = self.cell.times().poll_start();
            if self.cell.has_ended() {
                Trace::Ended
            } else if running_since != 0 {
                Trace::Running { since_ns: clock::time_ns(running_since) }
            } else {
                Trace::NotPolled { since_ns: clock::time_ns(self.woken) }
            }
        })
    }

    /// Like [`wait`](Capturing::wait), but the request stays open after the timeout: the task was woken for it, so it is polled some
    /// time. `None` if it is still open. A task that is no longer recorded is answered like an ended one.
    pub fn answer(&self, timeout: Duration) -> Option<Trace> {
        self.mailbox.wait(timeout);
        let is_gone = || self.cell.has_ended() || self.cell.was_recorded();
        self.mailbox.answer().or_else(|| is_gone().then_some(Trace::Ended))
    }

    /// Whether the task is running now.
    pub fn is_running(&self) -> bool {
        self.cell.times().poll_start() != 0
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        // After `wait` there is no such request any more.
        close(&self.cell, &self.mailbox);
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

/// A poll that a trace has asked for, or that follows one.
pub(crate) struct TracedPoll {
    /// First: it ends before the poll does.
    collecting: Option<Collecting>,
    uncounted: Option<Uncounted>,
}

impl TracedPoll {
    /// Begins it, for a task with a trace. `None` for a usual poll. Called by the function that polls the future, and not by a
    /// function further in: its frame is where the stacks end.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin(cell: &CellRef) -> Option<Box<TracedPoll>> {
        let wanted = cell.is_trace_wanted();
        // A poll that only the trace asked for is not counted: the task waits as before, and a problem of it stays.
        let unasked = (cell.take_woken_by_trace() || wanted) && !cell.times().is_woken();
        let uncounted = unasked.then(|| Uncounted::begin(cell));
        let collecting = wanted.then(|| Collecting::begin(cell, unasked));
        (wanted || unasked).then(|| Box::new(TracedPoll { collecting, uncounted }))
    }

    /// Whether the clones of the task's waker record their stacks.
    pub(crate) fn collects(&self) -> bool {
        self.collecting.is_some()
    }

    /// Ends the stacks at the calling function.
    #[cold]
    #[inline(never)]
    pub(crate) fn ends_here(&self) {
        self.collecting.iter().for_each(Collecting::ends_here);
    }

    pub(crate) fn is_uncounted(&self) -> bool {
        self.uncounted.is_some()
    }

    /// Ends it, and answers the request.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish(mut self, ready: bool) {
        let reply = self.collecting.take().map(|collecting| collecting.finish(ready, self.uncounted.as_ref()));
        // Before the reply: its receiver finds nothing of this poll.
        drop(self);
        if let Some((cell, Some(capture))) = reply {
            answer(&cell, Trace::Polled(capture));
        }
    }
}
