//! tokio's `sync::mpsc`, observed: see [`tokio::sync::mpsc`](real::sync::mpsc).

pub use real::sync::mpsc::error;

mod common;

mod bounded;
mod permit;
mod received;
mod unbounded;

pub use bounded::{Receiver, Sender, WeakSender, channel};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};
