use super::Instant;
use crate::border::border;
use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// See [`tokio::time::sleep`](real::time::sleep()).
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { sleeping: Sleeping::new(Location::caller()), inner: real::time::sleep(duration) }
}

/// See [`tokio::time::sleep_until`](real::time::sleep_until).
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { sleeping: Sleeping::new(Location::caller()), inner: real::time::sleep_until(deadline) }
}

insight_probe::pin_project! {
    /// See [`tokio::time::Sleep`](real::time::Sleep).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        #[pin]
        inner: real::time::Sleep,
        sleeping: Sleeping,
    }
}

impl Sleep {
    /// See [`tokio::time::Sleep::deadline`](real::time::Sleep::deadline).
    pub fn deadline(&self) -> Instant {
        self.inner.deadline()
    }

    /// See [`tokio::time::Sleep::is_elapsed`](real::time::Sleep::is_elapsed).
    pub fn is_elapsed(&self) -> bool {
        self.inner.is_elapsed()
    }

    /// See [`tokio::time::Sleep::reset`](real::time::Sleep::reset).
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().inner.reset(deadline);
    }

    /// The tokio `Sleep` inside, for code that asks for one. Polls through it are not observed.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut real::time::Sleep> {
        self.project().inner
    }
}

border!(out [] Sleep => real::time::Sleep, self => self.inner);
border!(in [] real::time::Sleep => Sleep, inner => Sleep { sleeping: Sleeping::new(Location::caller()), inner });

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.sleeping.poll(&EXECUTOR, cx, |cx| this.inner.poll(cx))
    }
}
