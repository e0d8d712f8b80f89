use super::{Instant, error::Elapsed};
use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use std::fmt;
use std::future::{Future, IntoFuture, Pending, pending};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// See [`tokio::time::timeout`](real::time::timeout()).
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    let value = future.into_future();
    Timeout { value, delay: real::time::timeout(duration, pending()), sleeping: Sleeping::new(Location::caller()) }
}

/// See [`tokio::time::timeout_at`](real::time::timeout_at).
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    let value = future.into_future();
    Timeout { value, delay: real::time::timeout_at(deadline, pending()), sleeping: Sleeping::new(Location::caller()) }
}

/// A `timeout` that was called at `location`, for operations that have one within.
#[cfg(feature = "sync")]
pub(crate) fn timeout_called_at<F: Future>(
    location: &'static Location<'static>,
    duration: Duration,
    value: F,
) -> Timeout<F> {
    Timeout { value, delay: real::time::timeout(duration, pending()), sleeping: Sleeping::new(location) }
}

/// See [`tokio::time::Timeout`](real::time::Timeout).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Timeout<T> {
    value: T,
    /// tokio's own of a future that is never ready: only it can make an [`Elapsed`]. The value is beside it and not
    /// within, so that what the value waits for and the timer are two waits.
    delay: real::time::Timeout<Pending<()>>,
    sleeping: Sleeping,
}

impl<T> Timeout<T> {
    /// See [`tokio::time::Timeout::get_ref`](real::time::Timeout::get_ref).
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// See [`tokio::time::Timeout::get_mut`](real::time::Timeout::get_mut).
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// See [`tokio::time::Timeout::into_inner`](real::time::Timeout::into_inner).
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `value` and `delay` are pinned structurally: `into_inner` takes one that is not pinned, and both are
        // dropped in place; `sleeping` is not pinned.
        let (value, delay, sleeping) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.value), Pin::new_unchecked(&mut this.delay), &mut this.sleeping)
        };
        let had_budget = has_budget();
        if let Poll::Ready(value) = value.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        // A value that uses up the task's budget at each poll must not keep the timer from being looked at.
        let unconstrained = had_budget && !has_budget();
        sleeping.poll(&EXECUTOR, cx, |cx| poll_delay(delay, unconstrained, cx)).map(Err)
    }
}

/// Polls what is never ready by itself.
fn poll_delay(
    delay: Pin<&mut real::time::Timeout<Pending<()>>>,
    _unconstrained: bool,
    cx: &mut Context<'_>,
) -> Poll<Elapsed> {
    #[cfg(feature = "rt")]
    let polled = match _unconstrained {
        true => Pin::new(&mut real::task::unconstrained(delay)).poll(cx),
        false => delay.poll(cx),
    };
    #[cfg(not(feature = "rt"))]
    let polled = delay.poll(cx);
    match polled {
        Poll::Ready(Err(elapsed)) => Poll::Ready(elapsed),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    }
}

/// Whether the task may still go on in this poll; without tokio's tasks there is no such budget.
fn has_budget() -> bool {
    #[cfg(feature = "rt")]
    return real::task::coop::has_budget_remaining();
    #[cfg(not(feature = "rt"))]
    true
}

impl<T: fmt::Debug> fmt::Debug for Timeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("value", &self.value).field("delay", &self.delay).finish()
    }
}
