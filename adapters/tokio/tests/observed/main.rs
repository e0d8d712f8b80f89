//! Facts that insight records of programs on tokio, and the problems that it finds in them.
#![cfg(all(feature = "full", feature = "test-util"))]

extern crate insight_tokio as tokio;

mod border;
mod common;
mod handles;
mod locks;
mod names;
mod paused;
mod problems;
mod signals;
mod tasks;
mod time;
mod waiters;
