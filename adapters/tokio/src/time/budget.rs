//! The timer of a timeout, and the task's cooperative budget.
//!
//! A value that uses up the budget at each poll must not keep the timer from firing. But a value that found the budget used
//! up must be polled again before the time is over.

use super::error::Elapsed;
use std::future::{Future, Pending};
use std::pin::Pin;
use std::task::{Context, Poll};

/// tokio's own timeout, of a future that is never ready.
pub(super) type Delay = real::time::Timeout<Pending<()>>;

/// The part of a timeout that looks after the budget.
#[derive(Default)]
pub(super) struct Budget {
    /// The time was over in an earlier poll that ended without budget.
    #[cfg(insight_before = "1.44.0")]
    was_over: bool,
}

#[cfg(not(insight_before = "1.44.0"))]
impl Budget {
    /// Whether the task may make progress in this poll. Without tokio's tasks there is no such budget.
    #[inline]
    pub(super) fn remains(&self) -> bool {
        #[cfg(feature = "rt")]
        return real::task::coop::has_budget_remaining();
        #[cfg(not(feature = "rt"))]
        true
    }

    /// Polls the timer after a value that is not ready; `remained`: there was budget for the value.
    #[inline]
    pub(super) fn poll_delay(&mut self, remained: bool, delay: Pin<&mut Delay>, cx: &mut Context<'_>) -> Poll<Elapsed> {
        match remained && !self.remains() {
            true => poll_unconstrained(delay, cx),
            false => elapsed(delay.poll(cx)),
        }
    }
}

/// tokio before 1.44 does not tell whether there is budget. Without it, tokio's timer wakes the task and is not ready.
#[cfg(insight_before = "1.44.0")]
impl Budget {
    pub(super) fn remains(&self) -> bool {
        true
    }

    /// As above. When the time is over and no budget is left, the value has one more poll.
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
