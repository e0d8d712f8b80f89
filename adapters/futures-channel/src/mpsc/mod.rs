//! Channels with many senders: see [`futures_channel::mpsc`](real::mpsc).
//!
//! A bounded channel has room for its `buffer` and one more message of each sender. While a sender waits, the channel
//! has more messages than `buffer`. So insight shows `buffer + 1` as the capacity. The channel is then exactly full for
//! one sender, and has more messages than its capacity when several senders wait.

mod receiver;
mod sender;

pub use real::mpsc::*;
#[cfg(not(insight_before = "0.3.32"))]
pub use receiver::Recv;
pub use receiver::{Receiver, UnboundedReceiver};
pub use sender::{Sender, UnboundedSender};

use insight_probe::{ANY, Closing, End, HandOff, Handle, Resource, Type};
use std::panic::Location;

/// See [`futures_channel::mpsc::channel`](real::mpsc::channel).
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = real::mpsc::channel(buffer);
    let (sending, receiving) = ends(Some(buffer + 1), Location::caller());
    (Sender::new(sending, sender), Receiver::new(receiving, receiver))
}

/// See [`futures_channel::mpsc::unbounded`](real::mpsc::unbounded).
#[track_caller]
pub fn unbounded<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = real::mpsc::unbounded();
    let (sending, receiving) = ends(None, Location::caller());
    (UnboundedSender::new(sending, sender), UnboundedReceiver::new(receiving, receiver))
}

fn ends(capacity: Option<usize>, at: &'static Location<'static>) -> (End, End) {
    let channel = resource(capacity, at);
    channel.set_length(0);
    (End::new(channel.clone(), Handle::Sender, &ANY), End::new(channel, Handle::Receiver, &ANY))
}

fn resource(capacity: Option<usize>, at: &'static Location<'static>) -> Resource {
    Resource::new(Type::Channel(HandOff::Fifo, Closing::ByAny), at, capacity)
}

/// The documentation of a method that futures-channel has too.
macro_rules! see {
    ($name:ident, $method:ident) => {
        concat!(
            "See [`futures_channel::mpsc::",
            stringify!($name),
            "::",
            stringify!($method),
            "`](real::mpsc::",
            stringify!($name),
            "::",
            stringify!($method),
            ")."
        )
    };
}

use see;
