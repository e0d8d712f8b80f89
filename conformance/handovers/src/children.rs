//! Runs batches of programs, each in a child process: its stuck tasks end with it.

use crate::batch::{self, Start};
use crate::outcome::Outcome;
use crate::parse;
use crate::program::Program;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Number of programs that run at once in a process. The model lists at most 1,000 problems.
pub const BATCH: usize = 250;
/// Maximum time of one process. It usually takes 10 s.
const PATIENCE: Duration = Duration::from_secs(240);
/// The results of a child process.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// The result of each program.
    pub outcomes: Vec<Outcome>,
    /// Broken rules of the stream, and panics.
    pub faults: Vec<String>,
}

/// Runs the programs of stdin in this process, and exits.
pub fn child(start: Start) -> Result<bool, String> {
    std::thread::spawn(|| {
        std::thread::sleep(PATIENCE);
        eprintln!("the programs took longer than {PATIENCE:?}");
        std::process::exit(3);
    });
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let never = batch::run(parse(&text)?, start, |outcomes, faults| {
        println!("{}", serde_json::to_string(&Report { outcomes, faults }).expect("a report is JSON"));
        // Stuck tasks and threads do not end.
        std::process::exit(0);
    })?;
    match never {}
}

/// Runs programs in child processes, a batch at a time.
pub fn run(programs: &[Program]) -> Result<Report, String> {
    let mut all = Report { outcomes: Vec::new(), faults: Vec::new() };
    for batch in programs.chunks(BATCH) {
        let text: String = batch.iter().map(|program| format!("{program}\n")).collect();
        let itself = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(itself);
        command.arg("--child").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start a child: {error}"))?;
        let mut stdin = child.stdin.take().expect("it is piped");
        // The child reads all before it writes.
        stdin.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        drop(stdin);
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let report = serde_json::from_slice::<Report>(&output.stdout)
            .map_err(|error| format!("{error}; {}", String::from_utf8_lossy(&output.stderr)))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let panics = errors.lines().filter(|line| line.contains("panicked"));
        all.faults.extend(panics.map(str::to_owned));
        if report.outcomes.len() != batch.len() {
            return Err(format!("{} results of {} programs", report.outcomes.len(), batch.len()));
        }
        all.outcomes.extend(report.outcomes);
        all.faults.extend(report.faults);
    }
    Ok(all)
}
