//! Checks whether a program that cargo has built is observed.
//!
//! This reads the program's file, because the compiler wrapper is not called for crates that cargo does not compile again.

use crate::plan::Plan;
use memchr::memmem;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text that insight's server contains, and therefore each observed program.
const SERVER: &str = crate::runner::PROCESS;

/// Source files of tokio's runtime. If a program contains the runtime, it contains their paths in panic messages.
const RUNTIME: [&str; 2] = ["src/runtime/builder.rs", "src/runtime/scheduler/multi_thread/worker.rs"];

/// The number of bytes that are read at once.
const BLOCK: usize = 1 << 20;

/// The result of reading a program's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The program contains insight's server, which the first runtime starts.
    Observed,
    /// The program contains the real runtime without the server. The text is the runtime's name and version.
    Real(String),
    /// The program contains neither.
    Nothing,
}

impl Proof {
    /// Reads the program's file.
    pub fn of(program: &Path, plan: &Plan) -> io::Result<Proof> {
        let mut needles = vec![(SERVER.to_owned(), Proof::Observed)];
        for replaced in plan.replaced.iter().filter(|replaced| replaced.package == "tokio") {
            let real = Proof::Real(format!("{} {}", replaced.package, replaced.version));
            let folder = replaced.folder.iter().filter_map(|folder| folder.to_str());
            let files = folder.flat_map(|folder| RUNTIME.iter().map(move |file| format!("{folder}/{file}")));
            needles.extend(files.map(|file| (file, real.clone())));
        }
        Ok(first(File::open(program)?, &needles)?.cloned().unwrap_or(Proof::Nothing))
    }

    /// The error message, if the program should be observed but is not.
    pub fn fault(&self, program: &Path) -> Option<String> {
        match self {
            Proof::Real(runtime) => Some(format!(
                "{} is not observed: it contains {runtime}, which cargo compiled without insight. Remove target/insight, \
                 and build again",
                program.display()
            )),
            Proof::Observed | Proof::Nothing => None,
        }
    }
}

/// The value of the first needle in the list that the file contains.
fn first<T>(mut file: impl Read, needles: &[(String, T)]) -> io::Result<Option<&T>> {
    let overlap = needles.iter().map(|(needle, _)| needle.len()).max().unwrap_or_default();
    let mut buffer: Vec<u8> = Vec::with_capacity(BLOCK + overlap);
    let mut best = needles.len();
    loop {
        let kept = buffer.len().min(overlap);
        buffer.drain(..buffer.len() - kept);
        if file.by_ref().take(BLOCK as u64).read_to_end(&mut buffer)? == 0 {
            return Ok(needles.get(best).map(|(_, value)| value));
        }
        let found = needles[..best].iter().position(|(needle, _)| memmem::find(&buffer, needle.as_bytes()).is_some());
        best = found.unwrap_or(best);
        if best == 0 {
            return Ok(needles.first().map(|(_, value)| value));
        }
    }
}

/// The programs of a build. `again` repeats the build, which compiles nothing and reports the programs.
pub fn programs(mut again: Command) -> Vec<PathBuf> {
    let Ok(output) = again.output() else { return Vec::new() };
    let of_line = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_needle_in_the_list_is_found_anywhere_in_the_file() {
        let needles = [("one".to_owned(), 1), ("two".to_owned(), 2)];
        let long = |before: usize| [vec![b'x'; before], b"two".to_vec()].concat();
        for (content, expect) in [
            (b"two and one".to_vec(), Some(1)),
            (b"two".to_vec(), Some(2)),
            (b"".to_vec(), None),
            (b"on".to_vec(), None),
            (long(BLOCK - 1), Some(2)),
            (long(BLOCK), Some(2)),
            ([long(BLOCK - 2), vec![b'x'; BLOCK], b"one".to_vec()].concat(), Some(1)),
        ] {
            assert_eq!(first(&content[..], &needles).unwrap().copied(), expect, "{} bytes", content.len());
        }
    }
}
