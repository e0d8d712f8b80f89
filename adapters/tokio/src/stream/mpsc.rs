//! Streams of the messages of a channel with one receiver.

use crate::sync::mpsc::{Receiver, UnboundedReceiver};
use insight_probe::Waiting;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_stream::Stream;

macro_rules! receiver_stream {
    ($name:ident, $receiver:ident) => {
        #[doc = concat!("See [`tokio_stream::wrappers::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $name<T> {
            // The first field, so that the wait ends before the channel does.
            waiting: Waiting,
            inner: $receiver<T>,
            at: &'static Location<'static>,
        }

        impl<T> $name<T> {
            #[doc = concat!("See [`tokio_stream::wrappers::", stringify!($name), "::new`].")]
            #[track_caller]
            pub fn new(recv: $receiver<T>) -> Self {
                $name { waiting: Waiting::new(), inner: recv, at: Location::caller() }
            }

            #[doc = concat!("See [`tokio_stream::wrappers::", stringify!($name), "::into_inner`].")]
            pub fn into_inner(self) -> $receiver<T> {
                self.inner
            }

            #[doc = concat!("See [`tokio_stream::wrappers::", stringify!($name), "::close`].")]
            pub fn close(&mut self) {
                self.inner.close();
            }
        }

        impl<T> Stream for $name<T> {
            type Item = T;

            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
                let $name { waiting, inner, at } = self.get_mut();
                inner.poll_seen(waiting, at, cx)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                let length = self.inner.len();
                // A closed channel gets no more messages, except from permits.
                (length, self.at_most(length))
            }
        }

        impl<T> AsRef<$receiver<T>> for $name<T> {
            fn as_ref(&self) -> &$receiver<T> {
                &self.inner
            }
        }

        impl<T> AsMut<$receiver<T>> for $name<T> {
            fn as_mut(&mut self) -> &mut $receiver<T> {
                &mut self.inner
            }
        }

        impl<T> From<$receiver<T>> for $name<T> {
            #[track_caller]
            fn from(recv: $receiver<T>) -> Self {
                $name::new(recv)
            }
        }
    };
}

receiver_stream!(ReceiverStream, Receiver);
receiver_stream!(UnboundedReceiverStream, UnboundedReceiver);

impl<T> ReceiverStream<T> {
    fn at_most(&self, _length: usize) -> Option<usize> {
        // A used place has a message now, or a permit may still send one.
        self.inner.is_closed().then(|| self.inner.max_capacity() - self.inner.capacity())
    }
}

impl<T> UnboundedReceiverStream<T> {
    fn at_most(&self, length: usize) -> Option<usize> {
        self.inner.is_closed().then_some(length)
    }
}
