//! A future with a change to its output.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

insight_probe::pin_project! {
    /// Made by [`map`].
    pub(crate) struct Map<F, G> {
        #[pin]
        inner: F,
        change: Option<G>,
    }
}

/// `inner` with its output changed by `change`. An `async` block would copy `inner` once more.
pub(crate) fn map<F, G, T>(inner: F, change: G) -> Map<F, G>
where
    F: Future,
    G: FnOnce(F::Output) -> T,
{
    Map { inner, change: Some(change) }
}

impl<F, G, T> Future for Map<F, G>
where
    F: Future,
    G: FnOnce(F::Output) -> T,
{
    type Output = T;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        this.inner.poll(cx).map(|output| this.change.take().expect("not polled after it was ready")(output))
    }
}
