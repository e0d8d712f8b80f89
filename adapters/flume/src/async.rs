//! Futures, streams and sinks of a channel's ends: see [`flume::async`](real::async).

use crate::{Receiver, RecvError, SendError, Sender, asked, site};
use futures_core::future::FusedFuture;
use futures_core::stream::{FusedStream, Stream};
use futures_sink::Sink;
use insight_probe::{End, Handle, Op, Waiting, on};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

/// The end that an operation borrows or owns.
enum EndOf<'a> {
    Borrowed(&'a End),
    Owned(End),
}

impl Deref for EndOf<'_> {
    type Target = End;

    fn deref(&self) -> &End {
        match self {
            EndOf::Borrowed(end) => end,
            EndOf::Owned(end) => end,
        }
    }
}

impl<'a> EndOf<'a> {
    /// The end for a clone of its operation.
    fn of_clone(&self, handle: Handle) -> EndOf<'a> {
        match self {
            EndOf::Borrowed(end) => EndOf::Borrowed(end),
            EndOf::Owned(end) => EndOf::Owned(end.another(handle)),
        }
    }
}

// In each type the wait ends before the operation does, and an owned end is counted out before the real one is gone.

/// See [`flume::async::SendFut`](real::async::SendFut).
#[must_use = "futures/streams/sinks do nothing unless you `.await` or poll them"]
pub struct SendFut<'a, T> {
    waiting: Waiting,
    end: EndOf<'a>,
    at: &'static Location<'static>,
    inner: real::r#async::SendFut<'a, T>,
}

/// See [`flume::async::SendSink`](real::async::SendSink).
pub struct SendSink<'a, T> {
    waiting: Waiting,
    end: EndOf<'a>,
    sender: SenderOf<'a, T>,
    inner: real::r#async::SendSink<'a, T>,
}

/// The sender of a sink.
enum SenderOf<'a, T> {
    Borrowed(&'a Sender<T>),
    /// A clone of the real sink's sender, once the program has asked for it.
    Owned(OnceLock<Sender<T>>),
}

/// See [`flume::async::RecvFut`](real::async::RecvFut).
#[must_use = "futures/streams/sinks do nothing unless you `.await` or poll them"]
pub struct RecvFut<'a, T> {
    waiting: Waiting,
    end: EndOf<'a>,
    at: &'static Location<'static>,
    inner: real::r#async::RecvFut<'a, T>,
}

/// See [`flume::async::RecvStream`](real::async::RecvStream).
pub struct RecvStream<'a, T> {
    waiting: Waiting,
    end: EndOf<'a>,
    inner: real::r#async::RecvStream<'a, T>,
}

impl<T> Sender<T> {
    /// See [`flume::Sender::send_async`](real::Sender::send_async).
    #[track_caller]
    pub fn send_async(&self, item: T) -> SendFut<'_, T> {
        let inner = self.inner.send_async(item);
        SendFut { waiting: Waiting::new(), end: EndOf::Borrowed(&self.end), at: Location::caller(), inner }
    }

    /// See [`flume::Sender::into_send_async`](real::Sender::into_send_async).
    #[track_caller]
    pub fn into_send_async<'a>(self, item: T) -> SendFut<'a, T> {
        let inner = self.inner.into_send_async(item);
        SendFut { waiting: Waiting::new(), end: EndOf::Owned(self.end), at: Location::caller(), inner }
    }

    /// See [`flume::Sender::sink`](real::Sender::sink).
    pub fn sink(&self) -> SendSink<'_, T> {
        SendSink {
            waiting: Waiting::new(),
            end: EndOf::Borrowed(&self.end),
            sender: SenderOf::Borrowed(self),
            inner: self.inner.sink(),
        }
    }

    /// See [`flume::Sender::into_sink`](real::Sender::into_sink).
    pub fn into_sink<'a>(self) -> SendSink<'a, T> {
        SendSink {
            waiting: Waiting::new(),
            end: EndOf::Owned(self.end),
            sender: SenderOf::Owned(OnceLock::new()),
            inner: self.inner.into_sink(),
        }
    }
}

impl<T> Receiver<T> {
    /// See [`flume::Receiver::recv_async`](real::Receiver::recv_async).
    #[track_caller]
    pub fn recv_async(&self) -> RecvFut<'_, T> {
        let inner = self.inner.recv_async();
        RecvFut { waiting: Waiting::new(), end: EndOf::Borrowed(&self.end), at: Location::caller(), inner }
    }

    /// See [`flume::Receiver::into_recv_async`](real::Receiver::into_recv_async).
    #[track_caller]
    pub fn into_recv_async<'a>(self) -> RecvFut<'a, T> {
        let inner = self.inner.into_recv_async();
        RecvFut { waiting: Waiting::new(), end: EndOf::Owned(self.end), at: Location::caller(), inner }
    }

    /// See [`flume::Receiver::stream`](real::Receiver::stream).
    pub fn stream(&self) -> RecvStream<'_, T> {
        RecvStream { waiting: Waiting::new(), end: EndOf::Borrowed(&self.end), inner: self.inner.stream() }
    }

    /// See [`flume::Receiver::into_stream`](real::Receiver::into_stream).
    pub fn into_stream<'a>(self) -> RecvStream<'a, T> {
        RecvStream { waiting: Waiting::new(), end: EndOf::Owned(self.end), inner: self.inner.into_stream() }
    }
}

