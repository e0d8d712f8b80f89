//! The requests for traces, and their answers.

use super::capture::Capture;
use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The answer to a trace: the awaits of a task, or the reason why they are unknown.
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
    /// Nothing has a waker of the task.
    NoWaker,
    /// Its executor polls it with another waker than at first, or reports it, so we do not follow its wakers.
    OtherWaker,
}

/// A request that is not answered yet.
struct Request {
    cell: CellRef,
    mailbox: Arc<Mailbox>,
    waiting: usize,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    answer: Mutex<Option<Trace>>,
    answered: Condvar,
}

impl Mailbox {
    /// Waits for an answer, for at most `timeout`.
    pub(super) fn wait(&self, timeout: Duration) {
        let unanswered = |answer: &mut Option<Trace>| answer.is_none();
        drop(self.answered.wait_timeout_while(lock(&self.answer), timeout, unanswered));
    }

    /// The answer, if there is one.
    pub(super) fn answer(&self) -> Option<Trace> {
        lock(&self.answer).clone()
    }
}

/// The requests of all tasks: as many as there are callers of [`Traceable::trace`] at a time.
static REQUESTS: Mutex<Vec<Request>> = Mutex::new(Vec::new());

/// For a fork.
#[cfg(not(all(test, loom)))]
pub(crate) fn lock_all(locks: &mut crate::sync::Locks) {
    locks.push(Box::new(lock(&REQUESTS)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Joins the request that is open for the task, or opens one.
pub(super) fn open(cell: &CellRef) -> Arc<Mailbox> {
    let mut requests = lock(&REQUESTS);
    if let Some(request) = requests.iter_mut().find(|request| request.cell.is(cell)) {
        request.waiting += 1;
        return request.mailbox.clone();
    }
    let mailbox = Arc::new(Mailbox::default());
    requests.push(Request { cell: cell.clone(), mailbox: mailbox.clone(), waiting: 1 });
    cell.want_trace(true);
    mailbox
}

/// Takes back one caller's part in a request that may be unanswered.
pub(super) fn close(cell: &TaskCell, mailbox: &Arc<Mailbox>) {
    let mut requests = lock(&REQUESTS);
    let Some(at) = requests.iter().position(|request| Arc::ptr_eq(&request.mailbox, mailbox)) else { return };
    requests[at].waiting -= 1;
    if requests[at].waiting == 0 {
        requests.swap_remove(at);
        cell.leave_trace();
    }
}

/// Answers the request for the task, if it is still open.
pub(super) fn answer(cell: &TaskCell, trace: Trace) {
    let request = {
        let mut requests = lock(&REQUESTS);
        cell.want_trace(false);
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
