//! Facts that insight records of async-lock's primitives.
#![cfg(feature = "lock")]

mod auto_traits;
mod releases;
mod seen;
