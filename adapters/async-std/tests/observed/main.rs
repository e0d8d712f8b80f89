//! Facts that insight records of programs on async-std, and the problems that it finds in them.
#![cfg(all(feature = "default", feature = "unstable"))]

extern crate insight_async_std as async_std;

mod common;
mod problems;
mod tasks;
mod waits;
