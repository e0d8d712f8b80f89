//! Lines on stderr.

use std::io::Write;

/// Done, or one sentence: what happened, where, and what to do.
pub type Result<T = ()> = std::result::Result<T, String>;

/// Writes a line to stderr. Not `eprintln!`, which panics when stderr is closed.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("insight: {line}\n").as_bytes());
}
