//! The stage of a case: the tasks of a case wait for its steps, and no adapter observes these waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Steps that a case opens one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: u32,
    waiting: Vec<(u32, Waker)>,
}

impl Stage {
    /// The step that is opened after the case.
    pub(super) const END: u32 = u32::MAX;

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens all steps up to this one.
    pub(super) fn open(&self, step: u32) {
        let mut state = self.state();
        state.open = state.open.max(step);
        let (woken, waiting) = std::mem::take(&mut state.waiting).into_iter().partition(|(at, _)| *at <= step);
        state.waiting = waiting;
        drop(state);
        self.0.changed.notify_all();
        let woken: Vec<(u32, Waker)> = woken;
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Waits until the step is open.
    pub(super) fn reached(&self, step: u32) -> Reached {
        Reached { stage: self.clone(), step }
    }

    /// Blocks the thread until the step is open. Returns `false` if it is not open after `patience`.
    pub(super) fn block(&self, step: u32, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.state();
        while state.open < step {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The future of [`Stage::reached`].
#[derive(Debug)]
pub(super) struct Reached {
    stage: Stage,
    step: u32,
}

impl Future for Reached {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.stage.state();
        if state.open >= self.step {
            return Poll::Ready(());
        }
        // Each waiting task has one entry, however often it is polled.
        if !state.waiting.iter().any(|(step, waker)| *step == self.step && waker.will_wake(cx.waker())) {
            state.waiting.push((self.step, cx.waker().clone()));
        }
        Poll::Pending
    }
}

/// A future whose wakers stop in the middle of a wake: they open step 1 of `woken`, and block until the step `go_on` is
/// open.
#[derive(Debug)]
pub(super) struct StoppedWakes<F> {
    pub(super) future: Pin<Box<F>>,
    pub(super) woken: Stage,
    pub(super) go_on: (Stage, u32),
    pub(super) patience: Duration,
}

impl<F: Future> Future for StoppedWakes<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (woken, go_on) = (self.woken.clone(), self.go_on.clone());
        let stopped = Stopped { woken, go_on, patience: self.patience, inner: cx.waker().clone() };
        self.future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(stopped))))
    }
}

/// The waker of [`StoppedWakes`].
#[derive(Debug)]
struct Stopped {
    woken: Stage,
    go_on: (Stage, u32),
    patience: Duration,
    inner: Waker,
}

impl Wake for Stopped {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.open(1);
        let (stage, step) = &self.go_on;
        stage.block(*step, self.patience);
        self.inner.wake_by_ref();
    }
}
