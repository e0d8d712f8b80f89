//! The channels of async-channel 1, which async-std has.

pub use async_channel_1::*;
pub use common::{Receiver, Recv, Send, Sender, WeakReceiver, WeakSender, bounded, unbounded};

use async_channel_1 as real;

// The same source for both versions, on purpose.
#[allow(clippy::duplicate_mod)]
#[path = "common.rs"]
mod common;
