//! tokio-stream, with its wrappers of this crate's types: replace `use tokio_stream::...` by `use tokio::stream::...`.
//!
//! A stream without a next item shows a wait when it is asked for one. The future of `next` is not the stream's, so we
//! cannot observe its drop. The wait and its waker stay until the stream is asked again or dropped. The line of
//! `next().await` is unknown.

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
