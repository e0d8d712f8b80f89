//! Operations that do not wait, which are recorded at detail `operations`.

use crate::executor::EXECUTOR;
use insight_probe::{AsResource, Call, CallOutcome, Calling};
use real::sync::{SetError, TryAcquireError, TryLockError, broadcast, mpsc, oneshot, watch};
use std::panic::Location;

/// An operation that is about to be called, at `at`.
#[inline]
pub(crate) fn calling(resource: &impl AsResource, call: Call, units: usize, at: &'static Location<'static>) -> Calling {
    Calling::new(resource, call, units, &EXECUTOR, at)
}

/// The outcome of an operation with this result.
pub(crate) fn outcome<T, E: Failure>(result: &Result<T, E>) -> CallOutcome {
    result.as_ref().map_or_else(Failure::outcome, |_| CallOutcome::Succeeded)
}

/// The outcome of a receive with this message.
pub(crate) fn received<T>(message: &Option<T>) -> CallOutcome {
    if message.is_some() { CallOutcome::Succeeded } else { CallOutcome::Closed }
}

/// An error of an operation.
pub(crate) trait Failure {
    /// The outcome that it stands for.
    fn outcome(&self) -> CallOutcome;
}

/// The outcome of each error, from a list.
macro_rules! failures {
    ($($error:ty $(where $generic:ident)? => { $($pattern:pat => $outcome:ident),+ $(,)? };)+) => {
        $(impl$(<$generic>)? Failure for $error {
            fn outcome(&self) -> CallOutcome {
                match self {
                    $($pattern => CallOutcome::$outcome,)+
                }
            }
        })+
    };
}

failures! {
    TryLockError => { _ => Unavailable };
    TryAcquireError => { TryAcquireError::NoPermits => Unavailable, TryAcquireError::Closed => Closed };
    SetError<T> where T => { SetError::InitializingError(_) => Unavailable, SetError::AlreadyInitializedError(_) => Failed };
    mpsc::error::SendError<T> where T => { _ => Closed };
    mpsc::error::TrySendError<T> where T => {
        mpsc::error::TrySendError::Full(_) => Unavailable,
        mpsc::error::TrySendError::Closed(_) => Closed,
    };
    mpsc::error::TryRecvError => {
        mpsc::error::TryRecvError::Empty => Unavailable,
        mpsc::error::TryRecvError::Disconnected => Closed,
    };
    oneshot::error::RecvError => { _ => Closed };
    oneshot::error::TryRecvError => {
        oneshot::error::TryRecvError::Empty => Unavailable,
        oneshot::error::TryRecvError::Closed => Closed,
    };
    broadcast::error::SendError<T> where T => { _ => Closed };
    broadcast::error::TryRecvError => {
        broadcast::error::TryRecvError::Empty => Unavailable,
        broadcast::error::TryRecvError::Closed => Closed,
        broadcast::error::TryRecvError::Lagged(_) => Failed,
    };
    watch::error::SendError<T> where T => { _ => Closed };
}

#[cfg(not(insight_before = "1.47.0"))]
failures! {
    real::sync::SetOnceError<T> where T => { _ => Failed };
}
