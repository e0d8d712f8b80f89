//! async-std, with its tasks and what they wait for visible to insight.

pub use real::*;
