//! Programs use the facade as they use async-std.
#![cfg(all(feature = "attributes", feature = "default", feature = "unstable"))]

extern crate insight_async_std as async_std;

mod api;
mod auto_traits;
