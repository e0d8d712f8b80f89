//! A notification that keeps its `Notify`.

use super::Notify;
use crate::sync::site;
use insight_probe::{LazyResource, Op, Waiting};
use std::fmt;
use std::future::Future;
use std::mem::transmute;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The future of [`Notify::notified_owned`]. See [`tokio::sync::futures::OwnedNotified`](real::sync::futures::OwnedNotified).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OwnedNotified {
    waiting: Waiting,
    /// Of `notify`, and dropped before it.
    inner: real::sync::futures::Notified<'static>,
    notify: Arc<Notify>,
    at: &'static Location<'static>,
}

impl Notify {
    /// See [`tokio::sync::Notify::notified_owned`](real::sync::Notify::notified_owned).
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        // SAFETY: what `inner` borrows lies in the allocation that `notify` keeps alive, at an address that does not
        // change, and is only ever borrowed as shared; `inner` is a field before `notify`, and so dropped before it.
        let inner = unsafe {
            transmute::<real::sync::futures::Notified<'_>, real::sync::futures::Notified<'static>>(
                self.inner.notified(),
            )
        };
        OwnedNotified { waiting: Waiting::new(), inner, notify: self, at: Location::caller() }
    }
}

impl OwnedNotified {
    /// As `Notified::project`.
    fn project(
        self: Pin<&mut Self>,
    ) -> (Pin<&mut real::sync::futures::Notified<'static>>, &mut Waiting, &LazyResource, &'static Location<'static>)
    {
        // SAFETY: as there.
        unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.inner), &mut this.waiting, &this.notify.resource, this.at)
        }
    }

    /// See [`tokio::sync::futures::OwnedNotified::enable`](real::sync::futures::OwnedNotified::enable).
    ///
    /// It is not seen as a wait: no task is woken yet.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.project().0.enable()
    }
}

future!(OwnedNotified);
