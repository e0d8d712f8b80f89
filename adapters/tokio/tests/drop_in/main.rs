//! Programs use the facade as they use tokio.

extern crate insight_tokio as tokio;

#[cfg(all(feature = "rt-multi-thread", feature = "macros", feature = "sync", feature = "time", feature = "test-util"))]
mod api;
#[cfg(feature = "sync")]
mod auto_traits;
#[cfg(all(feature = "rt-multi-thread", feature = "macros", feature = "sync"))]
mod locks;
