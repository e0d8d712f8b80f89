//! tokio's `sync::watch`, observed: see [`tokio::sync::watch`](real::sync::watch).

pub use real::sync::watch::{Ref, error};

use self::error::{RecvError, SendError};
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{Call, Calling, End, Handle, Op, Resource, Type, waiting};
use real::sync::watch as tokio;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// See [`tokio::sync::watch::channel`](real::sync::watch::channel).
#[track_caller]
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel(init);
    let channel = Resource::new(Type::Watch, Location::caller(), None);
    let sender = Sender { end: End::new(channel.clone(), Handle::Sender, &EXECUTOR), inner: sender };
    (sender, Receiver { end: End::new(channel, Handle::Receiver, &EXECUTOR), inner: receiver })
}

/// See [`tokio::sync::watch::Sender`](real::sync::watch::Sender).
pub struct Sender<T> {
    end: End,
    inner: tokio::Sender<T>,
}

/// See [`tokio::sync::watch::Receiver`](real::sync::watch::Receiver).
pub struct Receiver<T> {
    end: End,
    inner: tokio::Receiver<T>,
}

impl<T> Sender<T> {
    /// See [`tokio::sync::watch::Sender::new`](real::sync::watch::Sender::new).
    #[track_caller]
    pub fn new(init: T) -> Self {
        let channel = Resource::new(Type::Watch, Location::caller(), None);
        Sender { end: End::new(channel, Handle::Sender, &EXECUTOR), inner: tokio::Sender::new(init) }
    }

    /// A message is about to be sent.
    #[inline]
    fn sends(&self, at: &'static Location<'static>) -> Calling {
        self.end.used(at);
        calling(self.end.channel(), Call::Send, 1, at)
    }

    /// See [`tokio::sync::watch::Sender::send`](real::sync::watch::Sender::send).
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let call = self.sends(Location::caller());
        let result = self.inner.send(value);
        call.ends(|| outcome(&result));
        result
    }

    /// See [`tokio::sync::watch::Sender::send_modify`](real::sync::watch::Sender::send_modify).
    #[track_caller]
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        let call = self.sends(Location::caller());
        self.inner.send_modify(modify);
        call.succeeded();
    }

    /// See [`tokio::sync::watch::Sender::send_if_modified`](real::sync::watch::Sender::send_if_modified).
    #[track_caller]
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        let call = self.sends(Location::caller());
        let result = self.inner.send_if_modified(modify);
        call.succeeded();
        result
    }

    /// See [`tokio::sync::watch::Sender::send_replace`](real::sync::watch::Sender::send_replace).
    #[track_caller]
    pub fn send_replace(&self, value: T) -> T {
        let call = self.sends(Location::caller());
        let result = self.inner.send_replace(value);
        call.succeeded();
        result
    }

    /// See [`tokio::sync::watch::Sender::borrow`](real::sync::watch::Sender::borrow).
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// See [`tokio::sync::watch::Sender::is_closed`](real::sync::watch::Sender::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::watch::Sender::closed`](real::sync::watch::Sender::closed).
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Closed, 1, at), self.inner.closed()).await;
        }
    }

    /// See [`tokio::sync::watch::Sender::subscribe`](real::sync::watch::Sender::subscribe).
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { end: self.end.another(Handle::Receiver), inner: self.inner.subscribe() }
    }

    /// See [`tokio::sync::watch::Sender::receiver_count`](real::sync::watch::Sender::receiver_count).
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// See [`tokio::sync::watch::Sender::sender_count`](real::sync::watch::Sender::sender_count).
    #[cfg(not(insight_before = "1.41.0"))]
    pub fn sender_count(&self) -> usize {
        self.inner.sender_count()
    }

    /// See [`tokio::sync::watch::Sender::same_channel`](real::sync::watch::Sender::same_channel).
    #[cfg(not(insight_before = "1.39.0"))]
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

#[cfg(not(insight_before = "1.37.0"))]
impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { end: self.end.another(Handle::Sender), inner: self.inner.clone() }
    }
}

impl<T: Default> Default for Sender<T> {
    #[track_caller]
    fn default() -> Self {
        Sender::new(T::default())
    }
}

/// A channel from tokio's own end; its other ends are unobserved.
#[track_caller]
fn taken_in(handle: Handle) -> End {
    let channel = Resource::new(Type::Watch, Location::caller(), None);
    End::beside_unobserved(channel, handle, &EXECUTOR, &[Handle::Sender, Handle::Receiver])
}

border!(out [T] Sender<T> => tokio::Sender<T>, self => {
    self.end.leave(&[Handle::Receiver]);
    self.inner
});
border!(in [T] tokio::Sender<T> => Sender<T>, inner => Sender { end: taken_in(Handle::Sender), inner });
border!(out [T] Receiver<T> => tokio::Receiver<T>, self => {
    self.end.leave(&[]);
    self.inner
});
border!(in [T] tokio::Receiver<T> => Receiver<T>, inner => Receiver { end: taken_in(Handle::Receiver), inner });

#[cfg(feature = "stream")]
impl<T> Receiver<T> {
    /// tokio's own end, and the recorded one, for a caller that joins both again.
    pub(crate) fn into_parts(self) -> (End, tokio::Receiver<T>) {
        (self.end, self.inner)
    }
}

named!([T] Sender<T>, self => self.end.channel());
named!([T] Receiver<T>, self => self.end.channel());

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> Receiver<T> {
    /// See [`tokio::sync::watch::Receiver::borrow`](real::sync::watch::Receiver::borrow).
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// See [`tokio::sync::watch::Receiver::borrow_and_update`](real::sync::watch::Receiver::borrow_and_update).
    #[track_caller]
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.end.used(Location::caller());
        self.inner.borrow_and_update()
    }

    /// See [`tokio::sync::watch::Receiver::has_changed`](real::sync::watch::Receiver::has_changed).
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        self.inner.has_changed()
    }

    /// See [`tokio::sync::watch::Receiver::is_closed`](real::sync::watch::Receiver::is_closed).
    #[cfg(not(insight_before = "1.54.0"))]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::watch::Receiver::mark_changed`](real::sync::watch::Receiver::mark_changed).
    pub fn mark_changed(&mut self) {
        self.inner.mark_changed();
    }

    /// See [`tokio::sync::watch::Receiver::mark_unchanged`](real::sync::watch::Receiver::mark_unchanged).
    pub fn mark_unchanged(&mut self) {
        self.inner.mark_unchanged();
    }

    /// See [`tokio::sync::watch::Receiver::changed`](real::sync::watch::Receiver::changed).
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = Result<(), RecvError>> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Changed, 1, at), self.inner.changed()).await
        }
    }

    /// See [`tokio::sync::watch::Receiver::wait_for`](real::sync::watch::Receiver::wait_for).
    #[track_caller]
    pub fn wait_for(&mut self, f: impl FnMut(&T) -> bool) -> impl Future<Output = Result<Ref<'_, T>, RecvError>> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Changed, 1, at), self.inner.wait_for(f)).await
        }
    }

    /// See [`tokio::sync::watch::Receiver::same_channel`](real::sync::watch::Receiver::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver { end: self.end.another(Handle::Receiver), inner: self.inner.clone() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
