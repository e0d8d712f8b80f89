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
/// The line of `next().await` is unknown, so the wait has the line where the interval was made.
pub struct Interval {
    // The first field, so that the wait ends before the timer does.
    sleeping: Sleeping,
    inner: real::stream::Interval,
}

impl Interval {
    /// The async-std stream inside, for code that asks for one. We do not observe its use from then on.
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
