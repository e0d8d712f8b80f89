//! The ends that receive.

use crate::{
    Drain, Ended, IntoIter, Iter, RecvError, RecvTimeoutError, TryIter, TryRecvError, asked, calling, resource, site,
};
use insight_probe::{ANY, AsResource, Blocking, Call, End, Handle, Op, ResourceCell, on, records_operations};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// See [`flume::Receiver`](real::Receiver).
pub struct Receiver<T> {
    // The first field: we count the end out before the real one is gone, since that may close the channel.
    pub(crate) end: End,
    pub(crate) inner: real::Receiver<T>,
}

asked!([T] Receiver<T>, "Receiver":
    is_disconnected -> bool,
    is_empty -> bool,
    is_full -> bool,
    len -> usize,
    capacity -> Option<usize>,
    sender_count -> usize,
    receiver_count -> usize,
);

impl<T> Receiver<T> {
    /// Records the length of the queue.
    #[inline]
    pub(crate) fn measure(&self) {
        if on() {
            self.end.channel().set_length(self.inner.len());
        }
    }

    /// Receives by `receive`, which does not wait, or only for a limited time.
    #[inline]
    fn receiving<R: Ended>(&self, at: &'static Location<'static>, receive: impl FnOnce(&real::Receiver<T>) -> R) -> R {
        self.end.used(at);
        let call = calling(&self.end, Call::Recv, at);
        let result = receive(&self.inner);
        call.ends(|| result.outcome());
        self.measure();
        result
    }

    /// See [`flume::Receiver::try_recv`](real::Receiver::try_recv).
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receiving(Location::caller(), real::Receiver::try_recv)
    }

    /// See [`flume::Receiver::recv`](real::Receiver::recv).
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        if !on() {
            return self.inner.recv();
        }
        let at = Location::caller();
        if records_operations() {
            // One operation, which blocks from its begin.
            self.end.used(at);
            let blocking = Blocking::new(self.end.channel(), &site(Op::Recv, Some(at)));
            let result = self.inner.recv();
            drop(blocking);
            self.measure();
            return result;
        }
        self.receiving(at, |inner| match inner.try_recv() {
            Ok(msg) => Ok(msg),
            Err(TryRecvError::Disconnected) => Err(RecvError::Disconnected),
            Err(TryRecvError::Empty) => {
                self.measure();
                let _blocking = Blocking::new(self.end.channel(), &site(Op::Recv, Some(at)));
                inner.recv()
            }
        })
    }

    /// See [`flume::Receiver::recv_deadline`](real::Receiver::recv_deadline).
    #[track_caller]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.receiving(Location::caller(), |inner| inner.recv_deadline(deadline))
    }

    /// See [`flume::Receiver::recv_timeout`](real::Receiver::recv_timeout).
    #[track_caller]
    pub fn recv_timeout(&self, dur: Duration) -> Result<T, RecvTimeoutError> {
        self.receiving(Location::caller(), |inner| inner.recv_timeout(dur))
    }

    /// See [`flume::Receiver::iter`](real::Receiver::iter).
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// See [`flume::Receiver::try_iter`](real::Receiver::try_iter).
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// See [`flume::Receiver::drain`](real::Receiver::drain).
    #[track_caller]
    pub fn drain(&self) -> Drain<'_, T> {
        self.end.used(Location::caller());
        let drained = self.inner.drain();
        self.measure();
        drained
    }

    /// See [`flume::Receiver::same_channel`](real::Receiver::same_channel).
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// The real end, for a crate that takes it. Its uses from then on are unobserved.
    pub fn into_inner(self) -> real::Receiver<T> {
        self.end.leave(&[]);
        self.inner
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver { end: self.end.another(Handle::Receiver), inner: self.inner.clone() }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> AsResource for Receiver<T> {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.end.channel().cell()
    }
}

impl<T> From<Receiver<T>> for real::Receiver<T> {
    fn from(receiver: Receiver<T>) -> Self {
        receiver.into_inner()
    }
}

impl<T> From<real::Receiver<T>> for Receiver<T> {
    /// The end is observed from now on. The other ends of its channel are not.
    #[track_caller]
    fn from(inner: real::Receiver<T>) -> Self {
        let channel = resource(inner.capacity(), Location::caller());
        let unseen = [Handle::Sender, Handle::Receiver];
        let receiver = Receiver { end: End::beside_unobserved(channel, Handle::Receiver, &ANY, &unseen), inner };
        receiver.measure();
        receiver
    }
}
