use super::{Instant, MissedTickBehavior};
use crate::border::border;
use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Duration;

/// See [`tokio::time::interval`](real::time::interval()).
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    Interval { inner: real::time::interval(period) }
}

/// See [`tokio::time::interval_at`](real::time::interval_at).
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval { inner: real::time::interval_at(start, period) }
}

/// See [`tokio::time::Interval`](real::time::Interval).
#[derive(Debug)]
pub struct Interval {
    inner: real::time::Interval,
}

impl Interval {
    /// See [`tokio::time::Interval::tick`](real::time::Interval::tick).
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> + use<'_> {
        let at = Location::caller();
        async move {
            let mut sleeping = Sleeping::new(at);
            poll_fn(|cx| sleeping.poll(&EXECUTOR, cx, |cx| self.inner.poll_tick(cx))).await
        }
    }

    /// See [`tokio::time::Interval::poll_tick`](real::time::Interval::poll_tick).
    ///
    /// A poll without a result does not record a wait, since we could not observe its end.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        self.inner.poll_tick(cx)
    }

    /// See [`tokio::time::Interval::reset`](real::time::Interval::reset).
    pub fn reset(&mut self) {
        self.inner.reset();
    }

    /// See [`tokio::time::Interval::reset_immediately`](real::time::Interval::reset_immediately).
    pub fn reset_immediately(&mut self) {
        self.inner.reset_immediately();
    }

    /// See [`tokio::time::Interval::reset_after`](real::time::Interval::reset_after).
    pub fn reset_after(&mut self, after: Duration) {
        self.inner.reset_after(after);
    }

    /// See [`tokio::time::Interval::reset_at`](real::time::Interval::reset_at).
    pub fn reset_at(&mut self, deadline: Instant) {
        self.inner.reset_at(deadline);
    }

    /// See [`tokio::time::Interval::missed_tick_behavior`](real::time::Interval::missed_tick_behavior).
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.inner.missed_tick_behavior()
    }

    /// See [`tokio::time::Interval::set_missed_tick_behavior`](real::time::Interval::set_missed_tick_behavior).
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.inner.set_missed_tick_behavior(behavior);
    }

    /// See [`tokio::time::Interval::period`](real::time::Interval::period).
    pub fn period(&self) -> Duration {
        self.inner.period()
    }
}

border!(out [] Interval => real::time::Interval, self => self.inner);
border!(in [] real::time::Interval => Interval, inner => Interval { inner });
