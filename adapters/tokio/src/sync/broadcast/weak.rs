//! Weak senders, and the other methods that came to broadcast channels with them.

use super::{Receiver, Sender, tokio};
use crate::named::named;
use crate::sync::site;
use insight_probe::{End, Handle, Op, waiting};
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// See [`tokio::sync::broadcast::WeakSender`](real::sync::broadcast::WeakSender).
pub struct WeakSender<T> {
    end: End,
    inner: tokio::WeakSender<T>,
}

impl<T> Sender<T> {
    /// See [`tokio::sync::broadcast::Sender::downgrade`](real::sync::broadcast::Sender::downgrade).
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.downgrade() }
    }

    /// See [`tokio::sync::broadcast::Sender::closed`](real::sync::broadcast::Sender::closed).
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.end.used(at);
            waiting(self.end.channel(), site(Op::Closed, 1, at), self.inner.closed()).await;
        }
    }

    /// See [`tokio::sync::broadcast::Sender::strong_count`](real::sync::broadcast::Sender::strong_count).
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`tokio::sync::broadcast::Sender::weak_count`](real::sync::broadcast::Sender::weak_count).
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Receiver<T> {
    /// See [`tokio::sync::broadcast::Receiver::sender_strong_count`](real::sync::broadcast::Receiver::sender_strong_count).
    pub fn sender_strong_count(&self) -> usize {
        self.inner.sender_strong_count()
    }

    /// See [`tokio::sync::broadcast::Receiver::sender_weak_count`](real::sync::broadcast::Receiver::sender_weak_count).
    pub fn sender_weak_count(&self) -> usize {
        self.inner.sender_weak_count()
    }

    /// See [`tokio::sync::broadcast::Receiver::is_closed`](real::sync::broadcast::Receiver::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl<T> WeakSender<T> {
    /// See [`tokio::sync::broadcast::WeakSender::upgrade`](real::sync::broadcast::WeakSender::upgrade).
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let inner = self.inner.upgrade()?;
        Some(Sender { end: self.end.another(Handle::Sender), inner })
    }

    /// See [`tokio::sync::broadcast::WeakSender::strong_count`](real::sync::broadcast::WeakSender::strong_count).
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`tokio::sync::broadcast::WeakSender::weak_count`](real::sync::broadcast::WeakSender::weak_count).
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender { end: self.end.another(Handle::WeakSender), inner: self.inner.clone() }
    }
}

named!([T] WeakSender<T>, self => self.end.channel());

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
