//! Yielding to other tasks.

use crate::{on, waker};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Awaits a future by which a task yields: it is pending once, and has the executor poll the task again after others.
///
/// Some executors, such as tokio, wake such a task after its poll, from a list of their own. With a usual waker that would
/// look like a wake from outside by something unknown, and until then the task would look idle. So the future gets the
/// executor's own waker, and the wake counts as one by the task itself, in its poll. A future that wakes by `wake_by_ref`
/// needs none of this.
///
/// ```
/// # use std::future::Future;
/// # fn real_yield_now() -> impl Future<Output = ()> { std::future::ready(()) }
/// pub fn yield_now() -> impl Future<Output = ()> {
///     insight_probe::yielding(real_yield_now())
/// }
/// ```
#[inline]
pub fn yielding<F: Future<Output = ()>>(future: F) -> Yielding<F> {
    Yielding(future)
}

/// The future of [`yielding`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Yielding<F>(F);

impl<F: Future<Output = ()>> Future for Yielding<F> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the field is pinned as its struct is: nothing moves out of it, and there is no `Drop` of the struct's own.
        let future = unsafe { self.map_unchecked_mut(|it| &mut it.0) };
        if on() { recording(future, cx) } else { future.poll(cx) }
    }
}

/// A separate function, so that an unrecorded task saves no registers for it.
#[inline(never)]
fn recording<F: Future<Output = ()>>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<()> {
    waker::poll_yielding(cx, |cx| future.poll(cx))
}
