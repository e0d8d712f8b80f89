//! tokio's `sync::broadcast`, observed: see [`tokio::sync::broadcast`](real::sync::broadcast).
//!
//! The number of messages is not recorded. A sender would have to ask for it under the channel's lock at each message,
//! and no task ever waits for room.

pub use real::sync::broadcast::error;

#[cfg(not(insight_before = "1.44.0"))]
mod weak;

#[cfg(not(insight_before = "1.44.0"))]
pub use weak::WeakSender;

use self::error::{RecvError, SendError, TryRecvError};
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{Blocking, Call, End, Handle, Op, Resource, Type, waiting};
use real::sync::broadcast as tokio;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// See [`tokio::sync::broadcast::channel`](real::sync::broadcast::channel).
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel(capacity);
    let channel = resource(capacity, Location::caller());
    let sender = Sender { end: End::new(channel.clone(), Handle::Sender, &EXECUTOR), inner: sender };
    (sender, Receiver { end: End::new(channel, Handle::Receiver, &EXECUTOR), inner: receiver })
}

/// tokio rounds the requested capacity up to a power of two.
fn resource(capacity: usize, at: &'static Location<'static>) -> Resource {
    Resource::new(Type::Broadcast, at, Some(capacity.next_power_of_two()))
}

/// See [`tokio::sync::broadcast::Sender`](real::sync::broadcast::Sender).
pub struct Sender<T> {
    end: End,
    inner: tokio::Sender<T>,
}

/// See [`tokio::sync::broadcast::Receiver`](real::sync::broadcast::Receiver).
pub struct Receiver<T> {
    end: End,
    inner: tokio::Receiver<T>,
}

impl<T> Sender<T> {
    /// See [`tokio::sync::broadcast::Sender::new`](real::sync::broadcast::Sender::new).
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        let inner = tokio::Sender::new(capacity);
        Sender { end: End::new(resource(capacity, Location::caller()), Handle::Sender, &EXECUTOR), inner }
    }

    /// See [`tokio::sync::broadcast::Sender::send`](real::sync::broadcast::Sender::send).
    #[track_caller]
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let at = Location::caller();
        self.end.used(at);
        let call = calling(self.end.channel(), Call::Send, 1, at);
        let result = self.inner.send(value);
        call.ends(|| outcome(&result));
        result
    }

    /// See [`tokio::sync::broadcast::Sender::subscribe`](real::sync::broadcast::Sender::subscribe).
    #[track_caller]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { inner: self.inner.subscribe(), end: self.end.another(Handle::Receiver) }
    }

    /// See [`tokio::sync::broadcast::Sender::len`](real::sync::broadcast::Sender::len).
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`tokio::sync::broadcast::Sender::is_empty`](real::sync::broadcast::Sender::is_empty).
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`tokio::sync::broadcast::Sender::receiver_count`](real::sync::broadcast::Sender::receiver_count).
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// See [`tokio::sync::broadcast::Sender::same_channel`](real::sync::broadcast::Sender::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { end: self.end.another(Handle::Sender), inner: self.inner.clone() }
    }
}

impl<T> Receiver<T> {
    /// See [`tokio::sync::broadcast::Receiver::len`](real::sync::broadcast::Receiver::len).
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`tokio::sync::broadcast::Receiver::is_empty`](real::sync::broadcast::Receiver::is_empty).
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`tokio::sync::broadcast::Receiver::same_channel`](real::sync::broadcast::Receiver::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T: Clone> Receiver<T> {
    /// See [`tokio::sync::broadcast::Receiver::resubscribe`](real::sync::broadcast::Receiver::resubscribe).
    #[track_caller]
    pub fn resubscribe(&self) -> Self {
        Receiver { inner: self.inner.resubscribe(), end: self.end.another(Handle::Receiver) }
    }

    /// See [`tokio::sync::broadcast::Receiver::recv`](real::sync::broadcast::Receiver::recv).
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Result<T, RecvError>> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Recv, 1, at), self.inner.recv()).await
        }
    }

    /// See [`tokio::sync::broadcast::Receiver::try_recv`](real::sync::broadcast::Receiver::try_recv).
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let at = Location::caller();
        self.end.used(at);
        let call = calling(self.end.channel(), Call::Recv, 1, at);
        let result = self.inner.try_recv();
        call.ends(|| outcome(&result));
        result
    }

    /// See [`tokio::sync::broadcast::Receiver::blocking_recv`](real::sync::broadcast::Receiver::blocking_recv).
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        let at = Location::caller();
        self.end.used(at);
        let _blocking = Blocking::new(self.end.channel(), &site(Op::Recv, 1, at));
        self.inner.blocking_recv()
    }
}

/// A channel from tokio's own end; its other ends are unobserved.
#[track_caller]
fn taken_in(handle: Handle) -> End {
    let channel = Resource::new(Type::Broadcast, Location::caller(), None);
    End::beside_unobserved(channel, handle, &EXECUTOR, &[Handle::Sender, Handle::Receiver])
}

border!(out [T] Sender<T> => tokio::Sender<T>, self => {
    self.end.leave(&[Handle::Receiver]);
    self.inner
});
border!(in [T] tokio::Sender<T> => Sender<T>, inner => Sender { end: taken_in(Handle::Sender), inner });
border!(out [T] Receiver<T> => tokio::Receiver<T>, self => {
    self.end.leave(&[]);
    self.inner
});
border!(in [T] tokio::Receiver<T> => Receiver<T>, inner => Receiver { end: taken_in(Handle::Receiver), inner });

#[cfg(feature = "stream")]
impl<T> Receiver<T> {
    /// tokio's own end, and the recorded one, for a caller that joins both again.
    pub(crate) fn into_parts(self) -> (End, tokio::Receiver<T>) {
        (self.end, self.inner)
    }
}

named!([T] Sender<T>, self => self.end.channel());
named!([T] Receiver<T>, self => self.end.channel());

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