/// Polls an operation on the channel of `end` by `poll`.
#[inline]
fn poll<T>(
    waiting: &mut Waiting,
    end: &End,
    op: Op,
    at: Option<&'static Location<'static>>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    if !on() {
        return poll(cx);
    }
    end.used(at.unwrap_or(Location::caller()));
    waiting.poll(end.channel(), &site(op, at), cx, poll)
}

/// Records the length of the queue.
#[inline]
fn measure(end: &End, length: impl FnOnce() -> usize) {
    if on() {
        end.channel().set_length(length());
    }
}

impl<T> Future for SendFut<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let SendFut { waiting, end, at, inner } = self.get_mut();
        let result = poll(waiting, end, Op::Send, Some(*at), cx, |cx| Pin::new(&mut *inner).poll(cx));
        measure(end, || inner.len());
        result
    }
}

impl<T> Future for RecvFut<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let RecvFut { waiting, end, at, inner } = self.get_mut();
        let result = poll(waiting, end, Op::Recv, Some(*at), cx, |cx| Pin::new(&mut *inner).poll(cx));
        measure(end, || inner.len());
        result
    }
}

impl<T> Stream for RecvStream<'_, T> {
    type Item = T;

    /// Polls for the next message. The line of its `.await` is unknown.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let RecvStream { waiting, end, inner } = self.get_mut();
        let result = poll(waiting, end, Op::Recv, None, cx, |cx| Pin::new(&mut *inner).poll_next(cx));
        measure(end, || inner.len());
        result
    }
}

impl<'a, T> SendSink<'a, T> {
    /// Polls by `send` until the message is sent.
    fn sending(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        send: impl FnOnce(Pin<&mut real::r#async::SendSink<'a, T>>, &mut Context<'_>) -> Poll<Result<(), SendError<T>>>,
    ) -> Poll<Result<(), SendError<T>>> {
        let SendSink { waiting, end, inner, .. } = self.get_mut();
        let result = poll(waiting, end, Op::Send, None, cx, |cx| send(Pin::new(&mut *inner), cx));
        measure(end, || inner.len());
        result
    }

    /// See [`flume::async::SendSink::sender`](real::async::SendSink::sender).
    pub fn sender(&self) -> &Sender<T> {
        match &self.sender {
            SenderOf::Borrowed(sender) => sender,
            SenderOf::Owned(sender) => sender.get_or_init(|| Sender {
                end: self.end.deref().another(Handle::Sender),
                inner: self.inner.sender().clone(),
            }),
        }
    }

    /// See [`flume::async::SendSink::same_channel`](real::async::SendSink::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Sink<T> for SendSink<'_, T> {
    type Error = SendError<T>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.sending(cx, Sink::poll_ready)
    }

    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), SendError<T>> {
        let SendSink { waiting, inner, .. } = self.get_mut();
        *waiting = Waiting::new();
        Pin::new(inner).start_send(item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.sending(cx, Sink::poll_flush)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.sending(cx, Sink::poll_close)
    }
}

impl<T> RecvStream<'_, T> {
    /// See [`flume::async::RecvStream::same_channel`](real::async::RecvStream::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> FusedFuture for SendFut<'_, T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<T> FusedFuture for RecvFut<'_, T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<T> FusedStream for RecvStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<'a, T> Clone for SendSink<'a, T> {
    fn clone(&self) -> SendSink<'a, T> {
        let sender = match &self.sender {
            SenderOf::Borrowed(sender) => SenderOf::Borrowed(sender),
            SenderOf::Owned(_) => SenderOf::Owned(OnceLock::new()),
        };
        let end = self.end.of_clone(Handle::Sender);
        SendSink { waiting: Waiting::new(), end, sender, inner: self.inner.clone() }
    }
}

impl<'a, T> Clone for RecvStream<'a, T> {
    fn clone(&self) -> RecvStream<'a, T> {
        let end = self.end.of_clone(Handle::Receiver);
        RecvStream { waiting: Waiting::new(), end, inner: self.inner.clone() }
    }
}

// The real types are never pinned. The type of a message does not matter.
impl<T> Unpin for SendFut<'_, T> {}

macro_rules! parts {
    ($($name:ident)*) => {$(
        asked!([T] $name<'_, T>, "async":
            is_disconnected -> bool,
            is_empty -> bool,
            is_full -> bool,
            len -> usize,
            capacity -> Option<usize>,
        );

        impl<T> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish()
            }
        }
    )*};
}

parts!(SendFut SendSink RecvFut RecvStream);
