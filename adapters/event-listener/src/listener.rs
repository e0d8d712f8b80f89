//! Listeners.

use crate::Event;
#[cfg(all(feature = "std", not(target_family = "wasm")))]
use insight_probe::Blocking;
use insight_probe::{ANY, Op, Resource, Site, Waiting};
use real::Listener as _;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};
#[cfg(all(feature = "std", not(target_family = "wasm")))]
use std::time::{Duration, Instant};

/// See [`event_listener::Listener`](real::Listener).
pub trait Listener<T = ()>: Future<Output = T> + Sealed {
    /// See [`event_listener::Listener::wait`](real::Listener::wait).
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    fn wait(self) -> T;

    /// See [`event_listener::Listener::wait_timeout`](real::Listener::wait_timeout).
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    fn wait_timeout(self, timeout: Duration) -> Option<T>;

    /// See [`event_listener::Listener::wait_deadline`](real::Listener::wait_deadline).
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    fn wait_deadline(self, deadline: Instant) -> Option<T>;

    /// See [`event_listener::Listener::discard`](real::Listener::discard).
    fn discard(self) -> bool;

    /// See [`event_listener::Listener::listens_to`](real::Listener::listens_to).
    fn listens_to(&self, event: &Event<T>) -> bool;

    /// See [`event_listener::Listener::same_event`](real::Listener::same_event).
    fn same_event(&self, other: &Self) -> bool;
}

/// No other type is a listener.
pub trait Sealed {}

/// See [`event_listener::EventListener`](real::EventListener).
pub struct EventListener<T = ()> {
    // The first field, so that the wait ends before the listener does.
    waiting: Waiting,
    /// `None` if it is not observed.
    event: Option<Resource>,
    at: &'static Location<'static>,
    inner: real::EventListener<T>,
}

/// A listener that [`listener!`](crate::listener) has made of the real one, an `L`.
#[doc(hidden)]
pub struct StackListener<'ev, L> {
    waiting: Waiting,
    event: Option<&'ev Resource>,
    at: &'static Location<'static>,
    inner: L,
}

impl<T> EventListener<T> {
    #[inline]
    pub(crate) fn new(
        event: Option<Resource>,
        at: &'static Location<'static>,
        inner: real::EventListener<T>,
    ) -> EventListener<T> {
        EventListener { waiting: Waiting::new(), event, at, inner }
    }
}

impl<'ev, L> StackListener<'ev, L> {
    /// The wait of `inner`, the real listener to `event`.
    #[inline]
    #[track_caller]
    pub fn new<T>(event: &'ev Event<T>, inner: L) -> StackListener<'ev, L>
    where
        L: real::Listener<T>,
    {
        StackListener { waiting: Waiting::new(), event: event.listened(), at: Location::caller(), inner }
    }
}

fn site(at: &'static Location<'static>) -> Site {
    Site { executor: &ANY, op: Op::Notified, need: 1, location: Some(at) }
}

macro_rules! listener {
    ([$($generics:tt)*] $type:ty $(where $($bound:tt)*)?) => {
        impl<$($generics)*> Future for $type
        $(where $($bound)*)?
        {
            type Output = T;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
                let this = self.get_mut();
                let inner = Pin::new(&mut this.inner);
                match &this.event {
                    Some(event) => this.waiting.poll(event, &site(this.at), cx, |cx| inner.poll(cx)),
                    None => inner.poll(cx),
                }
            }
        }

        impl<$($generics)*> Listener<T> for $type
        $(where $($bound)*)?
        {
            #[cfg(all(feature = "std", not(target_family = "wasm")))]
            #[track_caller]
            fn wait(self) -> T {
                let site = site(Location::caller());
                let _blocking = self.event.as_ref().map(|event| Blocking::new(event, &site));
                drop(self.waiting);
                self.inner.wait()
            }

            #[cfg(all(feature = "std", not(target_family = "wasm")))]
            fn wait_timeout(self, timeout: Duration) -> Option<T> {
                drop(self.waiting);
                self.inner.wait_timeout(timeout)
            }

            #[cfg(all(feature = "std", not(target_family = "wasm")))]
            fn wait_deadline(self, deadline: Instant) -> Option<T> {
                drop(self.waiting);
                self.inner.wait_deadline(deadline)
            }

            fn discard(self) -> bool {
                drop(self.waiting);
                self.inner.discard()
            }

            fn listens_to(&self, event: &Event<T>) -> bool {
                self.inner.listens_to(crate::event::real(event))
            }

            fn same_event(&self, other: &Self) -> bool {
                self.inner.same_event(&other.inner)
            }
        }
    };
}

listener!([T] EventListener<T>);

impl<T> Sealed for EventListener<T> {}

// As in event-listener.
impl<T> UnwindSafe for EventListener<T> {}
impl<T> RefUnwindSafe for EventListener<T> {}
impl<T> Unpin for EventListener<T> {}

impl<T> fmt::Debug for EventListener<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

listener!([T, L] StackListener<'_, L> where L: Future<Output = T> + real::Listener<T> + Unpin);

impl<L> Sealed for StackListener<'_, L> {}

impl<L: fmt::Debug> fmt::Debug for StackListener<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
