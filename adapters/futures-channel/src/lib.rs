//! futures-channel, with its channels, their ends, and the tasks that use them or wait visible to insight.
//!
//! `futures::channel` is this crate, and the bodies of hyper's messages are built on it. `cargo insight` puts the
//! facade in its place in a whole graph, or you do so in a manifest.
//!
//! ```
//! use futures_lite::{StreamExt, future::block_on};
//! use insight_futures_channel::{mpsc, oneshot};
//!
//! let (sender, mut receiver) = mpsc::unbounded();
//! sender.unbounded_send(7).unwrap();
//! assert_eq!(block_on(receiver.next()), Some(7));
//! let (sender, receiver) = oneshot::channel();
//! sender.send(8).unwrap();
//! assert_eq!(block_on(receiver), Ok(8));
//! ```
//!
//! # The design and its cost
//!
//! Most waits here happen in a `poll` of the end itself: `poll_next`, `poll_ready`, `poll_canceled`. So the wait lies
//! in the end. It opens with a pending poll, and closes with a ready one, with any other use of the end, or with its
//! drop. A stream's wait has no location, because `poll_next` does not know its caller.
//!
//! The facade supports versions from 0.3.28 on. If the version in the graph lacks items of a later one, the build sets
//! `insight_before = "0.3.31"` or `"0.3.32"`. Without the feature `std` the facade is futures-channel itself.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(all(feature = "alloc", not(feature = "std"), target_has_atomic = "ptr"))]
pub use real::oneshot;

#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
pub mod mpsc;
#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
pub mod oneshot;

/// An operation, and the location of its `.await` if that is known.
#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
fn site(op: insight_probe::Op, location: Option<&'static std::panic::Location<'static>>) -> insight_probe::Site {
    insight_probe::Site { executor: &insight_probe::ANY, op, need: 1, location }
}

/// An operation that does not wait, and is about to be called.
#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
#[inline]
fn calling(
    channel: &insight_probe::Resource,
    call: insight_probe::Call,
    at: &'static std::panic::Location<'static>,
) -> insight_probe::Calling {
    insight_probe::Calling::new(channel, call, 1, &insight_probe::ANY, at)
}
