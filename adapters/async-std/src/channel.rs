//! async-std's `channel`, with the ends and what waits at them observed.

pub use crate::channel_1::*;
