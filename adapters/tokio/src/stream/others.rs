//! Streams of ticks, and of the ends of tasks.

use crate::executor::EXECUTOR;
use crate::task::{JoinError, JoinSet};
use crate::time::{Instant, Interval};
use insight_probe::{Sleeping, Waiting};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_stream::Stream;

/// See [`tokio_stream::wrappers::IntervalStream`].
#[derive(Debug)]
pub struct IntervalStream {
    inner: Interval,
    sleeping: Sleeping,
}

impl IntervalStream {
    /// See [`tokio_stream::wrappers::IntervalStream::new`].
    #[track_caller]
    pub fn new(interval: Interval) -> Self {
        IntervalStream { inner: interval, sleeping: Sleeping::new(Location::caller()) }
    }

    /// See [`tokio_stream::wrappers::IntervalStream::into_inner`].
    pub fn into_inner(self) -> Interval {
        self.inner
    }
}

impl Stream for IntervalStream {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        let IntervalStream { inner, sleeping } = self.get_mut();
        sleeping.poll(&EXECUTOR, cx, |cx| inner.poll_tick(cx)).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// tokio-stream's `wrappers::JoinSetStream`, with its feature `rt`.
#[derive(Debug)]
pub struct JoinSetStream<T> {
    // The first field, so that the wait ends before the set does.
    waiting: Waiting,
    inner: JoinSet<T>,
}

impl<T> JoinSetStream<T> {
    /// A stream of the ends of the set's tasks.
    pub fn new(join_set: JoinSet<T>) -> Self {
        JoinSetStream { waiting: Waiting::new(), inner: join_set }
    }

    /// The set.
    pub fn into_inner(self) -> JoinSet<T> {
        self.inner
    }
}

impl<T: 'static> Stream for JoinSetStream<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let JoinSetStream { waiting, inner } = self.get_mut();
        inner.poll_seen(waiting, cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.inner.len(), Some(self.inner.len()))
    }
}

impl<T> From<JoinSet<T>> for JoinSetStream<T> {
    fn from(join_set: JoinSet<T>) -> Self {
        JoinSetStream::new(join_set)
    }
}

macro_rules! borrows {
    ([$($generics:tt)*] $stream:ty, $of:ty) => {
        impl<$($generics)*> AsRef<$of> for $stream {
            fn as_ref(&self) -> &$of {
                &self.inner
            }
        }

        impl<$($generics)*> AsMut<$of> for $stream {
            fn as_mut(&mut self) -> &mut $of {
                &mut self.inner
            }
        }
    };
}

borrows!([] IntervalStream, Interval);
borrows!([T] JoinSetStream<T>, JoinSet<T>);
