//! Letting others go first.

use crate::{on, waker};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Awaits a future by which a task yields: it is pending once, and has the executor poll the task again after others.
///
/// Some executors wake such a task after its poll, from a list of their own, as tokio does. To the task that would look like
/// a wake from outside, by a waker of which nobody knows who has it; and the task, like an idle one until then. So the
/// executor's own waker goes there, and the wake counts as one that the task did itself, in its poll: that is what yielding
/// is. A future that wakes by `wake_by_ref` needs none of this.
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

/// What [`yielding`] returns.
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

/// A function of its own, so that what is not recorded keeps no registers for it.
#[inline(never)]
fn recording<F: Future<Output = ()>>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<()> {
    waker::poll_yielding(cx, |cx| future.poll(cx))
}
