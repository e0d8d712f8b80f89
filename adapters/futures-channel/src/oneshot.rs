//! Channels for one message: see [`futures_channel::oneshot`](real::oneshot).

pub use real::oneshot::*;

use crate::calling;
use crate::site;
use futures_core::FusedFuture;
use insight_probe::{
    ANY, AsResource, Call, CallOutcome, Calling, OneshotEnd, Op, ResourceCell, Role, Waiting, on, records_operations,
};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// See [`futures_channel::oneshot::channel`](real::oneshot::channel).
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = real::oneshot::channel();
    let (sending, receiving) = OneshotEnd::pair(&ANY, Location::caller());
    (
        Sender { waiting: Waiting::new(), end: sending, inner: sender },
        Receiver { waiting: Waiting::new(), end: receiving, inner: receiver },
    )
}

/// See [`futures_channel::oneshot::Sender`](real::oneshot::Sender).
pub struct Sender<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: Option<OneshotEnd>,
    inner: real::oneshot::Sender<T>,
}

/// See [`futures_channel::oneshot::Receiver`](real::oneshot::Receiver).
///
/// The receiver itself is the future that waits. A wait by reference, such as `select!` on `&mut receiver`, stays open
/// until the receiver is used again or dropped, since we cannot observe that the program gives it up.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Receiver<T> {
    // The first field, so that the wait ends before the channel does.
    waiting: Waiting,
    end: Option<OneshotEnd>,
    inner: real::oneshot::Receiver<T>,
}

/// See [`futures_channel::oneshot::Cancellation`](real::oneshot::Cancellation).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Cancellation<'a, T> {
    waiting: Waiting,
    at: &'static Location<'static>,
    inner: &'a mut Sender<T>,
}

impl<T> Sender<T> {
    /// See [`futures_channel::oneshot::Sender::send`](real::oneshot::Sender::send).
    #[track_caller]
    pub fn send(self, t: T) -> Result<(), T> {
        let Sender { waiting, end, inner } = self;
        drop(waiting);
        let call = calling_at(&end, Call::Send, Location::caller());
        if let Some(end) = &end {
            end.sends();
        }
        let result = inner.send(t);
        if let Some(call) = call {
            call.ends(|| if result.is_ok() { CallOutcome::Succeeded } else { CallOutcome::Closed });
        }
        result
    }

    /// See [`futures_channel::oneshot::Sender::poll_canceled`](real::oneshot::Sender::poll_canceled).
    #[track_caller]
    pub fn poll_canceled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Sender { waiting, end, inner } = self;
        let at = Location::caller();
        poll_canceled(inner, waiting, end, at, cx)
    }

    /// See [`futures_channel::oneshot::Sender::cancellation`](real::oneshot::Sender::cancellation).
    #[track_caller]
    pub fn cancellation(&mut self) -> Cancellation<'_, T> {
        Cancellation { waiting: Waiting::new(), at: Location::caller(), inner: self }
    }

    /// See [`futures_channel::oneshot::Sender::is_canceled`](real::oneshot::Sender::is_canceled).
    pub fn is_canceled(&self) -> bool {
        self.inner.is_canceled()
    }

    /// See [`futures_channel::oneshot::Sender::is_connected_to`](real::oneshot::Sender::is_connected_to).
    pub fn is_connected_to(&self, receiver: &Receiver<T>) -> bool {
        self.inner.is_connected_to(&receiver.inner)
    }

    /// The real end, for a crate that takes it. Its uses from then on are unobserved.
    pub fn into_inner(self) -> real::oneshot::Sender<T> {
        let Sender { waiting, end, inner } = self;
        drop(waiting);
        end.into_iter().for_each(OneshotEnd::leave);
        inner
    }
}

/// An operation of this end that does not wait, at detail `operations`; below it, the channel need not be recorded for it.
#[inline]
fn calling_at(end: &Option<OneshotEnd>, call: Call, at: &'static Location<'static>) -> Option<Calling> {
    let end = end.as_ref().filter(|_| records_operations())?;
    Some(calling(end.used(at)?, call, at))
}

