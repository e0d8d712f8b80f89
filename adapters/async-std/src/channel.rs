//! async-std's `channel`, with the ends and what waits at them observed.

pub use insight_sync::channel_1::*;
