//! tokio's `sync::oneshot`, observed: see [`tokio::sync::oneshot`](real::sync::oneshot).
//!
//! A program may make one for each request, and most messages are there when they are asked for. So the ends are small:
//! a channel that is made while recording is off keeps nothing beside tokio's own, and is not seen later either: what waits
//! on it counts as waiting for something foreign. One that is made while recording is on keeps what both ends have to
//! know in one allocation, and becomes a resource when something waits on it.

pub use real::sync::oneshot::error;

use self::error::{RecvError, TryRecvError};
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::named::named;
use crate::sync::site;
use insight_probe::{Blocking, Handle, LazyResource, Op, Party, Resource, Role, Type, Waiting, on, waiting};
use real::sync::oneshot as tokio;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// See [`tokio::sync::oneshot::channel`](real::sync::oneshot::channel).
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel();
    let (mut sending, mut receiving) = (None, None);
    if on() {
        let channel = Arc::new(Channel::new(Location::caller()));
        sending = Some(SenderEnd(channel.clone()));
        receiving = Some(ReceiverEnd(channel));
    }
    let receiver = Receiver { waiting: Waiting::new(), end: receiving, inner: receiver };
    (Sender { end: sending, inner: sender }, receiver)
}

/// What the ends know of each other.
#[derive(Debug)]
struct Channel {
    resource: LazyResource,
    sender: Party,
    receiver: Party,
    sender_gone: AtomicBool,
    receiver_gone: AtomicBool,
}

impl Channel {
    fn new(at: &'static Location<'static>) -> Channel {
        Channel {
            resource: LazyResource::new(Type::Oneshot, at, Some(1)),
            sender: Party::new(),
            receiver: Party::new(),
            sender_gone: AtomicBool::new(false),
            receiver_gone: AtomicBool::new(false),
        }
    }

    /// The resource, now that something is to wait on it.
    ///
    /// An end that goes at this moment may be counted still; but then what waits for the other end is woken, and over.
    fn awaited(&self) -> Option<&Resource> {
        let resource = self.resource.seen()?;
        resource.set_length(0);
        resource.set_count(Handle::Sender, usize::from(!self.sender_gone.load(Ordering::Acquire)));
        resource.set_count(Handle::Receiver, usize::from(!self.receiver_gone.load(Ordering::Acquire)));
        Some(resource)
    }

    #[inline]
    fn gone(&self, flag: &AtomicBool, party: &Party, handle: Handle) {
        flag.store(true, Ordering::Release);
        party.gone();
        if let Some(resource) = self.resource.if_seen() {
            resource.set_count(handle, 0);
        }
    }
}

/// The sender's share of the channel.
struct SenderEnd(Arc<Channel>);

impl SenderEnd {
    /// Notes that the current task has the sender, which is what waits.
    fn used(&self, at: &'static Location<'static>) -> Option<&Resource> {
        let resource = self.0.awaited()?;
        self.0.sender.used_from(&raw const *self as usize, resource, Role::Sender, &EXECUTOR, at);
        Some(resource)
    }
}

impl Drop for SenderEnd {
    fn drop(&mut self) {
        self.0.gone(&self.0.sender_gone, &self.0.sender, Handle::Sender);
    }
}

/// The receiver's share of the channel.
struct ReceiverEnd(Arc<Channel>);

impl ReceiverEnd {
    /// Notes that the current task has the receiver, which is what waits.
    fn used(&self, at: &'static Location<'static>) -> Option<&Resource> {
        let resource = self.0.awaited()?;
        self.0.receiver.used_from(&raw const *self as usize, resource, Role::Receiver, &EXECUTOR, at);
        Some(resource)
    }
}

impl Drop for ReceiverEnd {
    fn drop(&mut self) {
        self.0.gone(&self.0.receiver_gone, &self.0.receiver, Handle::Receiver);
    }
}

/// See [`tokio::sync::oneshot::Sender`](real::sync::oneshot::Sender).
pub struct Sender<T> {
    end: Option<SenderEnd>,
    inner: tokio::Sender<T>,
}

/// See [`tokio::sync::oneshot::Receiver`](real::sync::oneshot::Receiver).
///
/// It is itself the future that waits, so the place of its `.await` is not known. A wait by reference, such as
/// `select!` on `&mut receiver`, is seen until the receiver is used again or dropped: nothing tells when it is given up.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Receiver<T> {
    // First, so that the wait is over before the channel is.
    waiting: Waiting,
    end: Option<ReceiverEnd>,
    inner: tokio::Receiver<T>,
}

