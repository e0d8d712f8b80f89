//! Everything that insight says of the observed program during the load.

use super::serve::Server;
use crate::peer_program::model;
use crate::process::{Result, read, root};
use crate::program::stream;
use insight_protocol::{Decoded, Message, decode};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

/// The observed program's tasks and problems.
#[derive(Default)]
pub struct Seen {
    /// Most tasks in one snapshot.
    pub tasks: usize,
    /// Tasks without a state or a location, in words.
    incomplete: BTreeSet<String>,
    /// Tasks that the runtime counts and insight does not observe, by the stream's last word.
    unobserved: Option<u64>,
    /// Problems raised at any time: tier and title.
    pub problems: BTreeSet<String>,
}

impl Seen {
    /// A sentence for each gap in the list of tasks.
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self.incomplete.iter().cloned().collect();
        if self.tasks == 0 {
            failures.push("no task is listed, and the program is busy".to_owned());
        }
        if let Some(count @ 1..) = self.unobserved {
            failures.push(format!("{count} tasks of the runtime are not observed"));
        }
        failures
    }
}

/// Reads a program's stream, and holds it to the rules.
pub struct Watch {
    insight: SocketAddr,
    check: Child,
    findings: PathBuf,
    reader: JoinHandle<Result<Seen>>,
    tasks: Mutex<Seen>,
}

impl Watch {
    /// Starts to read, and starts `insight-conformance check` for this time.
    pub fn start(insight: SocketAddr, check: &Path, time: Duration, folder: &Path) -> Result<Watch> {
        let findings = folder.join("check.ndjson");
        let check = Command::new(check)
            .current_dir(root())
            .args(["check", &insight.to_string(), "--format", "json", "--for", &time.as_secs_f64().to_string()])
            .arg("--output")
            .arg(&findings)
            .spawn()
            .map_err(|error| format!("cannot start insight-conformance: {error}"))?;
        let reader = std::thread::spawn(move || read_stream(insight));
        Ok(Watch { insight, check, findings, reader, tasks: Mutex::default() })
    }

    /// Takes a snapshot of the busy program, half a turn after its start.
    pub fn look(&self, turn: Duration) -> Result {
        std::thread::sleep(turn / 2);
        let model = model(self.insight)?;
        let mut seen = self.tasks.lock().expect("no thread panics with it");
        seen.tasks = seen.tasks.max(model.tasks.len());
        for task in model.tasks.values() {
            let name = task.name.as_deref().unwrap_or("without a name");
            if task.partial {
                seen.incomplete.insert(format!("{} {name}: only its use of resources is observed", task.kind));
            } else if task.state().is_none() {
                seen.incomplete.insert(format!("{} {name}: no state", task.kind));
            } else if task.location.is_none() {
                seen.incomplete.insert(format!("{} {name}: no location", task.kind));
            }
        }
        Ok(())
    }

    /// Ends the program; returns its tasks and problems, and the count of broken rules.
    pub fn end(mut self, server: Server) -> Result<(Seen, u64)> {
        let status = self.check.wait().map_err(|error| format!("insight-conformance: {error}"))?;
        drop(server);
        let of_stream = self.reader.join().expect("the reader does not panic")?;
        let mut seen = self.tasks.into_inner().expect("no thread panics with it");
        seen.problems = of_stream.problems;
        seen.unobserved = of_stream.unobserved;
        let summary = read(&self.findings)?;
        let summary: Option<Value> = summary.lines().last().and_then(|line| serde_json::from_str(line).ok());
        let findings = summary.as_ref().and_then(|summary| summary["findings"].as_u64());
        let findings = findings.ok_or(format!("insight-conformance ended with {status} and without a summary"))?;
        Ok((seen, findings))
    }
}

/// Reads to the end of the program.
fn read_stream(insight: SocketAddr) -> Result<Seen> {
    let mut seen = Seen::default();
    // The stream breaks off when the program ends.
    for line in stream(insight)?.map_while(Result::ok) {
        if let Ok(Decoded::Message { message: Message::ProblemRaised(raised), .. }) = decode(&line) {
            seen.problems.insert(format!("{}: {}", raised.problem.tier, raised.problem.title));
        } else if line.contains("\"stream.coverage\"") {
            let coverage: Value = serde_json::from_str(&line).map_err(|error| format!("stream.coverage: {error}"))?;
            seen.unobserved = coverage["tasks_unobserved"].as_u64();
        }
    }
    Ok(seen)
}
