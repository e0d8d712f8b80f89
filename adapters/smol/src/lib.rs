//! smol, with its tasks and what they wait for visible to insight.

pub use insight_sync::{channel_2 as channel, lock};
pub use real::*;
