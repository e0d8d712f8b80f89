use crate::border::border;
use crate::observe::EXECUTOR;
use crate::stream::Stream;
use insight_probe::Sleeping;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// See [`smol::Timer`](real::Timer).
#[derive(Debug)]
pub struct Timer {
    inner: real::Timer,
    sleeping: Sleeping,
}

impl Timer {
    #[track_caller]
    fn wrap(inner: real::Timer) -> Timer {
        Timer { inner, sleeping: Sleeping::with_own_waker(Location::caller()) }
    }

    /// See [`smol::Timer::never`](real::Timer::never).
    #[track_caller]
    pub fn never() -> Timer {
        Timer::wrap(real::Timer::never())
    }

    /// See [`smol::Timer::after`](real::Timer::after).
    #[track_caller]
    pub fn after(duration: Duration) -> Timer {
        Timer::wrap(real::Timer::after(duration))
    }

    /// See [`smol::Timer::at`](real::Timer::at).
    #[track_caller]
    pub fn at(instant: Instant) -> Timer {
        Timer::wrap(real::Timer::at(instant))
    }

    /// See [`smol::Timer::interval`](real::Timer::interval).
    #[track_caller]
    pub fn interval(period: Duration) -> Timer {
        Timer::wrap(real::Timer::interval(period))
    }

    /// See [`smol::Timer::interval_at`](real::Timer::interval_at).
    #[track_caller]
    pub fn interval_at(start: Instant, period: Duration) -> Timer {
        Timer::wrap(real::Timer::interval_at(start, period))
    }

    /// See [`smol::Timer::will_fire`](real::Timer::will_fire).
    pub fn will_fire(&self) -> bool {
        self.inner.will_fire()
    }

    /// See [`smol::Timer::set_after`](real::Timer::set_after).
    #[track_caller]
    pub fn set_after(&mut self, duration: Duration) {
        self.inner.set_after(duration);
        self.set(Location::caller());
    }

    /// See [`smol::Timer::set_at`](real::Timer::set_at).
    #[track_caller]
    pub fn set_at(&mut self, instant: Instant) {
        self.inner.set_at(instant);
        self.set(Location::caller());
    }

    /// See [`smol::Timer::set_interval`](real::Timer::set_interval).
    #[track_caller]
    pub fn set_interval(&mut self, period: Duration) {
        self.inner.set_interval(period);
        self.set(Location::caller());
    }

    /// See [`smol::Timer::set_interval_at`](real::Timer::set_interval_at).
    #[track_caller]
    pub fn set_interval_at(&mut self, start: Instant, period: Duration) {
        self.inner.set_interval_at(start, period);
        self.set(Location::caller());
    }

    /// See [`smol::Timer::clear`](real::Timer::clear).
    #[track_caller]
    pub fn clear(&mut self) {
        #[cfg(not(insight_whole_graph))]
        self.inner.clear();
        // async-io before 2.6 has no `clear`, and the program's version may be older.
        #[cfg(insight_whole_graph)]
        {
            self.inner = real::Timer::never();
        }
        self.set(Location::caller());
    }

    /// Ends the wait. The next one has the location of this call.
    fn set(&mut self, location: &'static Location<'static>) {
        self.sleeping = Sleeping::with_own_waker(location);
    }

    fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut real::Timer>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Timer { inner, sleeping } = self;
        match inner.will_fire() {
            true => sleeping.poll(&EXECUTOR, cx, |cx| poll(Pin::new(inner), cx)),
            // A timer that will not fire keeps no waker, and its wait is not one for time.
            false => poll(Pin::new(inner), cx),
        }
    }
}

border!(out [] Timer => real::Timer, self => self.inner);
border!(in [] real::Timer => Timer, inner => Timer::wrap(inner));

impl Future for Timer {
    type Output = Instant;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        self.get_mut().poll_with(cx, Future::poll)
    }
}

impl Stream for Timer {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.get_mut().poll_with(cx, Stream::poll_next)
    }
}
