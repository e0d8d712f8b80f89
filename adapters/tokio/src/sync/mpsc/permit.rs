use super::bounded::Sender;
use crate::executor::EXECUTOR;
use crate::sync::calling::calling;
use insight_probe::{Call, End, Permits};
use real::sync::mpsc as tokio;
use std::fmt;
use std::iter::FusedIterator;
use std::panic::Location;

/// See [`tokio::sync::mpsc::Permit`](real::sync::mpsc::Permit).
pub struct Permit<'a, T> {
    // The first field, so that its end is recorded before the place is free.
    permits: Permits,
    inner: tokio::Permit<'a, T>,
    sender: &'a Sender<T>,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(
        sender: &'a Sender<T>,
        inner: tokio::Permit<'a, T>,
        at: &'static Location<'static>,
    ) -> Permit<'a, T> {
        Permit { permits: Permits::new(sender.end.channel(), 1, &EXECUTOR, at), inner, sender }
    }

    /// See [`tokio::sync::mpsc::Permit::send`](real::sync::mpsc::Permit::send).
    #[track_caller]
    pub fn send(self, value: T) {
        let Permit { permits, inner, sender } = self;
        let call = calling(sender.end.channel(), Call::Send, 1, Location::caller());
        drop(permits);
        inner.send(value);
        call.succeeded();
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// See [`tokio::sync::mpsc::PermitIterator`](real::sync::mpsc::PermitIterator).
pub struct PermitIterator<'a, T> {
    _permits: Permits,
    inner: tokio::PermitIterator<'a, T>,
    sender: &'a Sender<T>,
    at: &'static Location<'static>,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(super) fn new(
        sender: &'a Sender<T>,
        inner: tokio::PermitIterator<'a, T>,
        at: &'static Location<'static>,
    ) -> PermitIterator<'a, T> {
        let permits = Permits::new(sender.end.channel(), inner.len() as u64, &EXECUTOR, at);
        PermitIterator { _permits: permits, inner, sender, at }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        Some(Permit::new(self.sender, self.inner.next()?, self.at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// See [`tokio::sync::mpsc::OwnedPermit`](real::sync::mpsc::OwnedPermit).
pub struct OwnedPermit<T> {
    permits: Permits,
    end: End,
    inner: tokio::OwnedPermit<T>,
}

impl<T> OwnedPermit<T> {
    pub(super) fn new(end: End, inner: tokio::OwnedPermit<T>, at: &'static Location<'static>) -> OwnedPermit<T> {
        OwnedPermit { permits: Permits::new(end.channel(), 1, &EXECUTOR, at), end, inner }
    }

    /// See [`tokio::sync::mpsc::OwnedPermit::send`](real::sync::mpsc::OwnedPermit::send).
    #[track_caller]
    pub fn send(self, value: T) -> Sender<T> {
        let OwnedPermit { permits, end, inner } = self;
        let call = calling(end.channel(), Call::Send, 1, Location::caller());
        drop(permits);
        let inner = inner.send(value);
        call.succeeded();
        Sender { end, inner }
    }

    /// See [`tokio::sync::mpsc::OwnedPermit::release`](real::sync::mpsc::OwnedPermit::release).
    pub fn release(self) -> Sender<T> {
        let OwnedPermit { permits, end, inner } = self;
        drop(permits);
        let sender = Sender { end, inner: inner.release() };
        sender.measure();
        sender
    }
}

#[cfg(not(insight_before = "1.46.0"))]
impl<T> OwnedPermit<T> {
    /// See [`tokio::sync::mpsc::OwnedPermit::same_channel`](real::sync::mpsc::OwnedPermit::same_channel).
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`tokio::sync::mpsc::OwnedPermit::same_channel_as_sender`](real::sync::mpsc::OwnedPermit::same_channel_as_sender).
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.inner.same_channel_as_sender(&sender.inner)
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
