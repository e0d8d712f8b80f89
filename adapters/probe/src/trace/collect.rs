//! The stacks of one poll.

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::clock;
use std::cell::RefCell;

/// The stacks of one poll of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// A stack for each waker that was cloned, in the order of the polls.
    pub stacks: Vec<Stack>,
    /// Stacks that were not kept, because there were too many.
    pub more: u64,
    /// The poll was the task's last.
    pub ready: bool,
    /// Its executor polled it with another waker than at first, which we do not follow, so there are no stacks.
    pub other_waker: bool,
    /// When the poll ended, in the recorder's time.
    pub at_ns: u64,
    /// How long the poll took, the stacks included.
    pub took_ns: u64,
}

/// A stack, from the clone of a waker to the poll of the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Return addresses, the innermost first. The first ones are the unwinder's and the waker's own, the last one that of
    /// the frame in which the task's future is polled.
    pub addresses: Vec<usize>,
    /// The stack was so deep that its outer end is missing.
    pub cut: bool,
    /// How many wakers were cloned from this very stack.
    pub clones: u64,
}

/// Maximum number of stacks kept of one poll: a `join_all` may have any number of leaves.
const MAX_STACKS: usize = 64;
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

    /// Ends the collection. Returns the task, and its stacks unless the thread is at its end.
    pub(super) fn finish(mut self, ready: bool) -> (CellRef, Option<Capture>) {
        let cell = self.cell.clone();
        let collector = replace(self.previous.take());
        let now = clock::ticks();
        let capture = collector.map(|collector| Capture {
            ready,
            at_ns: clock::time_ns(now),
            took_ns: clock::duration_ns(now.saturating_sub(self.begun)),
            ..collector.capture
        });
        // `drop` has nothing left to do.
        self.begun = 0;
        (cell, capture)
    }
}

impl Drop for Collecting {
    /// Without `finish`, the poll panicked. The record of the task's end answers the request.
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
    // An error means that the thread ends: only a stack is lost.
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
        // Without a common end, the end of this stack is missing.
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
