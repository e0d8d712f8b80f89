use super::common::{crossing, measure, receiver, see, weak_sender};
use super::error::{SendError, TryRecvError, TrySendError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
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
use std::future::{Future, poll_fn};
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// See [`tokio::sync::mpsc::channel`](real::sync::mpsc::channel()).
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel(buffer);
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), Some(buffer));
    channel.set_length(0);
    let receiver = Receiver {
        end: End::new(channel.clone(), Handle::Receiver, &EXECUTOR),
        inner: receiver,
        #[cfg(insight_before = "1.38.0")]
        sender: sender.downgrade(),
    };
    (Sender { end: End::new(channel, Handle::Sender, &EXECUTOR), inner: sender }, receiver)
}

/// See [`tokio::sync::mpsc::Sender`](real::sync::mpsc::Sender).
pub struct Sender<T> {
    pub(super) end: End,
    pub(super) inner: tokio::Sender<T>,
}

/// See [`tokio::sync::mpsc::Receiver`](real::sync::mpsc::Receiver).
pub struct Receiver<T> {
    end: End,
    inner: tokio::Receiver<T>,
    /// Only a sender has methods for the length of the queue.
    #[cfg(insight_before = "1.38.0")]
    sender: tokio::WeakSender<T>,
}

/// See [`tokio::sync::mpsc::WeakSender`](real::sync::mpsc::WeakSender).
pub struct WeakSender<T> {
    end: End,
    inner: tokio::WeakSender<T>,
}

impl<T> Sender<T> {
    /// Records the length of the queue.
    #[inline]
    pub(super) fn measure(&self) {
        if on() {
            self.end.channel().set_length(self.inner.max_capacity() - self.inner.capacity());
        }
    }

    /// Polls a sending operation until it is ready.
    async fn wait<F: Future>(&self, op: Op, need: usize, at: &'static Location<'static>, operation: F) -> F::Output {
        self.end.used(at);
        let mut operation = pin!(waiting(self.end.channel(), site(op, need, at), operation));
        poll_fn(|cx| self.poll(operation.as_mut(), cx)).await
    }

