//! The timer of a timeout, and the task's cooperative budget.
//!
//! A value that uses up the budget at each poll must not keep the timer from firing. But a value that found the budget
//! used up must be polled again before the timeout fires.

use super::error::Elapsed;
use std::future::{Future, Pending};
use std::pin::Pin;
use std::task::{Context, Poll};

/// tokio's own timeout of a future that is never ready.
pub(super) type Delay = real::time::Timeout<Pending<()>>;

/// The part of a timeout that handles the budget.
#[derive(Default)]
pub(super) struct Budget {
    /// The time was over in an earlier poll, which had no budget left.
    #[cfg(insight_before = "1.44.0")]
    was_over: bool,
}

#[cfg(not(insight_before = "1.44.0"))]
impl Budget {
    /// Whether the task has budget in this poll. Without tokio's tasks there is no budget.
    #[inline]
    pub(super) fn remains(&self) -> bool {
        #[cfg(feature = "rt")]
        return real::task::coop::has_budget_remaining();
        #[cfg(not(feature = "rt"))]
        true
    }

    /// Polls the timer after a value that is not ready. `remained`: the value had budget.
    #[inline]
    pub(super) fn poll_delay(&mut self, remained: bool, delay: Pin<&mut Delay>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        match remained && !self.remains() {
            true => poll_unconstrained(delay, cx),
            false => elapsed(delay.poll(cx)),
        }
    }
}

/// tokio before 1.44 has no method for the budget. Without budget, its timer wakes the task and is not ready.
#[cfg(insight_before = "1.44.0")]
impl Budget {
    pub(super) fn remains(&self) -> bool {
        true
    }

    /// Polls the timer after a value that is not ready. When the time is over and no budget is left, the value has one
    /// more poll.
    pub(super) fn poll_delay(&mut self, _: bool, mut delay: Pin<&mut Delay>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        let over = poll_unconstrained(delay.as_mut(), cx);
        if over.is_pending() || delay.poll(cx).is_ready() || std::mem::replace(&mut self.was_over, true) {
            return over;
        }
        Poll::Pending
    }
}

fn poll_unconstrained(delay: Pin<&mut Delay>, cx: &mut Context<'_>) -> Poll<Elapsed> {
    #[cfg(feature = "rt")]
    let delay = std::pin::pin!(real::task::unconstrained(delay));
    elapsed(delay.poll(cx))
}

#[inline]
fn elapsed(polled: Poll<Result<(), Elapsed>>) -> Poll<Elapsed> {
    match polled {
        Poll::Ready(Err(elapsed)) => Poll::Ready(elapsed),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    }
}
