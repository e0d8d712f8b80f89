//! Results of receiving operations, and the number of messages that they took from the queue.

#[cfg(insight_before = "1.38.0")]
use std::task::Poll;

/// Any result: the receiver has a method for the length of the queue.
#[cfg(not(insight_before = "1.38.0"))]
pub(super) trait Received {}

#[cfg(not(insight_before = "1.38.0"))]
impl<R> Received for R {}

/// The result of one operation. Receivers of tokio before 1.38 have no method for the length of their queue.
#[cfg(insight_before = "1.38.0")]
pub(super) trait Received {
    /// Number of messages that the operation took. `None` if the queue was empty.
    fn messages(&self) -> Option<usize>;
}

#[cfg(insight_before = "1.38.0")]
impl<T> Received for Option<T> {
    fn messages(&self) -> Option<usize> {
        Some(usize::from(self.is_some()))
    }
}

#[cfg(insight_before = "1.38.0")]
impl<T, E> Received for Result<T, E> {
    fn messages(&self) -> Option<usize> {
        Some(usize::from(self.is_ok()))
    }
}

/// The result of an operation that takes many messages.
#[cfg(insight_before = "1.38.0")]
impl Received for usize {
    fn messages(&self) -> Option<usize> {
        Some(*self)
    }
}

#[cfg(insight_before = "1.38.0")]
impl<R: Received> Received for Poll<R> {
    fn messages(&self) -> Option<usize> {
        match self {
            Poll::Ready(result) => result.messages(),
            Poll::Pending => None,
        }
    }
}
