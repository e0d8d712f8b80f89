use super::ends::End;
use super::error::{SendError, TryRecvError};
use crate::sync::site;
use insight_probe::{Handle, Op, Resource, Waiting, blocking, on, waiting};
use real::sync::mpsc as tokio;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See [`tokio::sync::mpsc::unbounded_channel`](real::sync::mpsc::unbounded_channel).
#[track_caller]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = tokio::unbounded_channel();
    let channel = Arc::new(Resource::channel(Location::caller(), None));
    channel.set_length(0);
    let sender = UnboundedSender { end: End::new(channel.clone(), Handle::Sender), inner: sender };
    (sender, UnboundedReceiver { end: End::new(channel, Handle::Receiver), inner: receiver })
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
    /// See [`tokio::sync::mpsc::UnboundedSender::send`](real::sync::mpsc::UnboundedSender::send).
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.end.used(Location::caller());
        let result = self.inner.send(message);
        if on() && result.is_ok() {
            // A sender cannot ask how long the queue is; the next receive sets it right.
            self.end.channel().add_length(1);
        }
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::closed`](real::sync::mpsc::UnboundedSender::closed).
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move { waiting(self.end.channel(), site(Op::Closed, 1, at), self.inner.closed()).await }
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
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`tokio::sync::mpsc::UnboundedSender::weak_count`](real::sync::mpsc::UnboundedSender::weak_count).
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

impl<T> WeakUnboundedSender<T> {
    /// See [`tokio::sync::mpsc::WeakUnboundedSender::upgrade`](real::sync::mpsc::WeakUnboundedSender::upgrade).
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        let inner = self.inner.upgrade()?;
        Some(UnboundedSender { end: self.end.another(Handle::Sender), inner })
    }

    /// See [`tokio::sync::mpsc::WeakUnboundedSender::strong_count`](real::sync::mpsc::WeakUnboundedSender::strong_count).
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`tokio::sync::mpsc::WeakUnboundedSender::weak_count`](real::sync::mpsc::WeakUnboundedSender::weak_count).
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        WeakUnboundedSender { end: self.end.another(Handle::WeakSender), inner: self.inner.clone() }
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> UnboundedReceiver<T> {
    #[inline]
    fn measure(&self) {
        if on() {
            self.end.channel().set_length(self.inner.len());
        }
    }

    /// Polls a receiving operation to its end.
    async fn wait<R>(
        &mut self,
        need: usize,
        at: &'static Location<'static>,
        mut poll: impl FnMut(&mut tokio::UnboundedReceiver<T>, &mut Context<'_>) -> Poll<R>,
    ) -> R {
        self.end.used(at);
        let site = site(Op::Recv, need, at);
        let mut waiting = Waiting::new();
        poll_fn(|cx| {
            let result = waiting.poll(self.end.channel(), &site, cx, |cx| poll(&mut self.inner, cx));
            self.measure();
            result
        })
        .await
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::recv`](real::sync::mpsc::UnboundedReceiver::recv).
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<T>> {
        let at = Location::caller();
        async move {
            if !on() {
                return self.inner.recv().await;
            }
            self.wait(1, at, |inner, cx| inner.poll_recv(cx)).await
        }
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::recv_many`](real::sync::mpsc::UnboundedReceiver::recv_many).
    #[track_caller]
    pub fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> impl Future<Output = usize> {
        let at = Location::caller();
        async move { self.wait(1, at, |inner, cx| inner.poll_recv_many(cx, buffer, limit)).await }
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::try_recv`](real::sync::mpsc::UnboundedReceiver::try_recv).
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.end.used(Location::caller());
        let result = self.inner.try_recv();
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::blocking_recv`](real::sync::mpsc::UnboundedReceiver::blocking_recv).
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        let at = Location::caller();
        self.end.used(at);
        let result = blocking(self.end.channel(), &site(Op::Recv, 1, at), || self.inner.blocking_recv());
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::blocking_recv_many`](real::sync::mpsc::UnboundedReceiver::blocking_recv_many).
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let at = Location::caller();
        self.end.used(at);
        let receive = || self.inner.blocking_recv_many(buffer, limit);
        let result = blocking(self.end.channel(), &site(Op::Recv, 1, at), receive);
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::close`](real::sync::mpsc::UnboundedReceiver::close).
    pub fn close(&mut self) {
        self.inner.close();
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::is_closed`](real::sync::mpsc::UnboundedReceiver::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::is_empty`](real::sync::mpsc::UnboundedReceiver::is_empty).
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::len`](real::sync::mpsc::UnboundedReceiver::len).
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::poll_recv`](real::sync::mpsc::UnboundedReceiver::poll_recv).
    ///
    /// A poll without a result is not seen as a wait: nothing tells when it is given up.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.end.used(Location::caller());
        let result = self.inner.poll_recv(cx);
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::poll_recv_many`](real::sync::mpsc::UnboundedReceiver::poll_recv_many).
    ///
    /// A poll without a result is not seen as a wait: nothing tells when it is given up.
    #[track_caller]
    pub fn poll_recv_many(&mut self, cx: &mut Context<'_>, buffer: &mut Vec<T>, limit: usize) -> Poll<usize> {
        self.end.used(Location::caller());
        let result = self.inner.poll_recv_many(cx, buffer, limit);
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::sender_strong_count`](real::sync::mpsc::UnboundedReceiver::sender_strong_count).
    pub fn sender_strong_count(&self) -> usize {
        self.inner.sender_strong_count()
    }

    /// See [`tokio::sync::mpsc::UnboundedReceiver::sender_weak_count`](real::sync::mpsc::UnboundedReceiver::sender_weak_count).
    pub fn sender_weak_count(&self) -> usize {
        self.inner.sender_weak_count()
    }
}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
