//! async-std's `stream`, with `interval` observed.

pub use real::stream::*;

use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// See [`async_std::stream::interval`](real::stream::interval()).
#[track_caller]
pub fn interval(dur: Duration) -> Interval {
    Interval::from(real::stream::interval(dur))
}

/// See [`async_std::stream::Interval`](real::stream::Interval).
///
/// Where its `next` is awaited is not known: it is seen to wait where it was made.
pub struct Interval {
    // First, so that the wait is over before the timer itself is.
    sleeping: Sleeping,
    inner: real::stream::Interval,
}

impl Interval {
    /// async-std's own, for what asks for one: what it is used for from then on is not seen.
    pub fn into_inner(self) -> real::stream::Interval {
        self.inner
    }
}

impl From<Interval> for real::stream::Interval {
    fn from(interval: Interval) -> real::stream::Interval {
        interval.into_inner()
    }
}

impl From<real::stream::Interval> for Interval {
    #[track_caller]
    fn from(inner: real::stream::Interval) -> Interval {
        Interval { sleeping: Sleeping::with_own_waker(Location::caller()), inner }
    }
}

impl Stream for Interval {
    type Item = ();

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let Interval { sleeping, inner } = &mut *self;
        sleeping.poll(&EXECUTOR, cx, |cx| Pin::new(inner).poll_next(cx))
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
