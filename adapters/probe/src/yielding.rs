//! Letting others go first.

use crate::{on, waker};
use std::future::{Future, poll_fn};
use std::pin::pin;

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
/// pub async fn yield_now() {
///     insight_probe::yielding(real_yield_now()).await
/// }
/// ```
pub async fn yielding(future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    poll_fn(|cx| match on() {
        true => waker::poll_yielding(cx, |cx| future.as_mut().poll(cx)),
        false => future.as_mut().poll(cx),
    })
    .await
}
