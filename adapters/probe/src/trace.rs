//! Where a parked task waits, on demand: a stack for each leaf future that it awaits.
//!
//! A request marks the task's cell and wakes the task through the executor's own waker. The poll that follows is done with a
//! waker of another vtable over the same data, whose `clone` notes the stack. Since the vtable is another one, `will_wake`
//! is false for each leaf that has a waker of before, so each leaf that still waits clones: one clone is one exact stack
//! from the leaf up to the task, whoever wrote the leaf. What the clone returns is a waker of the usual vtable, so from
//! the next poll on all is as it was.
//!
//! Nothing is resolved here: a stack is return addresses. The program's thread takes one lock, once a request.

mod collect;

pub(crate) use collect::{Collecting, not_followed, record};

use crate::cell_ref::CellRef;
use crate::clock;
use crate::task::{Kind, TaskCell};
use crate::waker::OwnWaker;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A task that can be asked where it waits; from [`Recorder::traceable`](crate::Recorder::traceable).
#[derive(Clone, Debug)]
pub struct Traceable(pub(crate) CellRef);

/// Where a task waits, or why that cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trace {
    /// It was polled.
    Polled(Capture),
    /// It was running, and ran on until the end of the timeout: it is at no await.
    Running {
        /// When this poll began, in the recorder's time.
        since_ns: u64,
    },
    /// It was woken, and its executor did not poll it.
    NotPolled {
        /// When it was woken, in the recorder's time.
        since_ns: u64,
    },
    /// It was not polled even once, so it awaits nothing yet.
    NeverPolled,
    /// It has ended.
    Ended,
    /// A library spawned it past the adapter: it has no waker of ours.
    Partial,
    /// It is a closure, which is not polled.
    Closure,
}

/// What one poll of a task showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// A stack for each waker that was cloned, in the order of the polls.
    pub stacks: Vec<Stack>,
    /// Stacks that were not kept, because there were too many.
    pub more: u64,
    /// The poll was the task's last.
    pub ready: bool,
    /// Its executor polled it with another waker than at first: that one is not followed, so there are no stacks.
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

/// A request that is not answered yet.
struct Request {
    cell: CellRef,
    mailbox: Arc<Mailbox>,
    waiting: usize,
}

#[derive(Default)]
struct Mailbox {
    answer: Mutex<Option<Trace>>,
    answered: Condvar,
}

/// The requests of all tasks: as many as there are callers of [`Traceable::trace`] at a time.
static REQUESTS: Mutex<Vec<Request>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traceable {
    /// Wakes the task, and tells where it awaits what when it was polled; waits for that for at most `timeout`. Requests
    /// for the same task at the same time share one poll.
    ///
    /// To be called by a thread that runs no tasks: it blocks.
    pub fn trace(&self, timeout: Duration) -> Trace {
        let cell = &self.0;
        if let Some(trace) = untraceable(cell) {
            return trace;
        }
        let Some(waker) = OwnWaker::share(cell) else {
            // Its wakers are gone, or were never made.
            return if cell.ended.load(Ordering::Relaxed) { Trace::Ended } else { Trace::NeverPolled };
        };
        let mailbox = open(cell);
        let woken = clock::ticks();
        waker.wake_executor();
        // Not kept while it waits: the executor may free the task meanwhile.
        drop(waker);
        let waited =
            mailbox
                .answered
                .wait_timeout_while(lock(&mailbox.answer), timeout, |answer: &mut Option<Trace>| answer.is_none());
        drop(waited);
        close(cell, &mailbox);
        let answer = lock(&mailbox.answer).clone();
        answer.unwrap_or_else(|| {
            let running_since = cell.poll_start.load(Ordering::Relaxed);
            if cell.ended.load(Ordering::Relaxed) {
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
    if cell.partial {
        Some(Trace::Partial)
    } else if cell.ended.load(Ordering::Relaxed) {
        Some(Trace::Ended)
    } else {
        (cell.kind == Kind::Blocking).then_some(Trace::Closure)
    }
}

/// Joins the request that is open for the task, or opens one.
fn open(cell: &CellRef) -> Arc<Mailbox> {
    let mut requests = lock(&REQUESTS);
    if let Some(request) = requests.iter_mut().find(|request| request.cell.is(cell)) {
        request.waiting += 1;
        return request.mailbox.clone();
    }
    let mailbox = Arc::new(Mailbox::default());
    requests.push(Request { cell: cell.clone(), mailbox: mailbox.clone(), waiting: 1 });
    cell.trace_wanted.store(true, Ordering::Relaxed);
    mailbox
}

/// Takes back one caller's part in a request that may be unanswered.
fn close(cell: &TaskCell, mailbox: &Arc<Mailbox>) {
    let mut requests = lock(&REQUESTS);
    let Some(at) = requests.iter().position(|request| Arc::ptr_eq(&request.mailbox, mailbox)) else { return };
    requests[at].waiting -= 1;
    if requests[at].waiting == 0 {
        requests.swap_remove(at);
        cell.trace_wanted.store(false, Ordering::Relaxed);
    }
}

/// Answers the request for the task, if it is still open.
fn answer(cell: &TaskCell, trace: Trace) {
    let request = {
        let mut requests = lock(&REQUESTS);
        cell.trace_wanted.store(false, Ordering::Relaxed);
        requests.iter().position(|request| std::ptr::eq(&*request.cell, cell)).map(|at| requests.swap_remove(at))
    };
    if let Some(request) = request {
        *lock(&request.mailbox.answer) = Some(trace);
        request.mailbox.answered.notify_all();
    }
}

/// The task has ended, and a trace of it was wanted.
#[cold]
pub(crate) fn ended(cell: &TaskCell) {
    answer(cell, Trace::Ended);
}
