//! Writing a problem's graph to a file.

use insight_protocol::Problem;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Maximum number of files with the name of one problem.
const MOST_FILES: u32 = 1000;

/// Writes `insight-deadlock-<id>.dot` into `folder`, or finds it there with the same content. Another file of that name
/// stays as it is: the new file gets the next free suffix.
pub fn write(folder: &Path, problem: &Problem) -> io::Result<PathBuf> {
    let dot = insight_model::dot_problem(problem);
    for attempt in 1..=MOST_FILES {
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        let path = folder.join(format!("insight-deadlock-{}{suffix}.dot", problem.id));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(dot.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if is_there(&path, dot.as_bytes()) {
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are already {MOST_FILES} files of this problem: remove some")))
}

/// Whether the file has this content. We do not open a pipe, a device or a link: reading it may never end.
fn is_there(path: &Path, content: &[u8]) -> bool {
    let is_candidate = |file: fs::Metadata| file.is_file() && file.len() == content.len() as u64;
    let mut there = Vec::new();
    fs::symlink_metadata(path).is_ok_and(is_candidate)
        && File::open(path)
            .and_then(|file| file.take(content.len() as u64 + 1).read_to_end(&mut there))
            .is_ok_and(|_| there == content)
}
