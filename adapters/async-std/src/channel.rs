//! async-std's `channel`, with its ends and the waits on them observed.

pub use crate::channel_1::*;
