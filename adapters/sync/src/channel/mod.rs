//! Channels with observed ends and waiters.
//!
//! Both versions share one source, common.rs, which is a module of each. The newer version's own methods are in its
//! module.

#[cfg(feature = "channel-1")]
pub mod channel_1;
#[cfg(feature = "channel-2")]
pub mod channel_2;
mod operation;
mod stream_wait;
