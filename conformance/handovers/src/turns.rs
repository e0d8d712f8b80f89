//! Turns order the steps of all programs of a process, by the outside clock alone: nothing of them is observed.

use crate::program::TURNS;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The last turn that has begun. Only [`begin`] writes it, before it wakes; Release, and Acquire for each reader.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static WAKERS: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
/// Number of steps that were made. Each body adds to it, and [`until_still`] reads it; Relaxed, since it only looks for changes.
static STEPS: AtomicU64 = AtomicU64::new(0);
/// Number of tasks and threads that were started and have made no step. Written and read as `STEPS`.
static STARTING: AtomicUsize = AtomicUsize::new(0);

/// Time without any step after which all programs count as still. A runtime needs far less to poll a task that was woken.
const STILL: Duration = Duration::from_millis(60);

/// Waits until the turn begins. A turn after the last one never begins.
///
/// insight sees a waker that something unobserved keeps, as if the task waited for a socket.
pub async fn turn(turn: usize) {
    poll_fn(|context| {
        // Under the lock, so that `begin` takes the waker if it has not yet begun the turn.
        let mut wakers = WAKERS.lock().unwrap_or_else(PoisonError::into_inner);
        if turn <= TURNS && BEGUN.load(Ordering::Acquire) >= turn {
            return Poll::Ready(());
        }
        wakers.push(context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// Returns to the poller once, and keeps no waker.
pub async fn stop() {
    let mut stopped = false;
    poll_fn(|_| if std::mem::replace(&mut stopped, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Begins a turn.
pub fn begin(turn: usize) {
    let wakers = {
        let mut wakers = WAKERS.lock().unwrap_or_else(PoisonError::into_inner);
        BEGUN.store(turn, Ordering::Release);
        std::mem::take(&mut *wakers)
    };
    wakers.into_iter().for_each(Waker::wake);
}

/// Counts a step.
pub(crate) fn count_step() {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

/// Counts a task or a thread that was started.
pub(crate) fn count_start() {
    STARTING.fetch_add(1, Ordering::Relaxed);
}

/// Counts the first step of a task or a thread, or its end before that.
pub(crate) fn count_first_step() {
    STARTING.fetch_sub(1, Ordering::Relaxed);
}

/// Returns when no body has made a step for a while.
pub fn until_still() {
    loop {
        let before = STEPS.load(Ordering::Relaxed);
        std::thread::sleep(STILL);
        if STARTING.load(Ordering::Relaxed) == 0 && STEPS.load(Ordering::Relaxed) == before {
            return;
        }
    }
}
