//! Waiting for a time at most.

use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use real::future::TimeoutError;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The output of `value`, or the error of `delay`, which is made with the time that is left and is ready when it is
/// over.
///
/// The value is beside the delay and not within, so that what the value waits for and the timer are two waits. The time
/// begins with the first poll, and the value is polled first: as async-std's own timeouts do.
pub(crate) async fn within<V, D, E>(
    duration: Duration,
    value: V,
    delay: impl FnOnce(Duration) -> D,
    at: &'static Location<'static>,
) -> Result<V::Output, E>
where
    V: Future,
    D: Future<Output = Result<Infallible, E>>,
{
    let mut value = pin!(value);
    let mut timer = pin!(None);
    let mut delay = Some(delay);
    let mut sleeping = Sleeping::with_own_waker(at);
    poll_fn(|cx| {
        let start = delay.is_some().then(Instant::now);
        if let Poll::Ready(output) = value.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if let (Some(start), Some(delay)) = (start, delay.take()) {
            timer.set(Some(delay(duration.saturating_sub(start.elapsed()))));
        }
        let timer = timer.as_mut().as_pin_mut().expect("made in the first poll");
        sleeping.poll(&EXECUTOR, cx, |cx| timer.poll(cx)).map(|Err(elapsed)| Err(elapsed))
    })
    .await
}

/// The delay of what has async-std's own error: only its `timeout` can make one.
pub(crate) fn elapsed(rest: Duration) -> impl Future<Output = Result<Infallible, TimeoutError>> {
    real::future::timeout(rest, pending())
}
