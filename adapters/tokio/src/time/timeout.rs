use super::budget::{Budget, Delay};
use super::{Instant, error::Elapsed};
use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// See [`tokio::time::timeout`](real::time::timeout()).
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(future.into_future(), real::time::timeout(duration, pending()), Location::caller())
}

/// See [`tokio::time::timeout_at`](real::time::timeout_at).
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(future.into_future(), real::time::timeout_at(deadline, pending()), Location::caller())
}

/// A `timeout` called at `location`, for operations that contain one.
#[cfg(feature = "sync")]
pub(crate) fn timeout_called_at<F: Future>(
    location: &'static Location<'static>,
    duration: Duration,
    value: F,
) -> Timeout<F> {
    Timeout::new(value, real::time::timeout(duration, pending()), location)
}

insight_probe::pin_project! {
    /// See [`tokio::time::Timeout`](real::time::Timeout).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<T> {
        #[pin]
        value: T,
        // tokio's own timeout around a future that is never ready, since only tokio can make an `Elapsed`. `value` is not
        // inside it, so that the wait of `value` and the timer are two waits.
        #[pin]
        delay: Delay,
        budget: Budget,
        sleeping: Sleeping,
    }
}

impl<T> Timeout<T> {
    fn new(value: T, delay: Delay, location: &'static Location<'static>) -> Timeout<T> {
        Timeout { value, delay, budget: Budget::default(), sleeping: Sleeping::new(location) }
    }

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
        let this = self.project();
        let remained = this.budget.remains();
        if let Poll::Ready(value) = this.value.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        this.sleeping.poll(&EXECUTOR, cx, |cx| this.budget.poll_delay(remained, this.delay, cx)).map(Err)
    }
}

impl<T: fmt::Debug> fmt::Debug for Timeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("value", &self.value).field("delay", &self.delay).finish()
    }
}