impl<T> Sender<T> {
    /// See [`tokio::sync::oneshot::Sender::send`](real::sync::oneshot::Sender::send).
    pub fn send(self, t: T) -> Result<(), T> {
        if let Some(resource) = self.end.as_ref().and_then(|end| end.0.resource.if_seen()) {
            resource.set_length(1);
        }
        self.inner.send(t)
    }

    /// See [`tokio::sync::oneshot::Sender::closed`](real::sync::oneshot::Sender::closed).
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            match self.end.as_ref().and_then(|end| end.used(at)) {
                Some(resource) => waiting(resource, site(Op::Closed, 1, at), self.inner.closed()).await,
                None => self.inner.closed().await,
            }
        }
    }

    /// See [`tokio::sync::oneshot::Sender::is_closed`](real::sync::oneshot::Sender::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::oneshot::Sender::poll_closed`](real::sync::oneshot::Sender::poll_closed).
    ///
    /// A poll without a result is not seen as a wait: nothing tells when it is given up.
    #[track_caller]
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(end) = &self.end {
            end.used(Location::caller());
        }
        self.inner.poll_closed(cx)
    }
}

impl<T> Receiver<T> {
    /// See [`tokio::sync::oneshot::Receiver::close`](real::sync::oneshot::Receiver::close).
    pub fn close(&mut self) {
        self.inner.close();
    }

    /// See [`tokio::sync::oneshot::Receiver::is_terminated`](real::sync::oneshot::Receiver::is_terminated).
    pub fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }

    /// See [`tokio::sync::oneshot::Receiver::is_empty`](real::sync::oneshot::Receiver::is_empty).
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`tokio::sync::oneshot::Receiver::try_recv`](real::sync::oneshot::Receiver::try_recv).
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // Who can do this no longer waits.
        self.waiting = Waiting::new();
        self.inner.try_recv()
    }

    /// See [`tokio::sync::oneshot::Receiver::blocking_recv`](real::sync::oneshot::Receiver::blocking_recv).
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        let Receiver { waiting, end, inner } = self;
        drop(waiting);
        let at = Location::caller();
        let resource = end.as_ref().and_then(|end| end.used(at));
        let _blocking = resource.map(|resource| Blocking::new(resource, &site(Op::Recv, 1, at)));
        inner.blocking_recv()
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Receiver { waiting, end, inner } = self.get_mut();
        let inner = Pin::new(inner);
        // What is there is taken without a word of it: the channel was never waited on, and need not be recorded.
        let resource = match end {
            Some(end) if on() && inner.is_empty() => end.used(Location::caller()),
            _ => None,
        };
        match resource {
            Some(resource) => {
                let site = site(Op::RecvOnce, 1, Location::caller());
                waiting.poll(resource, &site, cx, |cx| inner.poll(cx))
            }
            None => {
                *waiting = Waiting::new();
                inner.poll(cx)
            }
        }
    }
}

/// Leaves the channel as it is: the end is tokio's own from now on, and still there.
///
/// What is dropped in its place is the end of a channel that nobody knows.
fn leave(channel: &mut Arc<Channel>, party: impl Fn(&Channel) -> &Party) {
    party(channel).gone();
    *channel = Arc::new(Channel::new(Location::caller()));
}

border!(out [T] Sender<T> => tokio::Sender<T>, self => {
    let Sender { mut end, inner } = self;
    end.iter_mut().for_each(|end| leave(&mut end.0, |channel| &channel.sender));
    inner
});
border!(in [T] tokio::Sender<T> => Sender<T>, inner => {
    let channel = on().then(|| Arc::new(Channel::new(Location::caller())));
    Sender { end: channel.map(SenderEnd), inner }
});
border!(out [T] Receiver<T> => tokio::Receiver<T>, self => {
    let Receiver { waiting, mut end, inner } = self;
    drop(waiting);
    end.iter_mut().for_each(|end| leave(&mut end.0, |channel| &channel.receiver));
    inner
});
border!(in [T] tokio::Receiver<T> => Receiver<T>, inner => {
    let channel = on().then(|| Arc::new(Channel::new(Location::caller())));
    Receiver { waiting: Waiting::new(), end: channel.map(ReceiverEnd), inner }
});

named!([] SenderEnd, self => &self.0.resource);
named!([] ReceiverEnd, self => &self.0.resource);
named!([T] Sender<T>, self => &self.end);
named!([T] Receiver<T>, self => &self.end);

impl<T> fmt::Debug for Sender<T>
where
    tokio::Sender<T>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> fmt::Debug for Receiver<T>
where
    tokio::Receiver<T>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
