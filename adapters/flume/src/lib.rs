//! flume, with its channels, their ends, and the tasks that use them or wait visible to insight.
//!
//! `cargo insight` puts the facade in its place in a whole graph, or you do so in a manifest.
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
//! A blocking operation is a wait of the task on whose thread it blocks. It is tried first, and recorded only if it has
//! to wait. Operations with a deadline and `Selector` block without a recorded wait, since time or another channel may
//! end them. Their task counts as running.
//!
//! At detail `operations` the sends and receives of a `Selector`, and `Receiver::drain`, are not recorded.
//!
//! flume reads the length of a channel under the channel's own lock, so while recording is on an operation takes that
//! lock once more. `SendSink::sender` of an owned sink returns a clone of its sender, which counts as another sender.
//!
//! The facade supports versions from 0.11.0 on. If the version in the graph is older than 0.11.1, the build sets
//! `insight_before = "0.11.1"`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

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

use insight_probe::{ANY, Call, CallOutcome, Calling, Closing, End, HandOff, Handle, Op, Resource, Site, Type};
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

/// An operation, and the location of its `.await` if that is known.
fn site(op: Op, location: Option<&'static Location<'static>>) -> Site {
    Site { executor: &ANY, op, need: 1, location }
}

/// A blocking operation, or one that does not wait.
#[inline]
fn calling(end: &End, call: Call, at: &'static Location<'static>) -> Calling {
    Calling::new(end.channel(), call, 1, &ANY, at)
}

/// The result of an operation.
trait Ended {
    /// Its outcome.
    fn outcome(&self) -> CallOutcome;
}

/// The outcome of each error, from a list.
macro_rules! ended {
    ($($error:ty $(where $generic:ident)? => { $($pattern:pat => $outcome:ident),+ $(,)? };)+) => {
        $(impl<R $(, $generic)?> Ended for Result<R, $error> {
            fn outcome(&self) -> CallOutcome {
                match self {
                    Ok(_) => CallOutcome::Succeeded,
                    $(Err($pattern) => CallOutcome::$outcome,)+
                }
            }
        })+
    };
}

ended! {
    SendError<T> where T => { _ => Closed };
    TrySendError<T> where T => { TrySendError::Full(_) => Unavailable, TrySendError::Disconnected(_) => Closed };
    SendTimeoutError<T> where T => { SendTimeoutError::Timeout(_) => Unavailable, SendTimeoutError::Disconnected(_) => Closed };
    RecvError => { _ => Closed };
    TryRecvError => { TryRecvError::Empty => Unavailable, TryRecvError::Disconnected => Closed };
    RecvTimeoutError => { RecvTimeoutError::Timeout => Unavailable, RecvTimeoutError::Disconnected => Closed };
}

/// The methods of each part of a channel that ask about it.
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
