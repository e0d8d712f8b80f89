//! want, a signal by which a receiver asks for the next value, visible to insight. hyper's connections ask for requests
//! by it.
//!
//! `cargo insight` puts the facade in its place in a whole graph, or you do so in a manifest.
//!
//! ```
//! let (mut giver, mut taker) = insight_want::new();
//! taker.want();
//! futures_lite::future::block_on(giver.want()).unwrap();
//! assert!(giver.give() && !giver.is_wanting());
//! ```
//!
//! # The design and its cost
//!
//! insight shows the signal as a `watch`: its value is the taker's state, the taker is the sender, and the giver waits
//! for a change. So a giver's wait names the connection that does not ask. The wait lies in the giver, as in the facade
//! of futures-channel. It ends with a ready poll, or with another use of the giver.
//!
//! The facade supports versions from 0.3.0 on. If the version in the graph is older than 0.3.2, the build sets
//! `insight_before = "0.3.2"`.

#![forbid(unsafe_code)]

pub use real::*;

use insight_probe::{ANY, AsResource, Call, Calling, End, Handle, Op, Resource, ResourceCell, Site, Type, Waiting, on};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See [`want::new`](real::new).
#[track_caller]
pub fn new() -> (Giver, Taker) {
    let (giver, taker) = real::new();
    let signal = Resource::new(Type::Watch, Location::caller(), None);
    let gives = End::new(signal.clone(), Handle::Receiver, &ANY);
    let takes = End::new(signal, Handle::Sender, &ANY);
    (Giver { waiting: Waiting::new(), end: gives, inner: giver }, Taker { end: takes, inner: taker })
}

/// See [`want::Giver`](real::Giver).
pub struct Giver {
    // The first field, so that the wait ends before the signal does.
    waiting: Waiting,
    end: End,
    inner: real::Giver,
}

/// See [`want::Taker`](real::Taker).
pub struct Taker {
    // The first field: the end is counted out before the giver is woken.
    end: End,
    inner: real::Taker,
}

impl Giver {
    /// See [`want::Giver::want`](real::Giver::want).
    #[track_caller]
    pub fn want(&mut self) -> impl Future<Output = Result<(), Closed>> + '_ {
        self.waiting = Waiting::new();
        Want { waiting: Waiting::new(), at: Location::caller(), giver: self }
    }

    /// See [`want::Giver::poll_want`](real::Giver::poll_want).
    #[track_caller]
    pub fn poll_want(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Giver { waiting, end, inner } = self;
        poll_want(inner, waiting, end, Location::caller(), cx)
    }

    /// See [`want::Giver::give`](real::Giver::give).
    #[inline]
    pub fn give(&self) -> bool {
        self.inner.give()
    }

    /// See [`want::Giver::is_wanting`](real::Giver::is_wanting).
    #[inline]
    pub fn is_wanting(&self) -> bool {
        self.inner.is_wanting()
    }

    /// See [`want::Giver::is_canceled`](real::Giver::is_canceled).
    #[inline]
    pub fn is_canceled(&self) -> bool {
        self.inner.is_canceled()
    }

    /// See [`want::Giver::shared`](real::Giver::shared).
    #[inline]
    pub fn shared(self) -> SharedGiver {
        self.inner.shared()
    }
}

fn poll_want(
    inner: &mut real::Giver,
    waiting: &mut Waiting,
    end: &End,
    at: &'static Location<'static>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Closed>> {
    if !on() {
        return inner.poll_want(cx);
    }
    end.used(at);
    let site = Site { executor: &ANY, op: Op::Changed, need: 1, location: Some(at) };
    waiting.poll(end.channel(), &site, cx, |cx| inner.poll_want(cx))
}

struct Want<'a> {
    waiting: Waiting,
    at: &'static Location<'static>,
    giver: &'a mut Giver,
}

impl Future for Want<'_> {
    type Output = Result<(), Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Want { waiting, at, giver } = self.get_mut();
        poll_want(&mut giver.inner, waiting, &giver.end, at, cx)
    }
}

impl Taker {
    /// An operation that is about to be called.
    #[inline]
    fn calling(&self, call: Call, at: &'static Location<'static>) -> Calling {
        Calling::new(self.end.channel(), call, 1, &ANY, at)
    }

    /// See [`want::Taker::cancel`](real::Taker::cancel).
    #[inline]
    #[track_caller]
    pub fn cancel(&mut self) {
        let call = self.calling(Call::Close, Location::caller());
        self.inner.cancel();
        call.succeeded();
    }

    /// See [`want::Taker::want`](real::Taker::want).
    #[inline]
    #[track_caller]
    pub fn want(&mut self) {
        let at = Location::caller();
        self.end.used(at);
        let call = self.calling(Call::Send, at);
        self.inner.want();
        call.succeeded();
    }

    /// See [`want::Taker::unwant`](real::Taker::unwant).
    #[cfg(not(insight_before = "0.3.2"))]
    #[inline]
    #[track_caller]
    pub fn unwant(&mut self) {
        let at = Location::caller();
        self.end.used(at);
        let call = self.calling(Call::Send, at);
        self.inner.unwant();
        call.succeeded();
    }
}

macro_rules! end {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl AsResource for $name {
            fn cell(&self) -> Option<&Arc<ResourceCell>> {
                self.end.channel().cell()
            }
        }
    )*};
}

end!(Giver Taker);
