//! The ends that send.

use crate::{Ended, SendError, SendTimeoutError, TrySendError, asked, calling, resource, site};
use insight_probe::{ANY, AsResource, Blocking, Call, End, Handle, Op, ResourceCell, on, records_operations};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

// The field `end` comes first in each handle: we count a handle out before the real one is gone, since that may close
// the channel.

/// See [`flume::Sender`](real::Sender).
pub struct Sender<T> {
    pub(crate) end: End,
    pub(crate) inner: real::Sender<T>,
}

/// See [`flume::WeakSender`](real::WeakSender).
pub struct WeakSender<T> {
    end: End,
    inner: real::WeakSender<T>,
}

asked!([T] Sender<T>, "Sender":
    is_disconnected -> bool,
    is_empty -> bool,
    is_full -> bool,
    len -> usize,
    capacity -> Option<usize>,
    sender_count -> usize,
    receiver_count -> usize,
);

impl<T> Sender<T> {
    /// Records the length of the queue.
    #[inline]
    pub(crate) fn measure(&self) {
        if on() {
            self.end.channel().set_length(self.inner.len());
        }
    }

    /// Sends by `send`, which does not wait, or only for a limited time.
    #[inline]
    fn sending<R: Ended>(&self, at: &'static Location<'static>, send: impl FnOnce(&real::Sender<T>) -> R) -> R {
        self.end.used(at);
        let call = calling(&self.end, Call::Send, at);
        let result = send(&self.inner);
        call.ends(|| result.outcome());
        self.measure();
        result
    }

    /// See [`flume::Sender::try_send`](real::Sender::try_send).
    #[track_caller]
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        self.sending(Location::caller(), |inner| inner.try_send(msg))
    }

    /// See [`flume::Sender::send`](real::Sender::send).
    #[track_caller]
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        if !on() {
            return self.inner.send(msg);
        }
        let at = Location::caller();
        if records_operations() {
            // One operation, which blocks from its begin.
            self.end.used(at);
            let blocking = Blocking::new(self.end.channel(), &site(Op::Send, Some(at)));
            let result = self.inner.send(msg);
            drop(blocking);
            self.measure();
            return result;
        }
        self.sending(at, |inner| match inner.try_send(msg) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(msg)) => Err(SendError(msg)),
            Err(TrySendError::Full(msg)) => {
                self.measure();
                let _blocking = Blocking::new(self.end.channel(), &site(Op::Send, Some(at)));
                inner.send(msg)
            }
        })
    }

    /// See [`flume::Sender::send_deadline`](real::Sender::send_deadline).
    #[track_caller]
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.sending(Location::caller(), |inner| inner.send_deadline(msg, deadline))
    }

    /// See [`flume::Sender::send_timeout`](real::Sender::send_timeout).
    #[track_caller]
    pub fn send_timeout(&self, msg: T, dur: Duration) -> Result<(), SendTimeoutError<T>> {
        self.sending(Location::caller(), |inner| inner.send_timeout(msg, dur))
    }

    /// See [`flume::Sender::downgrade`](real::Sender::downgrade).
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.downgrade() }
    }

    /// See [`flume::Sender::same_channel`](real::Sender::same_channel).
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// The real end, for a crate that takes it. Its uses from then on are unobserved.
    pub fn into_inner(self) -> real::Sender<T> {
        self.end.leave(&[]);
        self.inner
    }
}

impl<T> WeakSender<T> {
    /// See [`flume::WeakSender::upgrade`](real::WeakSender::upgrade).
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let inner = self.inner.upgrade()?;
        Some(Sender { end: self.end.another(Handle::Sender), inner })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { end: self.end.another(Handle::Sender), inner: self.inner.clone() }
    }
}

#[cfg(not(insight_before = "0.11.1"))]
impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[cfg(not(insight_before = "0.11.1"))]
impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> AsResource for Sender<T> {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.end.channel().cell()
    }
}

impl<T> AsResource for WeakSender<T> {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.end.channel().cell()
    }
}

impl<T> From<Sender<T>> for real::Sender<T> {
    fn from(sender: Sender<T>) -> Self {
        sender.into_inner()
    }
}

impl<T> From<real::Sender<T>> for Sender<T> {
    /// The end is observed from now on. The other ends of its channel are not.
    #[track_caller]
    fn from(inner: real::Sender<T>) -> Self {
        let channel = resource(inner.capacity(), Location::caller());
        let unseen = [Handle::Sender, Handle::Receiver];
        let sender = Sender { end: End::beside_unobserved(channel, Handle::Sender, &ANY, &unseen), inner };
        sender.measure();
        sender
    }
}
