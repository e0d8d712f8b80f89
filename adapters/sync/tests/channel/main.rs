//! Facts that insight records of the channels of both versions of async-channel.
#![cfg(all(feature = "channel-1", feature = "channel-2"))]

mod auto_traits;
mod of_1;
mod of_2;
