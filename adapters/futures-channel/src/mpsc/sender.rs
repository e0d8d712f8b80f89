//! The ends that send.

use super::{Receiver, SendError, TrySendError, UnboundedReceiver, resource, see};
use crate::{calling, site};
#[cfg(feature = "sink")]
use futures_sink::Sink;
use insight_probe::{ANY, AsResource, Call, CallOutcome, Calling, End, Handle, Op, ResourceCell, Waiting, on};
use std::fmt;
use std::hash::Hasher;
use std::panic::Location;
#[cfg(feature = "sink")]
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See [`futures_channel::mpsc::Sender`](real::mpsc::Sender).
pub struct Sender<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    /// `None` after it is disconnected.
    end: Option<End>,
    inner: real::mpsc::Sender<T>,
}

/// See [`futures_channel::mpsc::UnboundedSender`](real::mpsc::UnboundedSender).
pub struct UnboundedSender<T> {
    /// `None` after it is disconnected.
    end: Option<End>,
    inner: real::mpsc::UnboundedSender<T>,
}

/// Sends by `send`, which takes a message or gives it back. Records the use of this end, and one more message.
#[inline]
fn sending<T>(
    end: &Option<End>,
    at: &'static Location<'static>,
    send: impl FnOnce() -> Result<(), TrySendError<T>>,
) -> Result<(), TrySendError<T>> {
    let Some(end) = end.as_ref().filter(|_| on()) else { return send() };
    end.used(at);
    let call = calling(end.channel(), Call::Send, at);
    // We count before the receiver can take the message, so that its own count comes later.
    end.channel().add_length(1);
    let result = send();
    call.ends(|| match &result {
        Ok(()) => CallOutcome::Succeeded,
        Err(error) if error.is_full() => CallOutcome::Unavailable,
        Err(_) => CallOutcome::Closed,
    });
    if result.is_err() {
        end.channel().take_length(1);
    }
    result
}

/// Closes the channel by `close`.
#[inline]
fn closing(end: &Option<End>, at: &'static Location<'static>, close: impl FnOnce()) {
    let call = end.as_ref().map(|end| calling(end.channel(), Call::Close, at));
    close();
    call.into_iter().for_each(Calling::succeeded);
}

impl<T> Sender<T> {
    pub(super) fn new(end: End, inner: real::mpsc::Sender<T>) -> Sender<T> {
        Sender { waiting: Waiting::new(), end: Some(end), inner }
    }

    #[doc = see!(Sender, try_send)]
    #[track_caller]
    pub fn try_send(&mut self, msg: T) -> Result<(), TrySendError<T>> {
        self.waiting = Waiting::new();
        let inner = &mut self.inner;
        sending(&self.end, Location::caller(), || inner.try_send(msg))
    }

    #[doc = see!(Sender, start_send)]
    #[track_caller]
    pub fn start_send(&mut self, msg: T) -> Result<(), SendError> {
        self.try_send(msg).map_err(TrySendError::into_send_error)
    }

    #[doc = see!(Sender, poll_ready)]
    #[track_caller]
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_room(Some(Location::caller()), cx, |inner, cx| inner.poll_ready(cx))
    }

    /// Polls by `poll` for room for a message.
    #[inline]
    fn poll_room<R>(
        &mut self,
        at: Option<&'static Location<'static>>,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut real::mpsc::Sender<T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let Sender { waiting, end, inner } = self;
        let Some(end) = end.as_ref().filter(|_| on()) else { return poll(inner, cx) };
        end.used(at.unwrap_or(Location::caller()));
        let result = waiting.poll(end.channel(), &site(Op::Send, at), cx, |cx| poll(inner, cx));
        if result.is_pending() {
            end.channel().set_full();
        }
        result
    }

    #[doc = see!(Sender, close_channel)]
    #[track_caller]
    pub fn close_channel(&mut self) {
        self.waiting = Waiting::new();
        let inner = &mut self.inner;
        closing(&self.end, Location::caller(), || inner.close_channel());
    }

    #[doc = see!(Sender, disconnect)]
    pub fn disconnect(&mut self) {
        self.waiting = Waiting::new();
        self.end = None;
        self.inner.disconnect();
    }

    /// The real end, for a crate that takes it. Its uses from then on are unobserved.
    pub fn into_inner(self) -> real::mpsc::Sender<T> {
        let Sender { waiting, end, inner } = self;
        drop(waiting);
        end.into_iter().for_each(|end| end.leave(&[]));
        inner
    }
}

