//! The stacks of one poll.

use super::{Capture, Stack, Trace, answer};
use crate::cell_ref::CellRef;
use crate::clock;
use crate::task::TaskCell;
use std::cell::RefCell;

/// So many stacks are kept of one poll: a `join_all` may have any number of leaves.
const MAX_STACKS: usize = 64;
/// So many frames are kept of one stack.
const MAX_FRAMES: usize = 1024;

thread_local! {
    static COLLECTOR: RefCell<Option<Collector>> = const { RefCell::new(None) };
}

struct Collector {
    /// Whose wakers; only compared.
    cell: *const TaskCell,
    /// The stack of `Collecting::begin`: what is further out than the task's poll ends both this and each stack.
    base: Vec<usize>,
    capture: Capture,
}

/// A poll whose wakers' clones are noted, on this thread.
pub(crate) struct Collecting {
    cell: CellRef,
    begun: u64,
    /// That of a poll within which this one is.
    previous: Option<Collector>,
}

impl Collecting {
    /// Begins, where `cell`'s trace is wanted. To be called by the function that polls the future, and not by one further
    /// in: its frame is where the stacks end.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin(cell: &CellRef) -> Box<Collecting> {
        let (base, _) = addresses();
        let collector = Collector { cell: cell.as_ptr(), base, capture: Capture::default() };
        Box::new(Collecting { cell: cell.clone(), begun: clock::ticks(), previous: replace(Some(collector)) })
    }

    /// Ends, and answers the request.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish(mut self, ready: bool) {
        let Some(collector) = replace(self.previous.take()) else { return };
        let now = clock::ticks();
        let capture = Capture {
            ready,
            at_ns: clock::time_ns(now),
            took_ns: clock::duration_ns(now.saturating_sub(self.begun)),
            ..collector.capture
        };
        answer(&self.cell, Trace::Polled(capture));
        // What `drop` would do is done.
        self.begun = 0;
    }
}

impl Drop for Collecting {
    /// Not finished: the poll panicked. That the task has ended is said where that is recorded.
    fn drop(&mut self) {
        if self.begun != 0 {
            replace(self.previous.take());
        }
    }
}

/// At the end of a thread there is no collector any more; then nothing is noted.
fn replace(collector: Option<Collector>) -> Option<Collector> {
    COLLECTOR.try_with(|current| current.replace(collector)).ok().flatten()
}

fn with_collector(cell: *const TaskCell, f: impl FnOnce(&mut Collector)) {
    // An error would be one of the thread's end: what is lost then is a stack.
    let _ = COLLECTOR.try_with(|current| {
        let Ok(mut current) = current.try_borrow_mut() else { return };
        if let Some(collector) = current.as_mut().filter(|collector| std::ptr::eq(collector.cell, cell)) {
            f(collector);
        }
    });
}

/// Notes the stack of a waker's clone, if its task is being traced on this thread.
#[cold]
#[inline(never)]
pub(crate) fn record(cell: *const TaskCell) {
    with_collector(cell, |collector| {
        let (mut stack, mut cut) = addresses();
        let common = stack.iter().rev().zip(collector.base.iter().rev()).take_while(|(a, b)| a == b).count();
        stack.truncate(stack.len() - common);
        // Without a common end, what is missing is that of this stack.
        cut &= common == 0;
        let stacks = &mut collector.capture.stacks;
        if let Some(same) = stacks.iter_mut().find(|other| other.addresses == stack) {
            same.clones += 1;
        } else if stacks.len() < MAX_STACKS {
            stacks.push(Stack { addresses: stack, cut, clones: 1 });
        } else {
            collector.capture.more += 1;
        }
    });
}

/// Notes that the task is polled with a waker of which no clones are seen.
#[cold]
pub(crate) fn not_followed(cell: *const TaskCell) {
    with_collector(cell, |collector| collector.capture.other_waker = true);
}

/// The return addresses of this thread's stack, the innermost first, and whether there were more.
fn addresses() -> (Vec<usize>, bool) {
    let mut addresses = Vec::with_capacity(128);
    let mut cut = false;
    let visit = |frame: &backtrace::Frame| {
        cut = addresses.len() == MAX_FRAMES;
        if !cut {
            addresses.push(frame.ip() as usize);
        }
        !cut
    };
    // Without the crate's lock: under it another thread may be resolving symbols for a second.
    #[cfg(unix)]
    // SAFETY: the lock serialises calls of dbghelp, which exists on Windows only; elsewhere this walks the thread's own
    // stack by the platform's unwinder, which may run on any number of threads at once.
    unsafe {
        backtrace::trace_unsynchronized(visit)
    };
    #[cfg(not(unix))]
    backtrace::trace(visit);
    (addresses, cut)
}
