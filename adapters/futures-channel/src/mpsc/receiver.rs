//! The ends that receive.

#[cfg(not(insight_before = "0.3.32"))]
use super::RecvError;
use super::{TryRecvError, resource, see};
use crate::{calling, site};
#[cfg(not(insight_before = "0.3.32"))]
use futures_core::FusedFuture;
use futures_core::{FusedStream, Stream};
use insight_probe::{ANY, AsResource, Call, CallOutcome, End, Handle, Op, ResourceCell, Waiting, on};
use std::fmt;
#[cfg(not(insight_before = "0.3.32"))]
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See [`futures_channel::mpsc::Receiver`](real::mpsc::Receiver).
pub struct Receiver<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: End,
    inner: real::mpsc::Receiver<T>,
}

/// See [`futures_channel::mpsc::UnboundedReceiver`](real::mpsc::UnboundedReceiver).
pub struct UnboundedReceiver<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: End,
    inner: real::mpsc::UnboundedReceiver<T>,
}

/// See [`futures_channel::mpsc::Recv`](real::mpsc::Recv).
#[cfg(not(insight_before = "0.3.32"))]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Recv<'a, St: ?Sized> {
    waiting: Waiting,
    at: &'static Location<'static>,
    stream: &'a mut St,
}

/// The receivers of this module.
#[cfg(not(insight_before = "0.3.32"))]
trait Receive: Stream {
    /// Polls for the next message; `waiting` is the wait for it.
    fn poll_recv(
        &mut self,
        waiting: &mut Waiting,
        at: &'static Location<'static>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>>;
}

#[cfg(not(insight_before = "0.3.32"))]
#[allow(private_bounds)]
impl<St: ?Sized + Receive + Unpin> Future for Recv<'_, St> {
    type Output = Result<St::Item, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Recv { waiting, at, stream } = self.get_mut();
        stream.poll_recv(waiting, at, cx).map(|message| message.ok_or(RecvError))
    }
}

#[cfg(not(insight_before = "0.3.32"))]
#[allow(private_bounds)]
impl<St: ?Sized + Receive + FusedStream + Unpin> FusedFuture for Recv<'_, St> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

#[cfg(not(insight_before = "0.3.32"))]
impl<St: ?Sized + Unpin> Unpin for Recv<'_, St> {}

#[cfg(not(insight_before = "0.3.32"))]
impl<St: ?Sized + fmt::Debug> fmt::Debug for Recv<'_, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("stream", &self.stream).finish()
    }
}

