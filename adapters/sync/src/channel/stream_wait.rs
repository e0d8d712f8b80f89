//! The wait of a receiver that is polled as a stream.

use insight_probe::{Resource, Site, Waiting};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

/// Lies in the receiver, and not in the future of the stream's `next`, which is not the channel's own: so that nobody
/// asks for the next message any more is only seen when the receiver is used otherwise, or dropped.
#[derive(Debug, Default)]
pub(super) struct StreamWait {
    /// Locked only to give up the wait; a stream is polled by who has it alone.
    waiting: Mutex<Waiting>,
    /// So that the other operations of a receiver need not look.
    open: AtomicBool,
}

impl StreamWait {
    /// As [`Waiting::poll`].
    pub(super) fn poll<T>(
        &mut self,
        channel: &Resource,
        site: &Site,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let waiting = self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner);
        let result = waiting.poll(channel, site, cx, poll);
        *self.open.get_mut() = result.is_pending();
        result
    }

    /// The receiver is used otherwise: the stream is not being asked for a message.
    #[inline]
    pub(super) fn give_up(&self) {
        if self.open.load(Ordering::Relaxed) {
            self.open.store(false, Ordering::Relaxed);
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Waiting::new();
        }
    }
}
