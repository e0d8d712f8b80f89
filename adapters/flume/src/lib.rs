//! flume, observed: each channel with its ends, the tasks that use them, and the tasks that wait.
//!
//! The facade takes its place: by `cargo insight` in a whole graph, or in a manifest by hand.
//!
//! ```
//! let (sender, receiver) = insight_flume::bounded(1);
//! sender.send(1).unwrap();
//! # #[cfg(feature = "async")]
//! assert_eq!(futures_lite::future::block_on(receiver.recv_async()), Ok(1));
//! ```
//!
//! # The design and its cost
//!
//! A blocking operation is a wait of the task on whose thread it blocks; it is tried first, and recorded only if it has to
//! wait. Operations with a deadline and `Selector` block without a recorded wait, since time or another channel may end
//! them: their task counts as running.
//!
//! flume tells the length of a channel under the channel's own lock, so while recording is on an operation takes that lock
//! once more. The sender that an owned sink gives out by `SendSink::sender` is a clone, which counts beside the sink.
//!
//! The facade takes versions from 0.11.0 on. Where the version in the graph is older than 0.11.1, the build sets
//! `insight_before = "0.11.1"`.

#[cfg(feature = "async")]
pub mod r#async;
mod iter;
mod receiver;
#[cfg(feature = "select")]
pub mod select;
mod sender;

pub use iter::{IntoIter, Iter, TryIter};
pub use real::*;
pub use receiver::Receiver;
#[cfg(feature = "select")]
pub use select::Selector;
pub use sender::{Sender, WeakSender};

use insight_probe::{ANY, Closing, End, HandOff, Handle, Op, Resource, Site, Type};
use std::panic::Location;

/// See [`flume::unbounded`](real::unbounded).
#[track_caller]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    observed(real::unbounded(), None, Location::caller())
}

/// See [`flume::bounded`](real::bounded).
#[track_caller]
pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    observed(real::bounded(cap), Some(cap), Location::caller())
}

fn observed<T>(
    (sender, receiver): (real::Sender<T>, real::Receiver<T>),
    capacity: Option<usize>,
    at: &'static Location<'static>,
) -> (Sender<T>, Receiver<T>) {
    let channel = resource(capacity, at);
    channel.set_length(0);
    let sending = End::new(channel.clone(), Handle::Sender, &ANY);
    let receiving = End::new(channel, Handle::Receiver, &ANY);
    (Sender { end: sending, inner: sender }, Receiver { end: receiving, inner: receiver })
}

fn resource(capacity: Option<usize>, at: &'static Location<'static>) -> Resource {
    Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), at, capacity)
}

/// What an operation is, and where it is awaited, if that is known.
fn site(op: Op, location: Option<&'static Location<'static>>) -> Site {
    Site { executor: &ANY, op, need: 1, location }
}

/// The questions that each part of a channel answers.
macro_rules! asked {
    ([$($generics:tt)*] $type:ty, $name:literal: $($method:ident -> $answer:ty),* $(,)?) => {
        impl<$($generics)*> $type {
            $(
                #[doc = concat!("See `flume::", $name, "::", stringify!($method), "`.")]
                pub fn $method(&self) -> $answer {
                    self.inner.$method()
                }
            )*
        }
    };
}

use asked;