impl<T> UnboundedSender<T> {
    pub(super) fn new(end: End, inner: real::mpsc::UnboundedSender<T>) -> UnboundedSender<T> {
        UnboundedSender { end: Some(end), inner }
    }

    #[doc = see!(UnboundedSender, poll_ready)]
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_ready(cx)
    }

    #[doc = see!(UnboundedSender, start_send)]
    #[track_caller]
    pub fn start_send(&mut self, msg: T) -> Result<(), SendError> {
        self.unbounded_send(msg).map_err(TrySendError::into_send_error)
    }

    #[doc = see!(UnboundedSender, unbounded_send)]
    #[track_caller]
    pub fn unbounded_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        sending(&self.end, Location::caller(), || self.inner.unbounded_send(msg))
    }

    #[doc = see!(UnboundedSender, close_channel)]
    #[track_caller]
    pub fn close_channel(&self) {
        closing(&self.end, Location::caller(), || self.inner.close_channel());
    }

    #[doc = see!(UnboundedSender, disconnect)]
    pub fn disconnect(&mut self) {
        self.end = None;
        self.inner.disconnect();
    }

    #[doc = see!(UnboundedSender, len)]
    #[cfg(not(insight_before = "0.3.31"))]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    #[doc = see!(UnboundedSender, is_empty)]
    #[cfg(not(insight_before = "0.3.31"))]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The real end, for a crate that takes it. Its uses from then on are unobserved.
    pub fn into_inner(self) -> real::mpsc::UnboundedSender<T> {
        self.end.into_iter().for_each(|end| end.leave(&[]));
        self.inner
    }
}

/// The methods of both kinds of senders.
macro_rules! sender {
    ($name:ident, $receiver:ident { $($waiting:ident)? }) => {
        impl<T> $name<T> {
            #[doc = see!($name, is_closed)]
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            #[doc = see!($name, same_receiver)]
            pub fn same_receiver(&self, other: &Self) -> bool {
                self.inner.same_receiver(&other.inner)
            }

            #[doc = see!($name, is_connected_to)]
            pub fn is_connected_to(&self, receiver: &$receiver<T>) -> bool {
                self.inner.is_connected_to(receiver.real())
            }

            #[doc = see!($name, hash_receiver)]
            pub fn hash_receiver<H>(&self, hasher: &mut H)
            where
                H: Hasher,
            {
                self.inner.hash_receiver(hasher);
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                let end = self.end.as_ref().map(|end| end.another(Handle::Sender));
                $name { $($waiting: Waiting::new(),)? end, inner: self.inner.clone() }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl<T> AsResource for $name<T> {
            fn cell(&self) -> Option<&Arc<ResourceCell>> {
                self.end.as_ref()?.channel().cell()
            }
        }

        impl<T> From<$name<T>> for real::mpsc::$name<T> {
            fn from(sender: $name<T>) -> Self {
                sender.into_inner()
            }
        }

        impl<T> From<real::mpsc::$name<T>> for $name<T> {
            /// The end is observed from now on. The other ends of its channel are not.
            #[track_caller]
            fn from(inner: real::mpsc::$name<T>) -> Self {
                let channel = resource(None, Location::caller());
                let unseen = [Handle::Sender, Handle::Receiver];
                $name::new(End::beside_unobserved(channel, Handle::Sender, &ANY, &unseen), inner)
            }
        }
    };
}

sender!(Sender, Receiver { waiting });
sender!(UnboundedSender, UnboundedReceiver {});

#[cfg(feature = "sink")]
impl<T> Sink<T> for Sender<T> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().poll_room(None, cx, |inner, cx| inner.poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, msg: T) -> Result<(), SendError> {
        self.get_mut().start_send(msg)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().poll_room(None, cx, |inner, cx| Pin::new(inner).poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().disconnect();
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "sink")]
impl<T> Sink<T> for UnboundedSender<T> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        UnboundedSender::poll_ready(&self, cx)
    }

    fn start_send(self: Pin<&mut Self>, msg: T) -> Result<(), SendError> {
        self.get_mut().start_send(msg)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().disconnect();
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "sink")]
impl<T> Sink<T> for &UnboundedSender<T> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        UnboundedSender::poll_ready(*self, cx)
    }

    fn start_send(self: Pin<&mut Self>, msg: T) -> Result<(), SendError> {
        self.unbounded_send(msg).map_err(TrySendError::into_send_error)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.close_channel();
        Poll::Ready(Ok(()))
    }
}
