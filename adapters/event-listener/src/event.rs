//! Events.

use crate::{EventListener, IntoNotification};
use insight_probe::{
    ANY, AsResource, Call, Calling, LazyResource, Resource, ResourceCell, Type, in_observed_operation, on,
    records_operations,
};
use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// See [`event_listener::Event`](real::Event).
pub struct Event<T = ()> {
    resource: LazyResource,
    inner: ::real::Event<T>,
}

// As in event-listener.
impl<T> UnwindSafe for Event<T> {}
impl<T> RefUnwindSafe for Event<T> {}

/// The real one of an event.
pub fn real<T>(event: &Event<T>) -> &::real::Event<T> {
    &event.inner
}

impl<T> Event<T> {
    /// See [`event_listener::Event::with_tag`](real::Event::with_tag).
    #[cfg(feature = "std")]
    #[inline]
    #[track_caller]
    pub const fn with_tag() -> Self {
        let resource = LazyResource::new(Type::Notify, Location::caller(), None);
        Event { resource, inner: ::real::Event::with_tag() }
    }

    /// The resource of a new listener. `None` while recording is off, and within another observed operation.
    #[inline]
    pub(crate) fn listened(&self) -> Option<&Resource> {
        if !on() || in_observed_operation() {
            return None;
        }
        self.resource.used()
    }

    /// A notification at detail `operations`, by the caller at `at`. `None` at any other detail.
    #[inline]
    fn notifying(&self, at: &'static Location<'static>) -> Option<Calling> {
        if !records_operations() {
            return None;
        }
        Some(Calling::new(self.listened()?, Call::Notify, 1, &ANY, at))
    }

    /// See [`event_listener::Event::is_notified`](real::Event::is_notified).
    #[inline]
    pub fn is_notified(&self) -> bool {
        self.inner.is_notified()
    }

    /// See [`event_listener::Event::listen`](real::Event::listen).
    #[track_caller]
    pub fn listen(&self) -> EventListener<T> {
        EventListener::new(self.listened().cloned(), Location::caller(), self.inner.listen())
    }

    /// See [`event_listener::Event::notify`](real::Event::notify).
    #[inline]
    #[track_caller]
    pub fn notify(&self, notify: impl IntoNotification<Tag = T>) -> usize {
        let call = self.notifying(Location::caller());
        let notified = self.inner.notify(notify);
        call.into_iter().for_each(Calling::succeeded);
        notified
    }

    /// See [`event_listener::Event::total_listeners`](real::Event::total_listeners).
    #[cfg(feature = "std")]
    #[inline]
    pub fn total_listeners(&self) -> usize {
        self.inner.total_listeners()
    }
}

impl Event<()> {
    /// See [`event_listener::Event::new`](real::Event::new).
    #[inline]
    #[track_caller]
    pub const fn new() -> Self {
        let resource = LazyResource::new(Type::Notify, Location::caller(), None);
        Event { resource, inner: ::real::Event::new() }
    }

    /// See [`event_listener::Event::notify_relaxed`](real::Event::notify_relaxed).
    #[inline]
    #[track_caller]
    pub fn notify_relaxed(&self, n: usize) -> usize {
        let call = self.notifying(Location::caller());
        let notified = self.inner.notify_relaxed(n);
        call.into_iter().for_each(Calling::succeeded);
        notified
    }

    /// See [`event_listener::Event::notify_additional`](real::Event::notify_additional).
    #[inline]
    #[track_caller]
    pub fn notify_additional(&self, n: usize) -> usize {
        let call = self.notifying(Location::caller());
        let notified = self.inner.notify_additional(n);
        call.into_iter().for_each(Calling::succeeded);
        notified
    }

    /// See [`event_listener::Event::notify_additional_relaxed`](real::Event::notify_additional_relaxed).
    #[inline]
    #[track_caller]
    pub fn notify_additional_relaxed(&self, n: usize) -> usize {
        let call = self.notifying(Location::caller());
        let notified = self.inner.notify_additional_relaxed(n);
        call.into_iter().for_each(Calling::succeeded);
        notified
    }
}

impl Default for Event {
    #[inline]
    #[track_caller]
    fn default() -> Self {
        Event::new()
    }
}

impl<T> fmt::Debug for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> AsResource for Event<T> {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.resource.cell()
    }
}
