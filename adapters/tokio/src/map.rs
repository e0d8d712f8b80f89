//! A future whose output is changed once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Made by [`map`].
pub(crate) struct Map<F, G> {
    inner: F,
    change: Option<G>,
}

/// `inner` with its output changed by `change`: an `async` block would do, and copies `inner` once more.
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
        // SAFETY: `inner` is pinned structurally: it is never moved, and dropped in place; `change` is not pinned.
        let (inner, change) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.inner), &mut this.change)
        };
        inner.poll(cx).map(|output| change.take().expect("not polled after it was ready")(output))
    }
}
