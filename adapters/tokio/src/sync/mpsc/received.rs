//! Results of receiving operations: they say how many messages have left the queue.

#[cfg(insight_before = "1.38.0")]
use insight_probe::Resource;
#[cfg(insight_before = "1.38.0")]
use std::task::Poll;

/// Any result: the receiver itself says how long the queue is.
#[cfg(not(insight_before = "1.38.0"))]
pub(super) trait Received {}

#[cfg(not(insight_before = "1.38.0"))]
impl<R> Received for R {}

/// The result of one operation. tokio before 1.38 does not say how long a receiver's queue is, so it is counted.
#[cfg(insight_before = "1.38.0")]
pub(super) trait Received {
    /// The messages that came.
    fn messages(&self) -> usize;

    /// Takes them from the channel's length.
    fn take_from(&self, channel: &Resource) {
        channel.take_length(self.messages());
    }
}

#[cfg(insight_before = "1.38.0")]
impl<T> Received for Option<T> {
    fn messages(&self) -> usize {
        usize::from(self.is_some())
    }
}

#[cfg(insight_before = "1.38.0")]
impl<T, E> Received for Result<T, E> {
    fn messages(&self) -> usize {
        usize::from(self.is_ok())
    }
}

/// Of operations that take many messages.
#[cfg(insight_before = "1.38.0")]
impl Received for usize {
    fn messages(&self) -> usize {
        *self
    }
}

#[cfg(insight_before = "1.38.0")]
impl<R: Received> Received for Poll<R> {
    fn messages(&self) -> usize {
        match self {
            Poll::Ready(result) => result.messages(),
            Poll::Pending => 0,
        }
    }

    /// A receiver that has to wait has found the queue empty.
    fn take_from(&self, channel: &Resource) {
        match self {
            Poll::Ready(result) => result.take_from(channel),
            Poll::Pending => channel.set_length(0),
        }
    }
}