macro_rules! receiver {
    ($name:ident) => {
        impl<T> $name<T> {
            pub(super) fn new(end: End, inner: real::mpsc::$name<T>) -> Self {
                $name { waiting: Waiting::new(), end, inner }
            }

            pub(super) fn real(&self) -> &real::mpsc::$name<T> {
                &self.inner
            }

            /// Records the length of the queue.
            #[inline]
            fn measure(&self) {
                if on() {
                    self.end.channel().set_length(self.inner.size_hint().0);
                }
            }

            /// Receives by `receive`, which does not wait.
            #[inline]
            fn receiving<R>(
                &mut self,
                at: &'static Location<'static>,
                receive: impl FnOnce(&mut real::mpsc::$name<T>) -> R,
                outcome: impl FnOnce(&R) -> CallOutcome,
            ) -> R {
                self.waiting = Waiting::new();
                self.end.used(at);
                let call = calling(self.end.channel(), Call::Recv, at);
                let result = receive(&mut self.inner);
                call.ends(|| outcome(&result));
                self.measure();
                result
            }

            #[doc = see!($name, recv)]
            #[cfg(not(insight_before = "0.3.32"))]
            #[track_caller]
            pub fn recv(&mut self) -> Recv<'_, Self> {
                Recv { waiting: Waiting::new(), at: Location::caller(), stream: self }
            }

            #[doc = see!($name, try_recv)]
            #[cfg(not(insight_before = "0.3.32"))]
            #[track_caller]
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                self.receiving(
                    Location::caller(),
                    |inner| inner.try_recv(),
                    |result| match result {
                        Ok(_) => CallOutcome::Succeeded,
                        Err(TryRecvError::Empty) => CallOutcome::Unavailable,
                        Err(TryRecvError::Closed) => CallOutcome::Closed,
                    },
                )
            }

            #[doc = see!($name, try_next)]
            #[cfg_attr(not(insight_before = "0.3.32"), deprecated(note = "please use `try_recv` instead"))]
            #[allow(deprecated)]
            #[track_caller]
            pub fn try_next(&mut self) -> Result<Option<T>, TryRecvError> {
                self.receiving(
                    Location::caller(),
                    |inner| inner.try_next(),
                    |result| match result {
                        Ok(Some(_)) => CallOutcome::Succeeded,
                        Ok(None) => CallOutcome::Closed,
                        Err(_) => CallOutcome::Unavailable,
                    },
                )
            }

            #[doc = see!($name, close)]
            #[track_caller]
            pub fn close(&mut self) {
                self.waiting = Waiting::new();
                let call = calling(self.end.channel(), Call::Close, Location::caller());
                self.inner.close();
                call.succeeded();
            }

            /// The real end, for a crate that takes it. Its uses from then on are unobserved.
            pub fn into_inner(self) -> real::mpsc::$name<T> {
                let $name { waiting, end, inner } = self;
                drop(waiting);
                end.leave(&[]);
                inner
            }
        }

        #[cfg(not(insight_before = "0.3.32"))]
        impl<T> Receive for $name<T> {
            fn poll_recv(
                &mut self,
                waiting: &mut Waiting,
                at: &'static Location<'static>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<T>> {
                // The program has given up the wait of the stream.
                self.waiting = Waiting::new();
                let $name { end, inner, .. } = self;
                if !on() {
                    return Pin::new(inner).poll_next(cx);
                }
                end.used(at);
                let site = site(Op::Recv, Some(at));
                let result = waiting.poll(end.channel(), &site, cx, |cx| Pin::new(inner).poll_next(cx));
                self.measure();
                result
            }
        }

        impl<T> Stream for $name<T> {
            type Item = T;

            /// Polls for the next message. The line of its `.await` is unknown.
            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
                let $name { waiting, end, inner } = self.get_mut();
                let mut inner = Pin::new(inner);
                if !on() {
                    return inner.poll_next(cx);
                }
                end.used(Location::caller());
                let site = site(Op::Recv, None);
                let result = waiting.poll(end.channel(), &site, cx, |cx| inner.as_mut().poll_next(cx));
                end.channel().set_length(inner.size_hint().0);
                result
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.inner.size_hint()
            }
        }

        impl<T> FusedStream for $name<T> {
            fn is_terminated(&self) -> bool {
                self.inner.is_terminated()
            }
        }

        // The real ends are never pinned. The type of a message does not matter.
        impl<T> Unpin for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl<T> AsResource for $name<T> {
            fn cell(&self) -> Option<&Arc<ResourceCell>> {
                self.end.channel().cell()
            }
        }

        impl<T> From<$name<T>> for real::mpsc::$name<T> {
            fn from(receiver: $name<T>) -> Self {
                receiver.into_inner()
            }
        }

        impl<T> From<real::mpsc::$name<T>> for $name<T> {
            /// The end is observed from now on. The other ends of its channel are not.
            #[track_caller]
            fn from(inner: real::mpsc::$name<T>) -> Self {
                let channel = resource(None, Location::caller());
                let receiver =
                    $name::new(End::beside_unobserved(channel, Handle::Receiver, &ANY, &[Handle::Sender]), inner);
                receiver.measure();
                receiver
            }
        }
    };
}

receiver!(Receiver);
receiver!(UnboundedReceiver);
