//! Channels whose ends and waiters are seen.

/// async-channel 1's.
#[cfg(feature = "channel-1")]
pub mod channel_1 {
    pub use async_channel_1::*;
}

/// async-channel 2's.
#[cfg(feature = "channel-2")]
pub mod channel_2 {
    pub use async_channel_2::*;
}
