//! Channels whose ends and waiters are seen.
//!
//! Both versions are observed by one source, common.rs, which is a module of each; what only the newer one has lies
//! beside it.

#[cfg(feature = "channel-1")]
pub mod channel_1;
#[cfg(feature = "channel-2")]
pub mod channel_2;
mod operation;
mod stream_wait;
