//! Locks whose holders and waiters are seen.

pub use async_lock::*;
