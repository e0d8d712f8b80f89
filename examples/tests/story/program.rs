//! An example program that runs.

use crate::files;
use crate::watched::Watched;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

pub const BARBARA: &str = env!("CARGO_BIN_EXE_barbara");
pub const DEADLOCK: &str = env!("CARGO_BIN_EXE_deadlock");
pub const LOCK_ORDER: &str = env!("CARGO_BIN_EXE_lock_order");

/// A process that is killed at the end of the test, and the lines that it prints on stderr.
pub struct Program {
    child: Child,
    stderr: Arc<Watched<Stderr>>,
}

#[derive(Default)]
struct Stderr {
    lines: Vec<String>,
    ended: bool,
}

/// A command that runs a program on free ports, with the workspace as its source.
pub fn command(executable: impl AsRef<Path>) -> Command {
    let mut command = Command::new(executable.as_ref());
    command
        .env("INSIGHT_LISTEN", "127.0.0.1:0")
        .env("BARBARA_LISTEN", "127.0.0.1:0")
        .env("INSIGHT_SOURCE", files::root())
        .current_dir(files::root());
    command
}

impl Program {
    pub fn start(executable: impl AsRef<Path>) -> Program {
        Program::run(&mut command(executable))
    }

    pub fn run(command: &mut Command) -> Program {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let pipe = child.stderr.take().expect("it is piped");
        let stderr = Arc::new(Watched::<Stderr>::default());
        let theirs = Arc::clone(&stderr);
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                theirs.change(|stderr| stderr.lines.push(line));
            }
            theirs.change(|stderr| stderr.ended = true);
        });
        Program { child, stderr }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address that insight listens on: `127.0.0.1:41234`.
    pub fn insight(&self) -> String {
        self.line_after("insight: listening on http://")
    }

    /// The address that barbara's own service listens on.
    pub fn service(&self) -> String {
        self.line_after("barbara: listening on http://")
    }

    /// Waits for a line that begins with `start`, and returns the rest of it.
    pub fn line_after(&self, start: &str) -> String {
        let outcome = self.stderr.until(
            |stderr| match stderr.lines.iter().find_map(|line| line.strip_prefix(start)) {
                Some(rest) => Some(Some(rest.to_owned())),
                None => stderr.ended.then_some(None),
            },
            |_| String::new(),
        );
        outcome.ok().flatten().unwrap_or_else(|| panic!("no line begins with {start:?}: {:#?}", self.lines()))
    }

    /// All lines that the program has printed.
    pub fn lines(&self) -> Vec<String> {
        self.stderr.read(|stderr| stderr.lines.clone())
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
