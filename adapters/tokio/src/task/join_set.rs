//! tokio's `JoinSet`, observed.

use super::{LocalSet, observed, observed_closure};
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::named::named;
use crate::runtime::Handle;
use insight_probe::{Call, CallOutcome, Calling, JoiningAny, Kind, Observed, Waiting};
#[cfg(not(insight_before = "1.41.0"))]
use real::task::Id;
use real::task::{AbortHandle, JoinError};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::task::{Context, Poll};

/// See [`tokio::task::JoinSet`](real::task::JoinSet).
pub struct JoinSet<T> {
    inner: real::task::JoinSet<T>,
    joining: JoiningAny,
}

impl<T> JoinSet<T> {
    /// See [`tokio::task::JoinSet::new`](real::task::JoinSet::new).
    #[track_caller]
    pub fn new() -> Self {
        JoinSet { inner: real::task::JoinSet::new(), joining: JoiningAny::new(Location::caller()) }
    }

    /// See [`tokio::task::JoinSet::len`](real::task::JoinSet::len).
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`tokio::task::JoinSet::is_empty`](real::task::JoinSet::is_empty).
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

impl<T: 'static> JoinSet<T> {
    /// See [`tokio::task::JoinSet::spawn`](real::task::JoinSet::spawn).
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let future = self.observed(task, Kind::Task, Location::caller());
        self.inner.spawn(future)
    }

    /// See [`tokio::task::JoinSet::spawn_on`](real::task::JoinSet::spawn_on).
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let future = self.observed(task, Kind::Task, Location::caller());
        self.inner.spawn_on(future, handle)
    }

    /// See [`tokio::task::JoinSet::spawn_local`](real::task::JoinSet::spawn_local).
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let future = self.observed(task, Kind::Local, Location::caller());
        self.inner.spawn_local(future)
    }

    /// See [`tokio::task::JoinSet::spawn_local_on`](real::task::JoinSet::spawn_local_on).
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let future = self.observed(task, Kind::Local, Location::caller());
        self.inner.spawn_local_on(future, local_set)
    }

    /// See [`tokio::task::JoinSet::spawn_blocking`](real::task::JoinSet::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let (f, task) = observed_closure(f, Location::caller());
        self.joining.add(&task);
        self.inner.spawn_blocking(f)
    }

    /// See [`tokio::task::JoinSet::spawn_blocking_on`](real::task::JoinSet::spawn_blocking_on).
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let (f, task) = observed_closure(f, Location::caller());
        self.joining.add(&task);
        self.inner.spawn_blocking_on(f, handle)
    }

    /// The observed future of a task of the set, which the set and an abort handle can cancel.
    #[inline]
    fn observed<F>(&mut self, future: F, kind: Kind, at: &'static Location<'static>) -> Observed<F> {
        let (future, task) = observed(future, kind, at);
        future.set_cancellable();
        self.joining.add(&task);
        future
    }

    /// Polls the set by `poll` until it has a result.
    async fn wait<R>(
        &mut self,
        at: &'static Location<'static>,
        mut poll: impl FnMut(&mut real::task::JoinSet<T>, &mut Context<'_>) -> Poll<R>,
    ) -> R {
        let mut waiting = Waiting::new();
        let JoinSet { inner, joining } = self;
        poll_fn(|cx| {
            let result = joining.poll(&mut waiting, &EXECUTOR, Some(at), cx, |cx| poll(inner, cx));
            joining.set_length(inner.len());
            result
        })
        .await
    }

    /// See [`tokio::task::JoinSet::join_next`](real::task::JoinSet::join_next).
    #[track_caller]
    pub fn join_next(&mut self) -> impl Future<Output = Option<Result<T, JoinError>>> + use<'_, T> {
        let at = Location::caller();
        async move { self.wait(at, |inner, cx| inner.poll_join_next(cx)).await }
    }

    /// An attempt to join a task without waiting.
    fn attempt(&self, at: &'static Location<'static>) -> Calling {
        Calling::new(&self.joining, Call::Join, 1, &EXECUTOR, at)
    }

    /// See [`tokio::task::JoinSet::try_join_next`](real::task::JoinSet::try_join_next).
    #[track_caller]
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        let call = self.attempt(Location::caller());
        let joined = self.inner.try_join_next();
        call.ends(|| if joined.is_some() { CallOutcome::Succeeded } else { CallOutcome::Unavailable });
        joined
    }

    /// See [`tokio::task::JoinSet::shutdown`](real::task::JoinSet::shutdown).
    #[track_caller]
    pub fn shutdown(&mut self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.abort_all();
            while self.wait(at, |inner, cx| inner.poll_join_next(cx)).await.is_some() {}
        }
    }

    /// See [`tokio::task::JoinSet::join_all`](real::task::JoinSet::join_all).
    #[cfg(not(insight_before = "1.40.0"))]
    #[track_caller]
    pub fn join_all(mut self) -> impl Future<Output = Vec<T>> {
        let at = Location::caller();
        async move {
            let mut output = Vec::with_capacity(self.len());
            while let Some(result) = self.wait(at, |inner, cx| inner.poll_join_next(cx)).await {
                match result {
                    Ok(value) => output.push(value),
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Err(error) => panic!("{error}"),
                }
            }
            output
        }
    }

    /// See [`tokio::task::JoinSet::abort_all`](real::task::JoinSet::abort_all).
    pub fn abort_all(&mut self) {
        self.inner.abort_all();
    }

    /// See [`tokio::task::JoinSet::detach_all`](real::task::JoinSet::detach_all).
    pub fn detach_all(&mut self) {
        self.inner.detach_all();
    }

    /// See [`tokio::task::JoinSet::poll_join_next`](real::task::JoinSet::poll_join_next).
    ///
    /// A poll without a result does not record a wait, since we could not observe its end.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.inner.poll_join_next(cx)
    }
}

