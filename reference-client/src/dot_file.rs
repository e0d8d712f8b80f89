//! Writing a problem's graph to a file.

use insight_protocol::Problem;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes `insight-deadlock-<id>.dot` into `folder`, or finds it there as it would be written. Another file of that name
/// is left alone: the next free suffix is taken.
pub fn write(folder: &Path, problem: &Problem) -> io::Result<PathBuf> {
    let dot = insight_model::dot_problem(problem);
    for attempt in 1.. {
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        let path = folder.join(format!("insight-deadlock-{}{suffix}.dot", problem.id));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(dot.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|there| there == dot.as_bytes()) {
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    unreachable!("one of the numbers is free")
}
