//! `cargo insight run --open`: consolation in the terminal, and the program's output in a file.

use crate::say::{Result, say};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

/// How long to wait between two looks for the program.
const PAUSE: Duration = Duration::from_millis(50);

/// The file for the output of a program that this process starts, in `folder`.
pub fn output_file(folder: &Path) -> PathBuf {
    folder.join(format!("output-{}.log", std::process::id()))
}

/// The file into which the runner writes the process ID of the program, beside the one for its output.
pub fn pid_file(output: &Path) -> PathBuf {
    output.with_extension("pid")
}

/// Runs cargo, and consolation as soon as the program listens.
pub fn run(mut cargo: Command, output: &Path) -> Result<ExitStatus> {
    let pid_file = pid_file(output);
    let _ = fs::remove_file(&pid_file);
    let mut child = cargo.spawn().map_err(|error| format!("cannot start cargo: {error}"))?;
    let waited = match listening(&mut child, &pid_file)? {
        Some(address) => {
            wish4_consolation::open(address);
            say(&format!("the program's output is in {}", output.display()));
            if let Ok(None) = child.try_wait() {
                say("the program goes on; Ctrl-C ends it");
            }
            child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))
        }
        None => {
            let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"));
            if pid_file.exists() {
                say(&format!("the program ended before it listened; its output is in {}", output.display()));
            }
            status
        }
    };
    let _ = fs::remove_file(&pid_file);
    waited
}

/// The address of the program, or `None` if cargo ends first.
fn listening(child: &mut Child, pid_file: &Path) -> Result<Option<std::net::SocketAddr>> {
    loop {
        if child.try_wait().map_err(|error| format!("cannot wait for cargo: {error}"))?.is_some() {
            return Ok(None);
        }
        let pid = fs::read_to_string(pid_file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(address) = pid.and_then(wish4_consolation::address_of) {
            return Ok(Some(address));
        }
        thread::sleep(PAUSE);
    }
}
