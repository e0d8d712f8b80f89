//! Messages for the user, which go to stderr.

use std::io::Write;

/// The error is one sentence for the user: the failed step, the file, and the next step.
pub type Result<T = ()> = std::result::Result<T, String>;

/// Prints a line on stderr. `eprintln!` would panic if stderr is closed.
pub fn print(line: &str) {
    let _ = std::io::stderr().write_all(format!("insight: {line}\n").as_bytes());
}
