//! futures-channel, observed: each channel with its ends, the tasks that use them, and the tasks that wait.
//!
//! `futures::channel` is this crate, and so are the bodies of hyper's messages and much else. The facade takes its place: by
//! `cargo insight` in a whole graph, or in a manifest by hand.
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
//! Most waits here happen in a `poll` of the end itself: `poll_next`, `poll_ready`, `poll_canceled`. So the wait lies in the
//! end. It opens with a poll that is pending, and closes with one that is ready, with any other use of the end, or with its
//! drop. A stream's wait has no location, for `poll_next` does not know its caller.
//!
//! The facade takes versions from 0.3.28 on. Where the version in the graph is older than one that has added items, the
//! build sets `insight_before = "0.3.31"` or `"0.3.32"`. Without the feature `std` it is futures-channel itself.

#[cfg(all(feature = "alloc", not(feature = "std"), target_has_atomic = "ptr"))]
pub use real::oneshot;

#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
pub mod mpsc;
#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
pub mod oneshot;

/// What an operation is, and where it is awaited, if that is known.
#[cfg(all(feature = "std", target_has_atomic = "ptr"))]
fn site(op: insight_probe::Op, location: Option<&'static std::panic::Location<'static>>) -> insight_probe::Site {
    insight_probe::Site { executor: &insight_probe::ANY, op, need: 1, location }
}
