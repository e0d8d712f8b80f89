//! The wait of a receiver that is polled as a stream.

use insight_probe::{Resource, Site, Waiting};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

/// The wait lies in the receiver, because the future of the stream's `next` is not the channel's own. So we learn that
/// a program has given up the stream only when it uses the receiver in another way, or drops it.
#[derive(Debug, Default)]
pub(super) struct StreamWait {
    /// Locked only to give up the wait. A poll has the receiver exclusively.
    waiting: Mutex<Waiting>,
    /// Whether the wait is open, so that the other operations of a receiver do not lock. Written by the thread that
    /// polls or uses the receiver, and read by the one that uses it, both relaxed: it decides nothing else.
    open: AtomicBool,
}

impl StreamWait {
    /// Like [`Waiting::poll`].
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

    /// Ends the wait: the receiver is used, but not as a stream.
    #[inline]
    pub(super) fn give_up(&self) {
        if self.open.load(Ordering::Relaxed) {
            self.open.store(false, Ordering::Relaxed);
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Waiting::new();
        }
    }
}
