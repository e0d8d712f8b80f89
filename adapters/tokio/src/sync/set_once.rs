//! A value that is set once, and the tasks that wait for it.
//!
//! The tasks that could set it are not recorded. Any task with a reference can, and only once.

use crate::border::border;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{Call, LazyResource, Op, Type, waiting};
use real::sync::SetOnceError;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// tokio's `SetOnce`, observed: see [`tokio::sync::SetOnce`](real::sync::SetOnce).
pub struct SetOnce<T> {
    resource: LazyResource,
    inner: real::sync::SetOnce<T>,
}

impl<T> SetOnce<T> {
    /// See [`tokio::sync::SetOnce::new`](real::sync::SetOnce::new).
    #[track_caller]
    pub fn new() -> Self {
        SetOnce::const_new()
    }

    /// See [`tokio::sync::SetOnce::const_new`](real::sync::SetOnce::const_new).
    #[track_caller]
    pub const fn const_new() -> Self {
        SetOnce::of(real::sync::SetOnce::const_new(), Location::caller())
    }

    /// See [`tokio::sync::SetOnce::new_with`](real::sync::SetOnce::new_with).
    #[track_caller]
    pub fn new_with(value: Option<T>) -> Self {
        SetOnce::of(real::sync::SetOnce::new_with(value), Location::caller())
    }

    /// See [`tokio::sync::SetOnce::const_new_with`](real::sync::SetOnce::const_new_with).
    #[track_caller]
    pub const fn const_new_with(value: T) -> Self {
        SetOnce::of(real::sync::SetOnce::const_new_with(value), Location::caller())
    }

    const fn of(inner: real::sync::SetOnce<T>, at: &'static Location<'static>) -> Self {
        SetOnce { resource: LazyResource::new(Type::OnceCell, at, None), inner }
    }

    /// See [`tokio::sync::SetOnce::initialized`](real::sync::SetOnce::initialized).
    pub fn initialized(&self) -> bool {
        self.inner.initialized()
    }

    /// See [`tokio::sync::SetOnce::get`](real::sync::SetOnce::get).
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// See [`tokio::sync::SetOnce::set`](real::sync::SetOnce::set).
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        let call = calling(&self.resource, Call::Set, 1, Location::caller());
        let result = self.inner.set(value);
        call.ends(|| outcome(&result));
        result
    }

    /// See [`tokio::sync::SetOnce::into_inner`](real::sync::SetOnce::into_inner).
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// See [`tokio::sync::SetOnce::wait`](real::sync::SetOnce::wait).
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        let at = Location::caller();
        async move {
            // A set value ends no wait, so the cell need not be recorded.
            match self.inner.get() {
                Some(value) => {
                    calling(&self.resource, Call::Wait, 1, at).succeeded();
                    value
                }
                None => waiting(&self.resource, site(Op::Value, 1, at), self.inner.wait()).await,
            }
        }
    }
}

border!(from [T] SetOnce<T> => real::sync::SetOnce<T>, cell => cell.inner);
border!(in [T] real::sync::SetOnce<T> => SetOnce<T>, inner => SetOnce::of(inner, Location::caller()));

named!([T] SetOnce<T>, self => &self.resource);

impl<T> Default for SetOnce<T> {
    #[track_caller]
    fn default() -> Self {
        SetOnce::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        SetOnce::const_new_with(value)
    }
}

impl<T: Clone> Clone for SetOnce<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        SetOnce::of(self.inner.clone(), Location::caller())
    }
}

impl<T: PartialEq> PartialEq for SetOnce<T> {
    fn eq(&self, other: &SetOnce<T>) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for SetOnce<T> {}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
