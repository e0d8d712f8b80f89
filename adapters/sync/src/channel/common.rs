//! The parts that both versions have. `real` is the version of this module.

use super::real;
use crate::channel::operation::operation;
use crate::channel::stream_wait::StreamWait;
use crate::executor::{EXECUTOR, calling, site};
use futures_core::stream::{FusedStream, Stream};
use insight_probe::{
    AsResource, Blocking, Call, CallOutcome, Closing, End, HandOff, Handle, Op, Resource, ResourceCell, Site, Type,
    Waiting, on,
};
use real::{RecvError, SendError, TryRecvError, TrySendError};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See [`async_channel::bounded`](real::bounded).
#[track_caller]
pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    observed(real::bounded(cap), Some(cap), Location::caller())
}

/// See [`async_channel::unbounded`](real::unbounded).
#[track_caller]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    observed(real::unbounded(), None, Location::caller())
}

fn observed<T>(
    (sender, receiver): (real::Sender<T>, real::Receiver<T>),
    capacity: Option<usize>,
    at: &'static Location<'static>,
) -> (Sender<T>, Receiver<T>) {
    let channel = Resource::new(Type::Channel(HandOff::Barging, Closing::ByAny), at, capacity);
    channel.set_length(0);
    let sender = Sender { end: End::new(channel.clone(), Handle::Sender, &EXECUTOR), inner: sender };
    (sender, Receiver::new(End::new(channel, Handle::Receiver, &EXECUTOR), receiver))
}

// The field `end` comes first in each handle: we count a handle out before the real one is gone, since that may close
// the channel.

/// See [`async_channel::Sender`](real::Sender).
pub struct Sender<T> {
    end: End,
    pub(super) inner: real::Sender<T>,
}

insight_probe::pin_project! {
    /// See [`async_channel::Receiver`](real::Receiver).
    pub struct Receiver<T> {
        stream: StreamWait,
        end: End,
        #[pin]
        pub(super) inner: real::Receiver<T>,
    }
}

/// See [`async_channel::WeakSender`](real::WeakSender).
pub struct WeakSender<T> {
    end: End,
    inner: real::WeakSender<T>,
}

/// See [`async_channel::WeakReceiver`](real::WeakReceiver).
///
/// It counts as a receiver that no task uses: any task that has it can upgrade it and receive.
pub struct WeakReceiver<T> {
    end: End,
    inner: real::WeakReceiver<T>,
}

operation!(Send, Sender, Op::Send, Result<(), SendError<T>>);
operation!(Recv, Receiver, Op::Recv, Result<T, RecvError>);

impl<T> Sender<T> {
    pub(super) fn channel(&self) -> &Resource {
        self.end.channel()
    }

    /// Records that the current task uses this sender.
    #[inline]
    pub(super) fn used(&self, at: &'static Location<'static>) {
        self.end.used(at);
    }

    /// Records the length of the queue.
    #[inline]
    pub(super) fn measure(&self) {
        if on() {
            self.channel().set_length(self.inner.len());
        }
    }

    /// See [`async_channel::Sender::try_send`](real::Sender::try_send).
    #[track_caller]
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        let at = Location::caller();
        self.used(at);
        let call = calling(self.channel(), Call::Send, 1, at);
        let result = self.inner.try_send(msg);
        call.ends(|| match &result {
            Ok(()) => CallOutcome::Succeeded,
            Err(TrySendError::Full(_)) => CallOutcome::Unavailable,
            Err(TrySendError::Closed(_)) => CallOutcome::Closed,
        });
        self.measure();
        result
    }

    /// See [`async_channel::Sender::send`](real::Sender::send).
    #[track_caller]
    pub fn send(&self, msg: T) -> Send<'_, T> {
        Send::new(self, self.inner.send(msg), Location::caller())
    }

    /// See [`async_channel::Sender::send_blocking`](real::Sender::send_blocking).
    #[cfg(not(target_family = "wasm"))]
    #[track_caller]
    pub fn send_blocking(&self, msg: T) -> Result<(), SendError<T>> {
        let at = Location::caller();
        self.used(at);
        let blocking = Blocking::new(self.channel(), &site(Op::Send, 1, at));
        let result = self.inner.send_blocking(msg);
        drop(blocking);
        self.measure();
        result
    }

    /// See [`async_channel::Sender::downgrade`](real::Sender::downgrade).
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.downgrade() }
    }

    /// See [`async_channel::Sender::close`](real::Sender::close).
    #[track_caller]
    pub fn close(&self) -> bool {
        let call = calling(self.channel(), Call::Close, 1, Location::caller());
        let closes = self.inner.close();
        call.succeeded();
        closes
    }
}

impl<T> Receiver<T> {
    fn new(end: End, inner: real::Receiver<T>) -> Receiver<T> {
        Receiver { stream: StreamWait::default(), end, inner }
    }

    pub(super) fn channel(&self) -> &Resource {
        self.end.channel()
    }

    /// Records that the current task uses this receiver, but not as a stream.
    #[inline]
    fn used(&self, at: &'static Location<'static>) {
        if on() {
            self.stream.give_up();
            self.end.used(at);
        }
    }

    /// Records the length of the queue.
    #[inline]
    fn measure(&self) {
        if on() {
            self.channel().set_length(self.inner.len());
        }
    }

