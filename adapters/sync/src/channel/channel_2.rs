//! The channels of async-channel 2, which smol has.

pub use async_channel_2::*;
pub use common::{Receiver, Recv, Send, Sender, WeakReceiver, WeakSender, bounded, unbounded};

use super::operation::operation;
use crate::executor::{calling, site};
use async_channel_2 as real;
use insight_probe::{Call, CallOutcome, Op, Waiting, on};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

// The same source for both versions, on purpose.
#[allow(clippy::duplicate_mod)]
#[path = "common.rs"]
mod common;

#[cfg(not(insight_before = "2.5.0"))]
operation!(Closed, Sender, Op::Closed, ());

#[cfg(not(insight_before = "2.5.0"))]
impl<T> Sender<T> {
    /// See [`async_channel::Sender::closed`](real::Sender::closed).
    #[cfg(not(insight_before = "2.5.0"))]
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        Closed::new(self, self.inner.closed(), Location::caller())
    }
}

#[cfg(not(insight_before = "2.3.0"))]
impl<T> Sender<T> {
    /// See [`async_channel::Sender::force_send`](real::Sender::force_send).
    #[cfg(not(insight_before = "2.3.0"))]
    #[track_caller]
    pub fn force_send(&self, msg: T) -> Result<Option<T>, SendError<T>> {
        let at = Location::caller();
        self.used(at);
        let call = calling(self.channel(), Call::Send, 1, at);
        let result = self.inner.force_send(msg);
        call.ends(|| if result.is_ok() { CallOutcome::Succeeded } else { CallOutcome::Closed });
        self.measure();
        result
    }
}

#[cfg(not(insight_before = "2.4.0"))]
impl<T> Sender<T> {
    /// See [`async_channel::Sender::same_channel`](real::Sender::same_channel).
    #[cfg(not(insight_before = "2.4.0"))]
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

#[cfg(not(insight_before = "2.4.0"))]
impl<T> Receiver<T> {
    /// See [`async_channel::Receiver::same_channel`](real::Receiver::same_channel).
    #[cfg(not(insight_before = "2.4.0"))]
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }
}
