//! Barbara's story from end to end: real programs, and the real client in a pseudo-terminal.
//!
//! Each test starts its own processes on its own ports, and ends them. A test always waits for a condition: a line on
//! stderr, a message of the stream, or a text on the screen. No test sleeps for a fixed time.

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