    /// See [`async_channel::Receiver::try_recv`](real::Receiver::try_recv).
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let at = Location::caller();
        self.used(at);
        let call = calling(self.channel(), Call::Recv, 1, at);
        let result = self.inner.try_recv();
        call.ends(|| match &result {
            Ok(_) => CallOutcome::Succeeded,
            Err(TryRecvError::Empty) => CallOutcome::Unavailable,
            Err(TryRecvError::Closed) => CallOutcome::Closed,
        });
        self.measure();
        result
    }

    /// See [`async_channel::Receiver::recv`](real::Receiver::recv).
    #[track_caller]
    pub fn recv(&self) -> Recv<'_, T> {
        Recv::new(self, self.inner.recv(), Location::caller())
    }

    /// See [`async_channel::Receiver::recv_blocking`](real::Receiver::recv_blocking).
    #[cfg(not(target_family = "wasm"))]
    #[track_caller]
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        let at = Location::caller();
        self.used(at);
        let blocking = Blocking::new(self.channel(), &site(Op::Recv, 1, at));
        let result = self.inner.recv_blocking();
        drop(blocking);
        self.measure();
        result
    }

    /// See [`async_channel::Receiver::downgrade`](real::Receiver::downgrade).
    pub fn downgrade(&self) -> WeakReceiver<T> {
        WeakReceiver { end: self.end.another(Handle::Receiver), inner: self.inner.downgrade() }
    }

    /// See [`async_channel::Receiver::close`](real::Receiver::close).
    #[track_caller]
    pub fn close(&self) -> bool {
        self.stream.give_up();
        let call = calling(self.channel(), Call::Close, 1, Location::caller());
        let closes = self.inner.close();
        call.succeeded();
        closes
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    /// Polls for the next message. The line of its `.await` is unknown.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        if !on() {
            return this.inner.poll_next(cx);
        }
        let at = Location::caller();
        this.end.used(at);
        let channel = this.end.channel();
        let site = Site { location: None, ..site(Op::Recv, 1, at) };
        let result = this.stream.poll(channel, &site, cx, |cx| this.inner.as_mut().poll_next(cx));
        channel.set_length(this.inner.len());
        result
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<T> WeakSender<T> {
    /// See [`async_channel::WeakSender::upgrade`](real::WeakSender::upgrade).
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let inner = self.inner.upgrade()?;
        Some(Sender { end: self.end.another(Handle::Sender), inner })
    }
}

impl<T> WeakReceiver<T> {
    /// See [`async_channel::WeakReceiver::upgrade`](real::WeakReceiver::upgrade).
    pub fn upgrade(&self) -> Option<Receiver<T>> {
        let inner = self.inner.upgrade()?;
        Some(Receiver::new(self.end.another(Handle::Receiver), inner))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { end: self.end.another(Handle::Sender), inner: self.inner.clone() }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver::new(self.end.another(Handle::Receiver), self.inner.clone())
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.clone() }
    }
}

impl<T> Clone for WeakReceiver<T> {
    fn clone(&self) -> Self {
        WeakReceiver { end: self.end.another(Handle::Receiver), inner: self.inner.clone() }
    }
}

/// The methods of an end that ask about its channel.
macro_rules! asked {
    ($($end:ident)*) => {$(
        impl<T> $end<T> {
            #[doc = asked!(@see $end is_closed)]
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            #[doc = asked!(@see $end is_empty)]
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            #[doc = asked!(@see $end is_full)]
            pub fn is_full(&self) -> bool {
                self.inner.is_full()
            }

            #[doc = asked!(@see $end len)]
            pub fn len(&self) -> usize {
                self.inner.len()
            }

            #[doc = asked!(@see $end capacity)]
            pub fn capacity(&self) -> Option<usize> {
                self.inner.capacity()
            }

            #[doc = asked!(@see $end receiver_count)]
            pub fn receiver_count(&self) -> usize {
                self.inner.receiver_count()
            }

            #[doc = asked!(@see $end sender_count)]
            pub fn sender_count(&self) -> usize {
                self.inner.sender_count()
            }
        }
    )*};
    (@see $end:ident $method:ident) => {
        concat!(
            "See [`async_channel::", stringify!($end), "::", stringify!($method), "`](real::",
            stringify!($end), "::", stringify!($method), ")."
        )
    };
}

asked!(Sender Receiver);

/// The traits of each handle: the text of the real one, and the channel as the resource to name.
macro_rules! handles {
    ($($handle:ident)*) => {$(
        impl<T> fmt::Debug for $handle<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl<T> AsResource for $handle<T> {
            fn cell(&self) -> Option<&Arc<ResourceCell>> {
                self.end.channel().cell()
            }
        }
    )*};
}

handles!(Sender Receiver WeakSender WeakReceiver);

/// Conversions to the real ends and back.
macro_rules! crossing {
    ($($end:ident, $inner:ident: $with:ident => $observed:expr;)*) => {$(
        impl<T> $end<T> {
            /// The real end, for a crate that takes it. Its uses from then on are unobserved. It still counts, and any
            /// task may have it.
            pub fn into_inner(self) -> real::$end<T> {
                self.end.leave(&[]);
                self.inner
            }
        }

        impl<T> From<$end<T>> for real::$end<T> {
            fn from(end: $end<T>) -> real::$end<T> {
                end.into_inner()
            }
        }

        impl<T> From<real::$end<T>> for $end<T> {
            /// The end is observed from now on. The other ends of its channel are not.
            #[track_caller]
            fn from($inner: real::$end<T>) -> $end<T> {
                let channel = Resource::new(Type::Channel(HandOff::Barging, Closing::ByAny), Location::caller(), $inner.capacity());
                let $with = End::beside_unobserved(channel, Handle::$end, &EXECUTOR, &[Handle::Sender, Handle::Receiver]);
                let observed = $observed;
                observed.measure();
                observed
            }
        }
    )*};
}

crossing! {
    Sender, inner: end => Sender { end, inner };
    Receiver, inner: end => Receiver::new(end, inner);
}
