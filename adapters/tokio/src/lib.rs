//! tokio.