#[cfg(not(insight_before = "1.41.0"))]
impl<T: 'static> JoinSet<T> {
    /// See [`tokio::task::JoinSet::join_next_with_id`](real::task::JoinSet::join_next_with_id).
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> impl Future<Output = Option<Result<(Id, T), JoinError>>> + use<'_, T> {
        let at = Location::caller();
        async move { self.wait(at, |inner, cx| inner.poll_join_next_with_id(cx)).await }
    }

    /// See [`tokio::task::JoinSet::try_join_next_with_id`](real::task::JoinSet::try_join_next_with_id).
    #[track_caller]
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        let call = self.attempt(Location::caller());
        let joined = self.inner.try_join_next_with_id();
        call.ends(|| if joined.is_some() { CallOutcome::Succeeded } else { CallOutcome::Unavailable });
        joined
    }

    /// See [`tokio::task::JoinSet::poll_join_next_with_id`](real::task::JoinSet::poll_join_next_with_id).
    ///
    /// A poll without a result does not record a wait, since we could not observe its end.
    pub fn poll_join_next_with_id(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.inner.poll_join_next_with_id(cx)
    }
}

#[cfg(feature = "stream")]
impl<T: 'static> JoinSet<T> {
    /// Like [`poll_join_next`](JoinSet::poll_join_next). The wait is open while `waiting` has it.
    pub(crate) fn poll_seen(
        &mut self,
        waiting: &mut Waiting,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, JoinError>>> {
        let JoinSet { inner, joining } = self;
        let result = joining.poll(waiting, &EXECUTOR, None, cx, |cx| inner.poll_join_next(cx));
        joining.set_length(inner.len());
        result
    }
}

border!(out [T] JoinSet<T> => real::task::JoinSet<T>, self => self.inner);
// The present tasks of the set are unobserved.
border!(in [T] real::task::JoinSet<T> => JoinSet<T>, inner => {
    JoinSet { inner, joining: JoiningAny::new(Location::caller()) }
});

named!([T] JoinSet<T>, self => &self.joining);

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> Default for JoinSet<T> {
    #[track_caller]
    fn default() -> Self {
        JoinSet::new()
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(iter: I) -> Self {
        let mut set = JoinSet::new();
        for task in iter {
            set.spawn(task);
        }
        set
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, iter: I) {
        for task in iter {
            self.spawn(task);
        }
    }
}
