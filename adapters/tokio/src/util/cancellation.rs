//! A token with observed waiters.

use super::{Signalled, signal};
use crate::named::named;
use crate::sync::calling::calling;
use insight_probe::{Call, LazyResource};
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio_util::sync as own;

/// See [`tokio_util::sync::CancellationToken`]. Its clones are one resource; a child is another.
#[derive(Clone)]
pub struct CancellationToken {
    resource: Arc<LazyResource>,
    inner: own::CancellationToken,
}

/// See [`tokio_util::sync::WaitForCancellationFuture`].
pub type WaitForCancellationFuture<'a> = Signalled<&'a LazyResource, own::WaitForCancellationFuture<'a>>;

/// See [`tokio_util::sync::WaitForCancellationFutureOwned`].
pub type WaitForCancellationFutureOwned = Signalled<Arc<LazyResource>, own::WaitForCancellationFutureOwned>;

impl CancellationToken {
    /// See [`tokio_util::sync::CancellationToken::new`].
    #[track_caller]
    pub fn new() -> CancellationToken {
        own::CancellationToken::new().into()
    }

    /// See [`tokio_util::sync::CancellationToken::child_token`].
    #[track_caller]
    pub fn child_token(&self) -> CancellationToken {
        self.inner.child_token().into()
    }

    /// See [`tokio_util::sync::CancellationToken::cancel`].
    #[track_caller]
    pub fn cancel(&self) {
        let call = calling(&*self.resource, Call::NotifyWaiters, 1, Location::caller());
        self.inner.cancel();
        call.succeeded();
    }

    /// See [`tokio_util::sync::CancellationToken::is_cancelled`].
    pub fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }

    /// See [`tokio_util::sync::CancellationToken::cancelled`].
    #[track_caller]
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        Signalled::new(&self.resource, self.inner.cancelled(), Location::caller())
    }

    /// See [`tokio_util::sync::CancellationToken::cancelled_owned`].
    #[track_caller]
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        Signalled::new(self.resource, self.inner.cancelled_owned(), Location::caller())
    }

    /// See [`tokio_util::sync::CancellationToken::drop_guard`].
    pub fn drop_guard(self) -> DropGuard {
        DropGuard { inner: self.inner.clone().drop_guard(), token: self }
    }

    /// See [`tokio_util::sync::CancellationToken::drop_guard_ref`].
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef { inner: self.inner.drop_guard_ref(), token: self }
    }

    /// See [`tokio_util::sync::CancellationToken::run_until_cancelled`].
    #[track_caller]
    pub fn run_until_cancelled<F: Future>(&self, fut: F) -> impl Future<Output = Option<F::Output>> + use<'_, F> {
        let cancelled = self.cancelled();
        async move { until(self, cancelled, fut).await }
    }

    /// See [`tokio_util::sync::CancellationToken::run_until_cancelled_owned`].
    #[track_caller]
    pub fn run_until_cancelled_owned<F: Future>(self, fut: F) -> impl Future<Output = Option<F::Output>> {
        let at = Location::caller();
        async move {
            let cancelled = Signalled::new(&*self.resource, self.inner.cancelled(), at);
            until(&self, cancelled, fut).await
        }
    }
}

/// Runs `work` until it is done or the token is cancelled. `work` is polled first. A token that was cancelled before
/// runs nothing.
async fn until<F: Future>(token: &CancellationToken, cancelled: impl Future, work: F) -> Option<F::Output> {
    if token.is_cancelled() {
        return None;
    }
    let (mut cancelled, mut work) = (pin!(cancelled), pin!(work));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => cancelled.as_mut().poll(cx).map(|_| None),
    })
    .await
}

impl Default for CancellationToken {
    #[track_caller]
    fn default() -> Self {
        CancellationToken::new()
    }
}

impl PartialEq for CancellationToken {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for CancellationToken {}

impl Hash for CancellationToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

named!([] CancellationToken, self => &self.resource);

/// tokio-util's own token, such as a library returns, observed from now on.
impl From<own::CancellationToken> for CancellationToken {
    #[track_caller]
    fn from(inner: own::CancellationToken) -> Self {
        CancellationToken { resource: signal(Location::caller()), inner }
    }
}

/// The tokio-util token inside, for code that asks for one.
impl From<CancellationToken> for own::CancellationToken {
    fn from(token: CancellationToken) -> Self {
        token.inner
    }
}

/// See [`tokio_util::sync::DropGuard`].
#[derive(Debug)]
pub struct DropGuard {
    inner: own::DropGuard,
    token: CancellationToken,
}

impl DropGuard {
    /// See [`tokio_util::sync::DropGuard::token`].
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// See [`tokio_util::sync::DropGuard::disarm`].
    pub fn disarm(self) -> CancellationToken {
        self.inner.disarm();
        self.token
    }
}

/// See [`tokio_util::sync::DropGuardRef`].
#[derive(Debug)]
pub struct DropGuardRef<'a> {
    inner: own::DropGuardRef<'a>,
    token: &'a CancellationToken,
}

impl<'a> DropGuardRef<'a> {
    /// See [`tokio_util::sync::DropGuardRef::token`].
    pub fn token(&self) -> &CancellationToken {
        self.token
    }

    /// See [`tokio_util::sync::DropGuardRef::disarm`].
    pub fn disarm(self) -> &'a CancellationToken {
        self.inner.disarm();
        self.token
    }
}
