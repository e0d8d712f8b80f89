use super::common::{crossing, measure, receiver, see, weak_sender};
use super::error::{SendError, TryRecvError};
use super::received::Received;
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::named::named;
use crate::sync::calling::{calling, outcome, received};
use crate::sync::site;
use insight_probe::{
    Blocking, Call, CallOutcome, Closing, End, HandOff, Handle, Op, Resource, Type, Waiting, on, waiting,
};
use real::sync::mpsc as tokio;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// See [`tokio::sync::mpsc::unbounded_channel`](real::sync::mpsc::unbounded_channel).
#[track_caller]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = tokio::unbounded_channel();
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None);
    channel.set_length(0);
    let sender = UnboundedSender { end: End::new(channel.clone(), Handle::Sender, &EXECUTOR), inner: sender };
    (sender, UnboundedReceiver { end: End::new(channel, Handle::Receiver, &EXECUTOR), inner: receiver })
}

/// See [`tokio::sync::mpsc::UnboundedSender`](real::sync::mpsc::UnboundedSender).
pub struct UnboundedSender<T> {
    end: End,
    inner: tokio::UnboundedSender<T>,
}

/// See [`tokio::sync::mpsc::UnboundedReceiver`](real::sync::mpsc::UnboundedReceiver).
pub struct UnboundedReceiver<T> {
    end: End,
    inner: tokio::UnboundedReceiver<T>,
}

/// See [`tokio::sync::mpsc::WeakUnboundedSender`](real::sync::mpsc::WeakUnboundedSender).
pub struct WeakUnboundedSender<T> {
    end: End,
    inner: tokio::WeakUnboundedSender<T>,
}

impl<T> UnboundedSender<T> {
    /// Only the receiver has a method for the length of the queue.
    fn measure(&self) {}

    /// See [`tokio::sync::mpsc::UnboundedSender::send`](real::sync::mpsc::UnboundedSender::send).
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let at = Location::caller();
        self.end.used(at);
        if !on() {
            return self.inner.send(message);
        }
        // A sender has no method for the length of the queue, so we count; the next receive corrects the count. We
        // count before the receiver can take the message, since nothing would correct a later count while the receiver
        // waits.
        let call = calling(self.end.channel(), Call::Send, 1, at);
        self.end.channel().add_length(1);
        let result = self.inner.send(message);
        call.ends(|| outcome(&result));
        if result.is_err() {
            self.end.channel().take_length(1);
        }
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::closed`](real::sync::mpsc::UnboundedSender::closed).
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Closed, 1, at), self.inner.closed()).await;
        }
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::is_closed`](real::sync::mpsc::UnboundedSender::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::same_channel`](real::sync::mpsc::UnboundedSender::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::downgrade`](real::sync::mpsc::UnboundedSender::downgrade).
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender { end: self.end.another(Handle::WeakSender), inner: self.inner.downgrade() }
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::strong_count`](real::sync::mpsc::UnboundedSender::strong_count).
    #[cfg(not(insight_before = "1.37.0"))]
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::weak_count`](real::sync::mpsc::UnboundedSender::weak_count).
    #[cfg(not(insight_before = "1.37.0"))]
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        UnboundedSender { end: self.end.another(Handle::Sender), inner: self.inner.clone() }
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

weak_sender!(WeakUnboundedSender, UnboundedSender);
crossing!(UnboundedSender, Handle::Sender, [Handle::Sender, Handle::Receiver], _inner => None);
#[cfg(not(insight_before = "1.38.0"))]
crossing!(UnboundedReceiver, Handle::Receiver, [Handle::Sender], _inner => None);
named!([T] UnboundedSender<T>, self => self.end.channel());
named!([T] UnboundedReceiver<T>, self => self.end.channel());

#[cfg(not(insight_before = "1.38.0"))]
impl<T> UnboundedReceiver<T> {
    #[inline]
    fn measure(&self) {
        if on() {
            self.end.channel().set_length(self.inner.len());
        }
    }
}

receiver!(UnboundedReceiver);

#[cfg(insight_before = "1.38.0")]
impl<T> UnboundedReceiver<T> {
    /// Records the length of the queue after an operation that took this number of messages.
    fn measure_after(&self, messages: Option<usize>) {
        match messages {
            Some(messages) => self.end.channel().take_length(messages),
            None => self.end.channel().set_length(0),
        }
    }
}
