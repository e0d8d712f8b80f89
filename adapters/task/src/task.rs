use crate::border::border;
use insight_probe::{Executor, Joining, TaskRef};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// The executor that polls the waiting task: any.
static EXECUTOR: Executor = Executor::new("any", "", || None);

/// See [`async_task::Task`](real::Task).
#[must_use = "tasks get canceled when dropped, use `.detach()` to run them in the background"]
pub struct Task<T, M = ()> {
    inner: real::Task<T, M>,
    joining: Joining,
}

/// See [`async_task::FallibleTask`](real::FallibleTask).
#[must_use = "tasks get canceled when dropped, use `.detach()` to run them in the background"]
pub struct FallibleTask<T, M = ()> {
    inner: real::FallibleTask<T, M>,
    joining: Joining,
}

impl<T, M> Task<T, M> {
    fn new(inner: real::Task<T, M>, task: TaskRef) -> Task<T, M> {
        Task { inner, joining: Joining::new(task) }
    }

    /// The handle of a task that another facade observes.
    #[doc(hidden)]
    pub fn observed_as(self, task: TaskRef) -> Task<T, M> {
        Task::new(self.inner, task)
    }

    /// See [`async_task::Task::detach`](real::Task::detach).
    pub fn detach(self) {
        self.inner.detach();
    }

    /// See [`async_task::Task::cancel`](real::Task::cancel).
    pub async fn cancel(self) -> Option<T> {
        let Task { inner, joining } = self;
        joined(inner.cancel(), joining).await
    }

    /// See [`async_task::Task::fallible`](real::Task::fallible).
    pub fn fallible(self) -> FallibleTask<T, M> {
        FallibleTask { inner: self.inner.fallible(), joining: self.joining }
    }

    /// See [`async_task::Task::is_finished`](real::Task::is_finished).
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// See [`async_task::Task::metadata`](real::Task::metadata).
    pub fn metadata(&self) -> &M {
        self.inner.metadata()
    }
}

impl<T, M> FallibleTask<T, M> {
    /// See [`real::FallibleTask::detach`].
    pub fn detach(self) {
        self.inner.detach();
    }

    /// See [`real::FallibleTask::cancel`].
    pub async fn cancel(self) -> Option<T> {
        let FallibleTask { inner, joining } = self;
        joined(inner.cancel(), joining).await
    }

    /// See [`real::FallibleTask::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

/// A cancelled task may be in a poll, so the cancelling task also waits for its end.
async fn joined<F: Future>(future: F, mut joining: Joining) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| joining.poll(&EXECUTOR, cx, |cx| future.as_mut().poll(cx))).await
}

border!(out [T, M] Task<T, M> => real::Task<T, M>, self => {
    self.joining.hands_out();
    self.inner
});
border!(out [T, M] FallibleTask<T, M> => real::FallibleTask<T, M>, self => {
    self.joining.hands_out();
    self.inner
});
// An unobserved task: a wait for it counts as a wait for something foreign.
border!(in [T, M] real::Task<T, M> => Task<T, M>, inner => Task::new(inner, TaskRef::unseen()));
border!(in [T, M] real::FallibleTask<T, M> => FallibleTask<T, M>, inner => {
    FallibleTask { inner, joining: Joining::new(TaskRef::unseen()) }
});

impl<T, M> Future for Task<T, M> {
    type Output = T;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        this.joining.poll(&EXECUTOR, cx, |cx| Pin::new(&mut this.inner).poll(cx))
    }
}

impl<T, M> Future for FallibleTask<T, M> {
    type Output = Option<T>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        this.joining.poll(&EXECUTOR, cx, |cx| Pin::new(&mut this.inner).poll(cx))
    }
}

impl<T, M: fmt::Debug> fmt::Debug for Task<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T, M: fmt::Debug> fmt::Debug for FallibleTask<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