fn outcome<T>(result: &Result<Option<T>, Canceled>) -> CallOutcome {
    match result {
        Ok(Some(_)) => CallOutcome::Succeeded,
        Ok(None) => CallOutcome::Unavailable,
        Err(_) => CallOutcome::Closed,
    }
}

fn poll_canceled<T>(
    inner: &mut real::oneshot::Sender<T>,
    waiting: &mut Waiting,
    end: &Option<OneshotEnd>,
    at: &'static Location<'static>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    // We record nothing of a closed channel, unless a task has waited on it.
    let end = end.as_ref().filter(|_| on() && !inner.is_canceled());
    match end.and_then(|end| end.used(at)) {
        Some(channel) => waiting.poll(channel, &site(Op::Closed, Some(at)), cx, |cx| inner.poll_canceled(cx)),
        None => {
            *waiting = Waiting::new();
            inner.poll_canceled(cx)
        }
    }
}

impl<T> Future for Cancellation<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Cancellation { waiting, at, inner } = self.get_mut();
        // The program polled for this wait, and has given it up.
        inner.waiting = Waiting::new();
        poll_canceled(&mut inner.inner, waiting, &inner.end, at, cx)
    }
}

impl<T> Receiver<T> {
    /// See [`futures_channel::oneshot::Receiver::close`](real::oneshot::Receiver::close).
    #[track_caller]
    pub fn close(&mut self) {
        self.waiting = Waiting::new();
        let call = calling_at(&self.end, Call::Close, Location::caller());
        self.inner.close();
        call.into_iter().for_each(Calling::succeeded);
    }

    /// See [`futures_channel::oneshot::Receiver::try_recv`](real::oneshot::Receiver::try_recv).
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<Option<T>, Canceled> {
        self.waiting = Waiting::new();
        let call = calling_at(&self.end, Call::Recv, Location::caller());
        let result = self.inner.try_recv();
        if let Some(call) = call {
            call.ends(|| outcome(&result));
        }
        result
    }

    /// The real end, for a crate that takes it. Its uses from then on are unobserved.
    pub fn into_inner(self) -> real::oneshot::Receiver<T> {
        let Receiver { waiting, end, inner } = self;
        drop(waiting);
        end.into_iter().for_each(OneshotEnd::leave);
        inner
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Canceled>;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Canceled>> {
        let Receiver { waiting, end, inner } = self.get_mut();
        if let Some(end) = end.as_ref().filter(|_| on()) {
            // The poll takes a message that is there. Below detail `operations` we record nothing of the channel, unless a task
            // has waited on it.
            let received = if records_operations() { Ok(None) } else { inner.try_recv() };
            match received {
                Ok(None) => {}
                Ok(Some(message)) => {
                    *waiting = Waiting::new();
                    return Poll::Ready(Ok(message));
                }
                Err(canceled) => {
                    *waiting = Waiting::new();
                    return Poll::Ready(Err(canceled));
                }
            }
            let at = Location::caller();
            if let Some(channel) = end.used(at) {
                let site = site(Op::RecvOnce, Some(at));
                return waiting.poll(channel, &site, cx, |cx| Pin::new(inner).poll(cx));
            }
        }
        *waiting = Waiting::new();
        Pin::new(inner).poll(cx)
    }
}

impl<T> FusedFuture for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<T> fmt::Debug for Cancellation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("inner", &self.inner).finish()
    }
}

/// The traits of both ends.
macro_rules! end {
    ($name:ident, $role:expr) => {
        // The real ends are never pinned. The type of a message does not matter.
        impl<T> Unpin for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl<T> AsResource for $name<T> {
            fn cell(&self) -> Option<&Arc<ResourceCell>> {
                self.end.cell()
            }
        }

        impl<T> From<$name<T>> for real::oneshot::$name<T> {
            fn from(end: $name<T>) -> Self {
                end.into_inner()
            }
        }

        impl<T> From<real::oneshot::$name<T>> for $name<T> {
            /// The end is observed from now on. The other end of its channel is not.
            #[track_caller]
            fn from(inner: real::oneshot::$name<T>) -> Self {
                let end = OneshotEnd::beside_unobserved($role, &ANY, Location::caller());
                $name { waiting: Waiting::new(), end, inner }
            }
        }
    };
}

end!(Sender, Role::Sender);
end!(Receiver, Role::Receiver);
