//! A notification that keeps its `Notify`.

use super::Notify;
use crate::sync::site;
use insight_probe::{Op, Waiting};
use std::fmt;
use std::future::Future;
use std::mem::transmute;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

insight_probe::pin_project! {
    /// The future of [`Notify::notified_owned`]. See [`tokio::sync::futures::OwnedNotified`](real::sync::futures::OwnedNotified).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OwnedNotified {
        // The first field, so that the wait ends before `inner` gives up its place in tokio's queue.
        waiting: Waiting,
        // Borrows from `notify`, and is dropped before it.
        #[pin]
        inner: real::sync::futures::Notified<'static>,
        notify: Arc<Notify>,
        at: &'static Location<'static>,
    }
}

impl Notify {
    /// See [`tokio::sync::Notify::notified_owned`](real::sync::Notify::notified_owned).
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        // SAFETY: `inner` borrows from the allocation that `notify` keeps alive, at an address that does not change,
        // and only as shared. The field `inner` comes before `notify`, so it is dropped first.
        let inner = unsafe {
            transmute::<real::sync::futures::Notified<'_>, real::sync::futures::Notified<'static>>(
                self.inner.notified(),
            )
        };
        OwnedNotified { waiting: Waiting::new(), inner, notify: self, at: Location::caller() }
    }
}

impl OwnedNotified {
    /// See [`tokio::sync::futures::OwnedNotified::enable`](real::sync::futures::OwnedNotified::enable).
    ///
    /// This does not record a wait, since it registers no waker.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        this.waiting.begins(&this.notify.resource, &site(Op::Notified, 1, this.at));
        this.inner.enable()
    }
}

future!(OwnedNotified, this => &this.notify.resource);
