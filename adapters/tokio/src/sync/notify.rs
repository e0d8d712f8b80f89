//! A notification with observed waiters.
//!
//! The tasks that could notify are not recorded. Any task with a reference can, and one task seldom notifies twice.

use crate::border::border;
use crate::named::named;
use crate::sync::calling::calling;
use crate::sync::site;
use insight_probe::{Call, LazyResource, Op, Type, Waiting};
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

macro_rules! future {
    ($notified:ty, $this:ident => $resource:expr) => {
        impl Future for $notified {
            type Output = ();

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                let $this = self.project();
                let site = site(Op::Notified, 1, $this.at);
                $this.waiting.poll($resource, &site, cx, |cx| $this.inner.poll(cx))
            }
        }

        impl fmt::Debug for $notified {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

#[cfg(not(insight_before = "1.47.0"))]
mod owned;

#[cfg(not(insight_before = "1.47.0"))]
pub use owned::OwnedNotified;

/// tokio's `Notify`, observed: see [`tokio::sync::Notify`](real::sync::Notify).
pub struct Notify {
    resource: LazyResource,
    inner: real::sync::Notify,
}

// As in tokio.
impl UnwindSafe for Notify {}
impl RefUnwindSafe for Notify {}

impl Notify {
    /// See [`tokio::sync::Notify::new`](real::sync::Notify::new).
    #[track_caller]
    pub fn new() -> Notify {
        Notify::const_new()
    }

    /// See [`tokio::sync::Notify::const_new`](real::sync::Notify::const_new).
    #[track_caller]
    pub const fn const_new() -> Notify {
        let resource = LazyResource::new(Type::Notify, Location::caller(), None);
        Notify { resource, inner: real::sync::Notify::const_new() }
    }

    /// See [`tokio::sync::Notify::notified`](real::sync::Notify::notified).
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        Notified {
            waiting: Waiting::new(),
            inner: self.inner.notified(),
            resource: &self.resource,
            at: Location::caller(),
        }
    }

    /// See [`tokio::sync::Notify::notify_one`](real::sync::Notify::notify_one).
    #[track_caller]
    pub fn notify_one(&self) {
        let call = calling(&self.resource, Call::NotifyOne, 1, Location::caller());
        self.inner.notify_one();
        call.succeeded();
    }

    /// See [`tokio::sync::Notify::notify_last`](real::sync::Notify::notify_last).
    #[cfg(not(insight_before = "1.38.0"))]
    #[track_caller]
    pub fn notify_last(&self) {
        let call = calling(&self.resource, Call::NotifyOne, 1, Location::caller());
        self.inner.notify_last();
        call.succeeded();
    }

    /// See [`tokio::sync::Notify::notify_waiters`](real::sync::Notify::notify_waiters).
    #[track_caller]
    pub fn notify_waiters(&self) {
        let call = calling(&self.resource, Call::NotifyWaiters, 1, Location::caller());
        self.inner.notify_waiters();
        call.succeeded();
    }
}

border!(out [] Notify => real::sync::Notify, self => self.inner);
border!(in [] real::sync::Notify => Notify, inner => {
    Notify { resource: LazyResource::new(Type::Notify, Location::caller(), None), inner }
});

named!([] Notify, self => &self.resource);

impl Default for Notify {
    #[track_caller]
    fn default() -> Notify {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

insight_probe::pin_project! {
    /// The future of [`Notify::notified`]. See [`tokio::sync::futures::Notified`](real::sync::futures::Notified).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Notified<'a> {
        // The first field, so that the wait ends before `inner` gives up its place in tokio's queue.
        waiting: Waiting,
        #[pin]
        inner: real::sync::futures::Notified<'a>,
        resource: &'a LazyResource,
        at: &'static Location<'static>,
    }
}

impl Notified<'_> {
    /// See [`tokio::sync::futures::Notified::enable`](real::sync::futures::Notified::enable).
    ///
    /// This does not record a wait, since it registers no waker.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        this.waiting.begins(*this.resource, &site(Op::Notified, 1, this.at));
        this.inner.enable()
    }
}

future!(Notified<'_>, this => *this.resource);
