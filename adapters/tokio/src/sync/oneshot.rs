//! tokio's `sync::oneshot`, observed: see [`tokio::sync::oneshot`](real::sync::oneshot).
//!
//! The ends are small, since a program may make a channel for each request: see [`OneshotEnd`].

pub use real::sync::oneshot::error;

use self::error::{RecvError, TryRecvError};
use crate::border::border;
use crate::executor::EXECUTOR;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{
    Blocking, Call, CallOutcome, Calling, OneshotEnd, Op, Role, Waiting, on, records_operations, waiting,
};
use real::sync::oneshot as tokio;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// See [`tokio::sync::oneshot::channel`](real::sync::oneshot::channel).
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel();
    let (sending, receiving) = OneshotEnd::pair(&EXECUTOR, Location::caller());
    let receiver = Receiver { waiting: Waiting::new(), end: receiving, inner: receiver };
    (Sender { end: sending, inner: sender }, receiver)
}

/// See [`tokio::sync::oneshot::Sender`](real::sync::oneshot::Sender).
pub struct Sender<T> {
    end: Option<OneshotEnd>,
    inner: tokio::Sender<T>,
}

/// See [`tokio::sync::oneshot::Receiver`](real::sync::oneshot::Receiver).
///
/// The receiver itself is the future that waits, so the line of its `.await` is unknown. A wait by reference, such as
/// `select!` on `&mut receiver`, stays open until the receiver is used again or dropped, since we cannot observe that
/// the program gives it up.
// Not `must_use`, like tokio's: hyper's tests drop one, and deny warnings.
pub struct Receiver<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: Option<OneshotEnd>,
    inner: tokio::Receiver<T>,
}

impl<T> Sender<T> {
    /// See [`tokio::sync::oneshot::Sender::send`](real::sync::oneshot::Sender::send).
    #[track_caller]
    pub fn send(self, t: T) -> Result<(), T> {
        let call = calling_at(&self.end, Call::Send, Location::caller());
        if let Some(end) = &self.end {
            end.sends();
        }
        let result = self.inner.send(t);
        if let Some(call) = call {
            call.ends(|| if result.is_ok() { CallOutcome::Succeeded } else { CallOutcome::Closed });
        }
        result
    }

    /// See [`tokio::sync::oneshot::Sender::closed`](real::sync::oneshot::Sender::closed).
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            match self.end.as_ref().and_then(|end| end.used(at)) {
                Some(resource) => waiting(resource, site(Op::Closed, 1, at), self.inner.closed()).await,
                None => self.inner.closed().await,
            }
        }
    }

    /// See [`tokio::sync::oneshot::Sender::is_closed`](real::sync::oneshot::Sender::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`tokio::sync::oneshot::Sender::poll_closed`](real::sync::oneshot::Sender::poll_closed).
    ///
    /// A poll without a result does not record a wait, since we could not observe its end.
    #[track_caller]
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(end) = &self.end {
            end.used(Location::caller());
        }
        self.inner.poll_closed(cx)
    }
}

impl<T> Receiver<T> {
    /// See [`tokio::sync::oneshot::Receiver::close`](real::sync::oneshot::Receiver::close).
    #[track_caller]
    pub fn close(&mut self) {
        let call = calling_at(&self.end, Call::Close, Location::caller());
        self.inner.close();
        if let Some(call) = call {
            call.succeeded();
        }
    }

    /// See [`tokio::sync::oneshot::Receiver::try_recv`](real::sync::oneshot::Receiver::try_recv).
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // The receiver is borrowed exclusively, so no poll of it waits.
        self.waiting = Waiting::new();
        let call = calling_at(&self.end, Call::Recv, Location::caller());
        let result = self.inner.try_recv();
        if let Some(call) = call {
            call.ends(|| outcome(&result));
        }
        result
    }

    /// See [`tokio::sync::oneshot::Receiver::blocking_recv`](real::sync::oneshot::Receiver::blocking_recv).
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        let Receiver { waiting, end, inner } = self;
        drop(waiting);
        let at = Location::caller();
        let resource = end.as_ref().and_then(|end| end.used(at));
        let _blocking = resource.map(|resource| Blocking::new(resource, &site(Op::Recv, 1, at)));
        inner.blocking_recv()
    }
}

#[cfg(not(insight_before = "1.44.0"))]
impl<T> Receiver<T> {
    /// See [`tokio::sync::oneshot::Receiver::is_terminated`](real::sync::oneshot::Receiver::is_terminated).
    pub fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }

    /// See [`tokio::sync::oneshot::Receiver::is_empty`](real::sync::oneshot::Receiver::is_empty).
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Receiver { waiting, end, inner } = self.get_mut();
        let inner = Pin::new(inner);
        // A result that is there already ends no wait, so below detail `operations` its channel need not be recorded.
        let resource = match end {
            Some(end) if on() && (records_operations() || awaits(end, &inner)) => end.used(Location::caller()),
            _ => None,
        };
        match resource {
            Some(resource) => {
                let site = site(Op::RecvOnce, 1, Location::caller());
                waiting.poll(resource, &site, cx, |cx| inner.poll(cx))
            }
            None => {
                *waiting = Waiting::new();
                inner.poll(cx)
            }
        }
    }
}

/// An operation of this end that does not wait, at detail `operations`; below it, the channel need not be recorded for it.
#[inline]
fn calling_at(end: &Option<OneshotEnd>, call: Call, at: &'static Location<'static>) -> Option<Calling> {
    let end = end.as_ref().filter(|_| records_operations())?;
    Some(calling(end.used(at)?, call, 1, at))
}

/// Whether a poll of the receiver would find no result.
#[cfg(not(insight_before = "1.44.0"))]
#[inline]
fn awaits<T>(_: &OneshotEnd, inner: &tokio::Receiver<T>) -> bool {
    inner.is_empty()
}

/// Whether a poll of the receiver would find no result. tokio before 1.44 has no `is_empty`, but a sender that has sent
/// is gone.
#[cfg(insight_before = "1.44.0")]
fn awaits<T>(end: &OneshotEnd, _: &tokio::Receiver<T>) -> bool {
    !end.other_is_gone()
}

border!(out [T] Sender<T> => tokio::Sender<T>, self => {
    self.end.into_iter().for_each(OneshotEnd::leave);
    self.inner
});
border!(in [T] tokio::Sender<T> => Sender<T>, inner => {
    Sender { end: OneshotEnd::beside_unobserved(Role::Sender, &EXECUTOR, Location::caller()), inner }
});
border!(out [T] Receiver<T> => tokio::Receiver<T>, self => {
    let Receiver { waiting, end, inner } = self;
    drop(waiting);
    end.into_iter().for_each(OneshotEnd::leave);
    inner
});
border!(in [T] tokio::Receiver<T> => Receiver<T>, inner => {
    let end = OneshotEnd::beside_unobserved(Role::Receiver, &EXECUTOR, Location::caller());
    Receiver { waiting: Waiting::new(), end, inner }
});

named!([T] Sender<T>, self => &self.end);
named!([T] Receiver<T>, self => &self.end);

impl<T> fmt::Debug for Sender<T>
where
    tokio::Sender<T>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> fmt::Debug for Receiver<T>
where
    tokio::Receiver<T>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
