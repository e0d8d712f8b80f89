//! A wait with a time limit.

use crate::executor::EXECUTOR;
use insight_probe::Sleeping;
use real::future::TimeoutError;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The output of `value`, or the error of `delay`. We make `delay` with the time that is left, and it is ready when
/// that has passed.
///
/// The value is not inside the delay, so that the wait of the value and the timer are two waits. The time begins with
/// the first poll, and the value is polled first, as in async-std's own timeouts.
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

/// The delay with async-std's own error, which only its `timeout` can make.
pub(crate) fn elapsed(rest: Duration) -> impl Future<Output = Result<Infallible, TimeoutError>> {
    real::future::timeout(rest, pending())
}
