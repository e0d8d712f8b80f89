//! The two outputs of a command that prints: stdout for its answer, stderr for its errors and notes.

use crate::text::clean;
use insight_reader::why;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Writes `text` to stdout. Returns the exit status if that fails.
pub fn print(text: &str) -> Option<ExitCode> {
    print_by(|stdout| stdout.write_all(text.as_bytes()))
}

/// Lets `write` write to stdout, part by part. Returns the exit status if that fails.
pub fn print_by(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Option<ExitCode> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        // A reader such as `head` has enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("the output cannot be written: {}", why(&error)));
            Some(ExitCode::FAILURE)
        }
        _ => None,
    }
}

/// Writes one or more lines to stderr. If that fails too, there is no third place for an error.
pub fn complain(text: &str) {
    let text: String = text.lines().map(|line| format!("{}\n", clean(line))).collect();
    let _ = write!(io::stderr(), "consolation: {text}");
}
