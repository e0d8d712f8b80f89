//! The observed primitives and channels of smol and async-std.
//!
//! Do not depend on this crate: insight-smol and insight-async-std re-export its types.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "channel-1", feature = "channel-2"))]
mod channel;
#[cfg(any(feature = "lock", feature = "channel-1", feature = "channel-2"))]
mod executor;
#[cfg(feature = "lock")]
pub mod lock;

#[cfg(feature = "channel-1")]
pub use channel::channel_1;
#[cfg(feature = "channel-2")]
pub use channel::channel_2;

// In a whole graph this crate replaces each crate that it observes, with one of its features.
#[cfg(all(insight_whole_graph, feature = "channel-1"))]
pub use channel::channel_1::*;
#[cfg(all(insight_whole_graph, feature = "channel-2"))]
pub use channel::channel_2::*;
#[cfg(all(insight_whole_graph, feature = "lock"))]
pub use lock::*;
