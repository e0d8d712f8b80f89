//! The facts that insight reports about the observed program during the load.

use super::serve::Server;
use super::waits::Waits;
use crate::peer_program::model;
use crate::process::{Result, read, root};
use crate::program::stream;
use insight_model::Model;
use insight_protocol::{Decoded, Message, TaskKind, decode};
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
pub struct Watched {
    /// Most tasks in one snapshot.
    pub tasks: usize,
    /// Texts about tasks without a state or a location.
    incomplete: BTreeSet<String>,
    /// Largest number of a runtime's tasks that insight did not observe. `None` if no runtime counts its tasks.
    unobserved: Option<u64>,
    /// Packages whose waits insight does not observe, with their versions.
    pub uncovered: BTreeSet<String>,
    /// Tier and title of each problem that was raised.
    pub problems: BTreeSet<String>,
    /// The tasks that waited for long.
    pub waits: Waits,
}

impl Watched {
    /// A sentence for each gap in the list of tasks.
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self.incomplete.iter().cloned().collect();
        if self.tasks == 0 {
            failures.push("no task is listed, although the program is busy".to_owned());
        }
        if let Some(count @ 1..) = self.unobserved {
            failures.push(format!("{count} tasks of the runtime are not observed"));
        }
        failures.extend(self.waits.failure());
        failures
    }

    /// Adds a `stream.coverage`.
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

/// Reads a program's stream, and checks it against the rules.
pub struct Watch {
    insight: SocketAddr,
    check: Child,
    findings: PathBuf,
    reader: JoinHandle<Result<Watched>>,
    tasks: Mutex<Watched>,
}

impl Watch {
    /// Starts to read the stream, and starts `insight-conformance check` for this time.
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

    /// Takes a snapshot of the busy program, in the middle of a turn.
    pub fn take_snapshot(&self, turn: Duration) -> Result {
        std::thread::sleep(turn / 2);
        let snapshot = model(self.insight)?;
        let mut watched = self.tasks.lock().expect("no thread panics with it");
        watched.tasks = watched.tasks.max(snapshot.tasks.len());
        for task in snapshot.tasks.values() {
            let name = task.origin.name.as_deref().unwrap_or("without a name");
            if task.origin.partial {
                watched
                    .incomplete
                    .insert(format!("{} {name}: only its use of resources is observed", task.origin.kind));
            } else if task.state().is_none() {
                // A task that ends at this moment has no state. In the next snapshot it is gone.
                let again = model(self.insight)?;
                if again.tasks.get(&task.id).is_some_and(|task| task.state().is_none()) {
                    watched.incomplete.insert(format!("{} {name}: no state", task.origin.kind));
                }
            } else if task.origin.location.is_none() && task.origin.kind != TaskKind::BlockOn {
                // A root that a `main` macro makes has no location.
                watched.incomplete.insert(format!("{} {name}: no location", task.origin.kind));
            }
        }
        Ok(())
    }

    /// Ends the program. Returns its tasks and problems, and the number of findings.
    pub fn end(mut self, server: Server) -> Result<(Watched, u64)> {
        let status = self.check.wait().map_err(|error| format!("insight-conformance: {error}"))?;
        drop(server);
        let of_stream = self.reader.join().expect("the reader does not panic")?;
        let mut watched = self.tasks.into_inner().expect("no thread panics with it");
        watched.problems = of_stream.problems;
        watched.unobserved = of_stream.unobserved;
        watched.uncovered = of_stream.uncovered;
        watched.waits = of_stream.waits;
        let summary = read(&self.findings)?;
        let summary: Option<Value> = summary.lines().last().and_then(|line| serde_json::from_str(line).ok());
        let findings = summary.as_ref().and_then(|summary| summary["findings"].as_u64());
        let findings = findings.ok_or(format!("insight-conformance ended with {status} and without a summary"))?;
        Ok((watched, findings))
    }
}

/// Reads to the end of the program.
fn read_stream(insight: SocketAddr) -> Result<Watched> {
    let (mut watched, mut model) = (Watched::default(), Model::default());
    // The stream breaks off when the program ends. That is not an error.
    for line in stream(insight)?.map_while(Result::ok) {
        let Ok(Decoded::Message { message, .. }) = decode(&line) else { continue };
        model.apply(&message);
        if let Message::ProblemRaised(raised) = &message {
            watched.problems.insert(format!("{}: {}", raised.problem.tier, raised.problem.title));
        } else if let Message::StreamHeartbeat(heartbeat) = &message {
            watched.waits.look(&model, heartbeat.at_ns);
        } else if matches!(message, Message::StreamCoverage(_)) {
            let coverage: Value = serde_json::from_str(&line).map_err(|error| format!("stream.coverage: {error}"))?;
            watched.cover(&coverage);
        }
    }
    Ok(watched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_unobserved_tasks_and_last_packages_count() {
        let mut watched = Watched { tasks: 1, ..Watched::default() };
        let cover = |watched: &mut Watched, executors: &str, covered: bool| {
            let packages = format!(r#"[{{"name":"flume","version":"0.11.1","covered":{covered}}}]"#);
            let coverage = format!(r#"{{"executors":[{executors}],"packages":{packages}}}"#);
            watched.cover(&serde_json::from_str(&coverage).unwrap());
        };
        cover(&mut watched, r#"{"name":"async-std","version":"1.13"}"#, true);
        assert_eq!((watched.unobserved, watched.uncovered.len()), (None, 0));
        cover(&mut watched, r#"{"name":"tokio","unobserved_tasks":2},{"name":"tokio","unobserved_tasks":1}"#, false);
        cover(&mut watched, r#"{"name":"tokio","unobserved_tasks":0}"#, false);
        assert_eq!(watched.uncovered.iter().collect::<Vec<_>>(), ["flume 0.11.1"]);
        assert_eq!(watched.failures(), ["3 tasks of the runtime are not observed"]);
    }
}
