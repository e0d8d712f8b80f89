//! The story, end to end: the real programs, the real client in a pseudo-terminal, and nothing in between.
//!
//! Each test starts its own processes on ports of their own and ends them. What is waited for is always a condition:
//! a line on stderr, a message of the stream, a text on the screen. None of them sleeps.

mod watched;

mod consolation;
mod files;
mod http;
mod program;
mod screen;
mod stream;
mod svg;

mod barbara;
mod deadlock;
mod lock_order;
mod once;
mod quiet;
mod readme;

mod addresses;
mod restart;
mod runtimes;
mod small;
mod source_files;
