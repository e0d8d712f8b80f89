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
    /// Most tasks that a runtime counted and insight did not observe; `None` if no runtime counts its tasks.
    unobserved: Option<u64>,
    /// Packages in which a task can wait unobserved, with their versions.
    pub uncovered: BTreeSet<String>,
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

    /// Takes a `stream.coverage`.
    fn cover(&mut self, coverage: &Value) {
        let executors = coverage["executors"].as_array().into_iter().flatten();
        let counts: Vec<u64> = executors.filter_map(|executor| executor["unobserved_tasks"].as_u64()).collect();
        if !counts.is_empty() {
            self.unobserved = self.unobserved.max(Some(counts.iter().sum()));
        }
        let packages = coverage["packages"].as_array().into_iter().flatten();
        let uncovered = packages.filter(|package| package["covered"] == false);
        let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
        self.uncovered = uncovered.map(|package| text(package, "name") + " " + &text(package, "version")).collect();
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
        let picture = model(self.insight)?;
        let mut seen = self.tasks.lock().expect("no thread panics with it");
        seen.tasks = seen.tasks.max(picture.tasks.len());
        for task in picture.tasks.values() {
            let name = task.name.as_deref().unwrap_or("without a name");
            if task.partial {
                seen.incomplete.insert(format!("{} {name}: only its use of resources is observed", task.kind));
            } else if task.state().is_none() {
                // One that ends at this moment has none any more; another one has it in the next snapshot.
                let again = model(self.insight)?;
                if again.tasks.get(&task.id).is_some_and(|task| task.state().is_none()) {
                    seen.incomplete.insert(format!("{} {name}: no state", task.kind));
                }
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
        seen.uncovered = of_stream.uncovered;
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
            seen.cover(&coverage);
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_unobserved_tasks_and_the_last_packages_count() {
        let mut seen = Seen { tasks: 1, ..Seen::default() };
        let cover = |seen: &mut Seen, executors: &str, covered: bool| {
            let packages = format!(r#"[{{"name":"flume","version":"0.11.1","covered":{covered}}}]"#);
            let coverage = format!(r#"{{"executors":[{executors}],"packages":{packages}}}"#);
            seen.cover(&serde_json::from_str(&coverage).unwrap());
        };
        cover(&mut seen, r#"{"name":"async-std","version":"1.13"}"#, true);
        assert_eq!((seen.unobserved, seen.uncovered.len()), (None, 0));
        cover(&mut seen, r#"{"name":"tokio","unobserved_tasks":2},{"name":"tokio","unobserved_tasks":1}"#, false);
        cover(&mut seen, r#"{"name":"tokio","unobserved_tasks":0}"#, false);
        assert_eq!(seen.uncovered.iter().collect::<Vec<_>>(), ["flume 0.11.1"]);
        assert_eq!(seen.failures(), ["3 tasks of the runtime are not observed"]);
    }
}
