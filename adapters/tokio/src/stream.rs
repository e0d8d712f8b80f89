//! tokio-stream, with the wrappers of what this crate replaces: for `use tokio_stream::...` write
//! `use tokio::stream::...`.
//!
//! A stream that is asked for its next item and has none waits, and is seen to. That it is not asked any more nothing
//! tells (the future of `next` is not the stream's), so the wait stands until the stream is asked again or dropped; that
//! long its waker is in the channel, too. Where in the source `next` is awaited is not known.

pub use tokio_stream::*;

/// tokio-stream's `wrappers`, observed.
pub mod wrappers {
    pub use super::ends::{BroadcastStream, WatchStream};
    pub use super::mpsc::{ReceiverStream, UnboundedReceiverStream};
    pub use super::others::{IntervalStream, JoinSetStream};
    pub use tokio_stream::wrappers::*;
}

pub use wrappers::{
    BroadcastStream, IntervalStream, JoinSetStream, ReceiverStream, UnboundedReceiverStream, WatchStream,
};

mod ends;
mod mpsc;
mod others;
