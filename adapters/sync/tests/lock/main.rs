//! What insight sees of async-lock's primitives.
#![cfg(feature = "lock")]

mod auto_traits;
// What the tests of channels need of it beyond this is not used here.
#[allow(dead_code)]
#[path = "../channel/bench.rs"]
mod bench;
mod releases;
mod seen;
