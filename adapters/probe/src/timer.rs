//! Waiting for a timer.

use crate::executor::Executor;
use crate::wait::{Op, Site, TIMER, TIMER_WITH_WAKER, Waiting};
use std::panic::Location;
use std::task::{Context, Poll};

/// The wait for a point in time; a field of the future that sleeps.
///
/// Such a future is made for each request, and usually gone before the next sample. So it is no resource: its wait has the
/// location of the call, and the recorder makes one resource for all sampled waits of a location. The wait ends when the
/// timer fires, also if the future is kept and not polled again: we find this since the timer's waker is then gone.
#[derive(Debug)]
pub struct Sleeping {
    waiting: Waiting,
    location: &'static Location<'static>,
    /// [`TIMER`] or [`TIMER_WITH_WAKER`].
    awaited: u64,
}

impl Sleeping {
    /// For a sleep, a timeout or a tick that was called at `location`.
    #[inline]
    pub const fn new(location: &'static Location<'static>) -> Sleeping {
        Sleeping { waiting: Waiting::new(), location, awaited: TIMER }
    }

    /// Like [`new`](Sleeping::new), for a timer that has a clone of the waker itself, in addition to the clone that fires,
    /// until it is dropped or polled after it has fired: async-io's.
    #[inline]
    pub const fn with_own_waker(location: &'static Location<'static>) -> Sleeping {
        Sleeping { waiting: Waiting::new(), location, awaited: TIMER_WITH_WAKER }
    }

    /// Polls the timer by `poll`, and records whether the current task waits.
    #[inline]
    pub fn poll<T>(
        &mut self,
        executor: &'static Executor,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let site = Site { executor, op: Op::Sleep, need: 1, location: Some(self.location) };
        let Sleeping { waiting, awaited, .. } = self;
        waiting.poll_with(|| *awaited, &site, cx, poll)
    }
}
