//! Executors that run within a task.
//!
//! A task that runs an executor polls other tasks in its own poll. Observed tasks make themselves current. But a task that a
//! library spawned past the adapter does not, and the outer task does not hold the locks of such a task. So no task
//! is current while an executor is polled, and the future that it was given to run is polled as the outer task.

use crate::current::Turned;
use crate::waker;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Calls `f`, which polls the tasks of an executor. Their actions do not count as actions of the current task.
pub fn polling_others<R>(f: impl FnOnce() -> R) -> R {
    let _turned = Turned::to_others();
    f()
}

/// The future of an executor that runs until a future of the current task is ready.
///
/// `run` gets `future` in a wrapper, and makes the executor's future from it. Only the actions of that wrapper count as
/// actions of the task that polls all of this. The executor keeps wakers for its own tasks: they are no foreign wakers of the
/// outer task, which makes progress by the waits of its own future.
pub fn running_others<F, R>(future: F, run: impl FnOnce(OwnPart<F>) -> R) -> RunningOthers<R> {
    RunningOthers(run(OwnPart(future)))
}

/// Made by [`running_others`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct RunningOthers<R>(R);

/// The current task's own part while it runs an executor; given by [`running_others`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OwnPart<F>(F);

impl<R: Future> Future for RunningOthers<R> {
    type Output = R::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R::Output> {
        // SAFETY: the only field is pinned structurally: it is never moved, and there is no `Drop` here.
        let inner = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        polling_others(|| waker::with_executors(cx.waker(), |waker| inner.poll(&mut Context::from_waker(waker))))
    }
}

impl<F: Future> Future for OwnPart<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the only field is pinned structurally: it is never moved, and there is no `Drop` here.
        let inner = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let _turned = Turned::back();
        waker::with_own(cx.waker(), |waker| inner.poll(&mut Context::from_waker(waker)))
    }
}
