use super::{JoinHandle, LocalEnterGuard, observed};
use crate::border::border;
use crate::executor::EXECUTOR;
#[cfg(not(insight_before = "1.49.0"))]
use crate::runtime::Id;
use crate::runtime::Runtime;
use insight_probe::{Driving, Home, Kind, Observed, polling_unknown, running_others};
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// See [`tokio::task::spawn_local`](real::task::spawn_local).
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (future, task) = observed(future, Kind::Local, Location::caller());
    JoinHandle::new(real::task::spawn_local(future), task)
}

/// See [`tokio::task::LocalSet`](real::task::LocalSet).
pub struct LocalSet {
    inner: real::task::LocalSet,
    home: Home,
}

impl LocalSet {
    /// See [`tokio::task::LocalSet::new`](real::task::LocalSet::new).
    pub fn new() -> LocalSet {
        LocalSet { inner: real::task::LocalSet::new(), home: Home::another() }
    }

    /// See [`tokio::task::LocalSet::spawn_local`](real::task::LocalSet::spawn_local).
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (future, task) = observed(future, Kind::Local, Location::caller());
        JoinHandle::new(self.inner.spawn_local(future), task)
    }

    /// See [`tokio::task::LocalSet::block_on`](real::task::LocalSet::block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&self, rt: &Runtime, future: F) -> F::Output {
        let root = Observed::root(future, &EXECUTOR, Location::caller());
        let _rooted = root.rooted(&EXECUTOR, rt.home(), Some(self.home));
        self.inner.block_on(rt, root)
    }

    /// See [`tokio::task::LocalSet::run_until`](real::task::LocalSet::run_until).
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        let running = running_others(future, |future| self.inner.run_until(future));
        Driving::new(self.home, &EXECUTOR, running).await
    }

    /// See [`tokio::task::LocalSet::enter`](real::task::LocalSet::enter).
    pub fn enter(&self) -> LocalEnterGuard {
        self.inner.enter()
    }

    /// See [`tokio::task::LocalSet::id`](real::task::LocalSet::id).
    #[cfg(not(insight_before = "1.49.0"))]
    pub fn id(&self) -> Id {
        self.inner.id()
    }

    /// See [`tokio::task::LocalSet::unhandled_panic`](real::task::LocalSet::unhandled_panic).
    #[cfg(tokio_unstable)]
    pub fn unhandled_panic(&mut self, behavior: crate::runtime::UnhandledPanic) -> &mut Self {
        self.home = Home::UNKNOWN;
        self.inner.unhandled_panic(behavior);
        self
    }
}

border!(out [] LocalSet => real::task::LocalSet, self => self.inner);
border!(in [] real::task::LocalSet => LocalSet, inner => LocalSet { inner, home: if cfg!(tokio_unstable) { Home::UNKNOWN } else { Home::another() } });

impl Deref for LocalSet {
    type Target = real::task::LocalSet;

    fn deref(&self) -> &real::task::LocalSet {
        &self.inner
    }
}

impl DerefMut for LocalSet {
    fn deref_mut(&mut self) -> &mut real::task::LocalSet {
        &mut self.inner
    }
}

impl Future for LocalSet {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // It can be moved between two polls, so we do not know its owner.
        polling_unknown(|| Pin::new(&mut self.inner).poll(cx))
    }
}

impl Default for LocalSet {
    fn default() -> LocalSet {
        LocalSet::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
