//! The stacks of one poll.

use super::capture::{Capture, Stack};
use super::requests::{Trace, answer};
use super::uncounted::Uncounted;
use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::clock;
use insight_protocol::EdgeId;
use std::cell::RefCell;

/// Maximum number of stacks kept of one poll: a `join_all` may have any number of leaves.
const MAX_STACKS: usize = 64;
/// Maximum number of spans kept of one poll.
const MAX_SPANS: usize = 4;
/// Maximum number of frames kept of one stack.
const MAX_FRAMES: usize = 1024;

thread_local! {
    static COLLECTOR: RefCell<Option<Collector>> = const { RefCell::new(None) };
}

struct Collector {
    /// Whose wakers; only compared.
    cell: *const TaskCell,
    /// The stack of `Collecting::begin`: its frames outside the task's poll are also the outer end of each stack.
    base: Vec<usize>,
    capture: Capture,
    /// The waits whose operations were polled.
    polled: Vec<u64>,
    /// The wait on a timer that is being polled.
    timer: Option<u64>,
}

/// A poll whose wakers' clones are noted, on this thread.
pub(crate) struct Collecting {
    cell: CellRef,
    /// 0 after the end.
    begun: u64,
    /// Only the trace asked for the poll.
    unasked: bool,
    /// That of a poll within which this one is.
    previous: Option<Collector>,
}

impl Collecting {
    /// Begins, where `cell`'s trace is wanted. To be called by the function that polls the future, and not by one further
    /// in: its frame is where the stacks end.
    #[cold]
    #[inline(never)]
    pub(super) fn begin(cell: &CellRef, unasked: bool) -> Collecting {
        let (base, _) = addresses();
        let (cell_ptr, capture) = (cell.as_ptr(), Capture::default());
        let collector = Collector { cell: cell_ptr, base, capture, polled: Vec::new(), timer: None };
        Collecting { cell: cell.clone(), begun: clock::ticks(), unasked, previous: replace(Some(collector)) }
    }

    /// Ends the stacks at the function that calls [`TracedPoll::ends_here`](super::TracedPoll::ends_here).
    pub(super) fn ends_here(&self) {
        with_collector(self.cell.as_ptr(), |collector| collector.base = addresses().0);
    }

    /// Ends the collection, after the poll was counted. Returns the task, and its stacks unless the thread is at its end.
    /// `uncounted` is the poll, if only the trace asked for it.
    pub(super) fn finish(mut self, ready: bool, uncounted: Option<&Uncounted>) -> (CellRef, Option<Capture>) {
        let cell = self.cell.clone();
        let capture = self.take().map(|collector| Capture {
            ready,
            released: uncounted.is_some_and(|poll| ready || poll.made_progress(collector.polled)),
            ..self.with_times(collector.capture)
        });
        // `drop` has nothing left to do.
        self.begun = 0;
        (cell, capture)
    }

    fn take(&mut self) -> Option<Collector> {
        replace(self.previous.take())
    }

    fn with_times(&self, capture: Capture) -> Capture {
        let (times, now) = (self.cell.times(), clock::ticks());
        let took_ns = clock::duration_ns(now.saturating_sub(self.begun));
        Capture { polls: times.polls(), wakes: times.wakes(), at_ns: clock::time_ns(now), took_ns, ..capture }
    }
}

impl Drop for Collecting {
    /// Without `finish`, the poll panicked: that answers the request.
    fn drop(&mut self) {
        if self.begun != 0 {
            drop(self.take());
            let capture = Capture { panicked: true, released: self.unasked, ..Capture::default() };
            answer(&self.cell, Trace::Polled(self.with_times(capture)));
        }
    }
}

/// At the end of a thread there is no collector any more; then nothing is noted.
fn replace(collector: Option<Collector>) -> Option<Collector> {
    COLLECTOR.try_with(|current| current.replace(collector)).ok().flatten()
}

fn with_collector(cell: *const TaskCell, f: impl FnOnce(&mut Collector)) {
    // An error means that the thread ends: only a stack is lost.
    let _ = COLLECTOR.try_with(|current| {
        let Ok(mut current) = current.try_borrow_mut() else { return };
        if let Some(collector) = current.as_mut().filter(|collector| std::ptr::eq(collector.cell, cell)) {
            f(collector);
        }
    });
}

/// Whether this thread polls a task whose awaits are captured.
#[inline]
pub fn is_captured() -> bool {
    COLLECTOR.try_with(|current| current.try_borrow().is_ok_and(|current| current.is_some())).unwrap_or(false)
}

/// Adds the name of a span that is entered in the poll of a captured task, on this thread. Otherwise it has no effect.
pub fn note_span(name: String) {
    let _ = COLLECTOR.try_with(|current| {
        let Ok(mut current) = current.try_borrow_mut() else { return };
        let Some(spans) = current.as_mut().map(|collector| &mut collector.capture.spans) else { return };
        if spans.len() < MAX_SPANS && !spans.contains(&name) {
            spans.push(name);
        }
    });
}

/// Records that an operation is polled, with the edge of its open wait if it has one.
#[cold]
pub(crate) fn operation(cell: *const TaskCell, edge: Option<u64>) {
    with_collector(cell, |collector| collector.polled.extend(edge));
}

/// Polls a timer, with the edge of its open wait if it has one: its wakers are of the foreign kind, so they do not show it.
#[cold]
pub(crate) fn timer<R>(cell: *const TaskCell, edge: Option<u64>, poll: impl FnOnce() -> R) -> R {
    operation(cell, edge);
    with_collector(cell, |collector| collector.timer = edge);
    let result = poll();
    with_collector(cell, |collector| collector.timer = None);
    result
}

/// Notes the stack of a waker's clone, if its task is being traced on this thread. `edge` is the wait to which the waker
/// belongs.
#[cold]
#[inline(never)]
pub(crate) fn record(cell: *const TaskCell, edge: Option<u64>) {
    with_collector(cell, |collector| {
        let edge = edge.or(collector.timer).map(EdgeId);
        let (mut stack, mut cut) = addresses();
        let common = stack.iter().rev().zip(collector.base.iter().rev()).take_while(|(a, b)| a == b).count();
        stack.truncate(stack.len() - common);
        // Without a common end, the end of this stack is missing.
        cut &= common == 0;
        let stacks = &mut collector.capture.stacks;
        if let Some(same) = stacks.iter_mut().find(|other| other.addresses == stack && other.edge == edge) {
            same.clones += 1;
        } else if stacks.len() < MAX_STACKS {
            stacks.push(Stack { addresses: stack, cut, clones: 1, edge });
        } else {
            collector.capture.more += 1;
        }
    });
}

/// Records that the task is polled with a waker whose clones we do not observe.
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
