//! A future with a change to its output.

use insight_probe::{Acquirer, erase_old_copies};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

insight_probe::pin_project! {
    /// Made by [`map`].
    pub(crate) struct Map<F, G> {
        #[pin]
        inner: F,
        change: G,
    }
}

/// `inner` with its output changed by `change`, which gets this future as the acquirer of a guard. An `async` block would copy `inner` once more.
pub(crate) fn map<F, G, T>(inner: F, change: G) -> Map<F, G>
where
    F: Future,
    G: Fn(F::Output, Acquirer) -> T,
{
    Map { inner, change }
}

impl<F, G, T> Future for Map<F, G>
where
    F: Future,
    G: Fn(F::Output, Acquirer) -> T,
{
    type Output = T;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let by = Acquirer::operation(&*self);
        let this = self.project();
        let result = this.inner.poll(cx).map(|output| (this.change)(output, by));
        if result.is_ready() {
            erase_old_copies();
        }
        result
    }
}
