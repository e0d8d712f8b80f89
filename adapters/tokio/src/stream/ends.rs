//! Streams of channels with several receivers.
//!
//! Each contains tokio-stream's own stream of tokio's own receiver.

use crate::sync::{broadcast, site, watch};
use insight_probe::{End, Op, Site, Waiting};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_stream::Stream;
use tokio_stream::wrappers::{self, errors::BroadcastStreamRecvError};

/// See [`tokio_stream::wrappers::WatchStream`].
pub struct WatchStream<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: End,
    inner: wrappers::WatchStream<T>,
    at: &'static Location<'static>,
}

impl<T: 'static + Clone + Send + Sync> WatchStream<T> {
    /// See [`tokio_stream::wrappers::WatchStream::new`].
    #[track_caller]
    pub fn new(rx: watch::Receiver<T>) -> Self {
        let (end, receiver) = rx.into_parts();
        let inner = wrappers::WatchStream::new(receiver);
        WatchStream { waiting: Waiting::new(), end, inner, at: Location::caller() }
    }

    /// See [`tokio_stream::wrappers::WatchStream::from_changes`].
    #[track_caller]
    pub fn from_changes(rx: watch::Receiver<T>) -> Self {
        let (end, receiver) = rx.into_parts();
        let inner = wrappers::WatchStream::from_changes(receiver);
        WatchStream { waiting: Waiting::new(), end, inner, at: Location::caller() }
    }
}

/// See [`tokio_stream::wrappers::BroadcastStream`].
pub struct BroadcastStream<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: End,
    inner: wrappers::BroadcastStream<T>,
    at: &'static Location<'static>,
}

impl<T: 'static + Clone + Send> BroadcastStream<T> {
    /// See [`tokio_stream::wrappers::BroadcastStream::new`].
    #[track_caller]
    pub fn new(recv: broadcast::Receiver<T>) -> Self {
        let (end, receiver) = recv.into_parts();
        let inner = wrappers::BroadcastStream::new(receiver);
        BroadcastStream { waiting: Waiting::new(), end, inner, at: Location::caller() }
    }
}

macro_rules! stream {
    ([$($bounds:tt)*] $stream:ident, $receiver:ty, $op:expr, $item:ty) => {
        impl<T: $($bounds)*> Stream for $stream<T> {
            type Item = $item;

            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<$item>> {
                let $stream { waiting, end, inner, at } = self.get_mut();
                end.used(at);
                let site = Site { location: None, ..site($op, 1, at) };
                waiting.poll(end.channel(), &site, cx, |cx| Pin::new(inner).poll_next(cx))
            }
        }

        impl<T: $($bounds)*> From<$receiver> for $stream<T> {
            #[track_caller]
            fn from(receiver: $receiver) -> Self {
                $stream::new(receiver)
            }
        }

        impl<T> fmt::Debug for $stream<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

stream!(['static + Clone + Send + Sync] WatchStream, watch::Receiver<T>, Op::Changed, T);
stream!(['static + Clone + Send] BroadcastStream, broadcast::Receiver<T>, Op::Recv, Result<T, BroadcastStreamRecvError>);