    #[inline]
    fn poll<F: Future>(&self, operation: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let result = operation.poll(cx);
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::Sender::send`](real::sync::mpsc::Sender::send).
    #[track_caller]
    pub fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> + use<'_, T> {
        let at = Location::caller();
        async move {
            if !on() {
                return self.inner.send(value).await;
            }
            // Like `wait`, but the future is not moved after it is made.
            self.end.used(at);
            let mut operation = pin!(waiting(self.end.channel(), site(Op::Send, 1, at), self.inner.send(value)));
            poll_fn(|cx| self.poll(operation.as_mut(), cx)).await
        }
    }

    /// See [`tokio::sync::mpsc::Sender::closed`](real::sync::mpsc::Sender::closed).
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Closed, 1, at), self.inner.closed()).await;
        }
    }

    /// See [`tokio::sync::mpsc::Sender::try_send`](real::sync::mpsc::Sender::try_send).
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let at = Location::caller();
        self.end.used(at);
        let call = calling(self.end.channel(), Call::Send, 1, at);
        let result = self.inner.try_send(message);
        call.ends(|| outcome(&result));
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::Sender::send_timeout`](real::sync::mpsc::Sender::send_timeout).
    #[cfg(feature = "time")]
    #[track_caller]
    pub fn send_timeout(
        &self,
        value: T,
        timeout: std::time::Duration,
    ) -> impl Future<Output = Result<(), super::error::SendTimeoutError<T>>> + use<'_, T> {
        use super::error::SendTimeoutError;
        let at = Location::caller();
        async move {
            let reserve = self.wait(Op::Send, 1, at, self.inner.reserve());
            match crate::time::timeout_called_at(at, timeout, reserve).await {
                Err(_) => Err(SendTimeoutError::Timeout(value)),
                Ok(Err(_)) => Err(SendTimeoutError::Closed(value)),
                Ok(Ok(permit)) => {
                    permit.send(value);
                    Ok(())
                }
            }
        }
    }

    /// See [`tokio::sync::mpsc::Sender::blocking_send`](real::sync::mpsc::Sender::blocking_send).
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        let at = Location::caller();
        self.end.used(at);
        let blocking = Blocking::new(self.end.channel(), &site(Op::Send, 1, at));
        let result = self.inner.blocking_send(value);
        drop(blocking);
        self.measure();
        result
    }

    /// See [`tokio::sync::mpsc::Sender::is_closed`](real::sync::mpsc::Sender::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::mpsc::Sender::reserve`](real::sync::mpsc::Sender::reserve).
    #[track_caller]
    pub fn reserve(&self) -> impl Future<Output = Result<Permit<'_, T>, SendError<()>>> {
        let at = Location::caller();
        async move {
            let inner = self.wait(Op::Reserve, 1, at, self.inner.reserve()).await?;
            Ok(Permit::new(self, inner, at))
        }
    }

    /// See [`tokio::sync::mpsc::Sender::reserve_many`](real::sync::mpsc::Sender::reserve_many).
    #[track_caller]
    pub fn reserve_many(&self, n: usize) -> impl Future<Output = Result<PermitIterator<'_, T>, SendError<()>>> {
        let at = Location::caller();
        async move {
            let inner = self.wait(Op::Reserve, n, at, self.inner.reserve_many(n)).await?;
            Ok(PermitIterator::new(self, inner, at))
        }
    }

    /// See [`tokio::sync::mpsc::Sender::reserve_owned`](real::sync::mpsc::Sender::reserve_owned).
    #[track_caller]
    pub fn reserve_owned(self) -> impl Future<Output = Result<OwnedPermit<T>, SendError<()>>> {
        let at = Location::caller();
        async move {
            let Sender { end, inner } = self;
            end.used(at);
            let inner = waiting(end.channel(), site(Op::Reserve, 1, at), inner.reserve_owned()).await?;
            Ok(OwnedPermit::new(end, inner, at))
        }
    }

    /// See [`tokio::sync::mpsc::Sender::try_reserve`](real::sync::mpsc::Sender::try_reserve).
    #[track_caller]
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        let at = Location::caller();
        self.end.used(at);
        let call = calling(self.end.channel(), Call::Reserve, 1, at);
        let inner = self.inner.try_reserve();
        call.ends(|| outcome(&inner));
        self.measure();
        Ok(Permit::new(self, inner?, at))
    }

    /// See [`tokio::sync::mpsc::Sender::try_reserve_many`](real::sync::mpsc::Sender::try_reserve_many).
    #[track_caller]
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        let at = Location::caller();
        self.end.used(at);
        let call = calling(self.end.channel(), Call::Reserve, n, at);
        let inner = self.inner.try_reserve_many(n);
        call.ends(|| outcome(&inner));
        self.measure();
        Ok(PermitIterator::new(self, inner?, at))
    }

    /// See [`tokio::sync::mpsc::Sender::try_reserve_owned`](real::sync::mpsc::Sender::try_reserve_owned).
    #[track_caller]
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        let at = Location::caller();
        let Sender { end, inner } = self;
        end.used(at);
        let call = calling(end.channel(), Call::Reserve, 1, at);
        let reserved = inner.try_reserve_owned();
        call.ends(|| outcome(&reserved));
        match reserved {
            Ok(inner) => Ok(OwnedPermit::new(end, inner, at)),
            Err(TrySendError::Full(inner)) => Err(TrySendError::Full(Sender { end, inner })),
            Err(TrySendError::Closed(inner)) => Err(TrySendError::Closed(Sender { end, inner })),
        }
    }

    /// See [`tokio::sync::mpsc::Sender::same_channel`](real::sync::mpsc::Sender::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`tokio::sync::mpsc::Sender::capacity`](real::sync::mpsc::Sender::capacity).
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// See [`tokio::sync::mpsc::Sender::downgrade`](real::sync::mpsc::Sender::downgrade).
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.downgrade() }
    }

    /// See [`tokio::sync::mpsc::Sender::max_capacity`](real::sync::mpsc::Sender::max_capacity).
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }

    /// See [`tokio::sync::mpsc::Sender::strong_count`](real::sync::mpsc::Sender::strong_count).
    #[cfg(not(insight_before = "1.37.0"))]
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`tokio::sync::mpsc::Sender::weak_count`](real::sync::mpsc::Sender::weak_count).
    #[cfg(not(insight_before = "1.37.0"))]
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { end: self.end.another(Handle::Sender), inner: self.inner.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

weak_sender!(WeakSender, Sender);
crossing!(Sender, Handle::Sender, [Handle::Sender, Handle::Receiver], inner => Some(inner.max_capacity()));
#[cfg(not(insight_before = "1.38.0"))]
crossing!(Receiver, Handle::Receiver, [Handle::Sender], inner => Some(inner.max_capacity()));
named!([T] Sender<T>, self => self.end.channel());
named!([T] Receiver<T>, self => self.end.channel());

#[cfg(not(insight_before = "1.38.0"))]
impl<T> Receiver<T> {
    #[inline]
    fn measure(&self) {
        if on() {
            let in_use = self.inner.max_capacity() - self.inner.capacity();
            self.end.channel().set_length(in_use);
        }
    }

    /// See [`tokio::sync::mpsc::Receiver::capacity`](real::sync::mpsc::Receiver::capacity).
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// See [`tokio::sync::mpsc::Receiver::max_capacity`](real::sync::mpsc::Receiver::max_capacity).
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }
}

receiver!(Receiver);

impl<T> Unpin for Receiver<T> {}

#[cfg(insight_before = "1.38.0")]
impl<T> Receiver<T> {
    /// Records the length of the queue after an operation that took this number of messages.
    fn measure_after(&self, messages: Option<usize>) {
        match (self.sender.upgrade(), messages) {
            (Some(sender), _) => self.end.channel().set_length(sender.max_capacity() - sender.capacity()),
            // Without senders no message is added.
            (None, Some(messages)) => self.end.channel().take_length(messages),
            (None, None) => self.end.channel().set_length(0),
        }
    }
}
