//! `cargo insight run --open`: consolation has the terminal, and the program's output goes to a file.

use crate::messages::{Result, print};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

/// The time between two attempts to find the program's address.
const PAUSE: Duration = Duration::from_millis(50);

/// The file in `folder` for the output of the program that this process starts.
pub fn output_file(folder: &Path) -> PathBuf {
    folder.join(format!("output-{}.log", std::process::id()))
}

/// The file next to the output file that the runner writes the program's process ID to.
pub fn pid_file(output: &Path) -> PathBuf {
    output.with_extension("pid")
}

/// Runs cargo, and starts consolation as soon as the program listens.
pub fn run(mut cargo: Command, output: &Path) -> Result<ExitStatus> {
    let pid_file = pid_file(output);
    let _ = fs::remove_file(&pid_file);
    let mut child = cargo.spawn().map_err(|error| format!("cannot start cargo: {error}"))?;
    let waited = match listening(&mut child, &pid_file)? {
        Some(address) => {
            wish4_consolation::open(address);
            print(&format!("the program's output is in {}", output.display()));
            if let Ok(None) = child.try_wait() {
                print("the program still runs; Ctrl-C ends it");
            }
            child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))
        }
        None => {
            let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"));
            if pid_file.exists() {
                print(&format!("the program ended before it listened; its output is in {}", output.display()));
            }
            status
        }
    };
    let _ = fs::remove_file(&pid_file);
    waited
}

/// Waits until the program listens and returns its address, or `None` if cargo ends before.
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
