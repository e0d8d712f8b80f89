//! The rows, their configurations, and the number of runs.

use super::build::Programs;
use super::http;
use super::results::Results;
use crate::process::Result;
use std::process::{Command, Stdio};

/// The rows of a single operation, with their titles.
pub const OPERATIONS: [(&str, &str); 8] = [
    ("poll", "poll, the task wakes itself"),
    ("yield", "`yield_now`"),
    ("wake", "wake another task, and its poll"),
    ("spawn", "spawn and join"),
    ("lock", "Mutex, lock and unlock"),
    ("contended", "Mutex, four tasks queue"),
    ("ping-pong", "mpsc of one place, a message"),
    ("stream", "mpsc of 64 places, a message"),
];

/// Rows that are measured on tokio only, with one worker.
pub const MORE_OPERATIONS: [(&str, &str); 7] = [
    ("spawn-owning", "spawn and join, future with a destructor"),
    ("read", "RwLock, read and release"),
    ("acquire", "Semaphore, acquire and release"),
    ("oneshot", "oneshot, made, sent and received"),
    ("notify", "Notify, notify and be notified"),
    ("timeout-ready", "`timeout` of a ready future"),
    ("timeout-poll", "`timeout` of a poll"),
];

/// The configurations, their programs, and their descriptions.
pub const CONFIGURATIONS: [(&str, &str, &str); 10] = [
    ("bare", "bench-bare", "tokio, not observed"),
    ("off", "bench-insight", "insight linked, not turned on"),
    ("on", "bench-insight", "on, no client"),
    ("client", "bench-insight", "on, and a client reads all of it"),
    ("polls", "bench-insight", "on, at detail `polls`, recorded to a compressed file"),
    ("layer", "bench-layer", "insight-tracing, from tokio's own spans, no client"),
    ("console", "bench-console", "console-subscriber 0.5.0, no client"),
    ("dial9", "bench-dial9", "dial9 0.5.7, its hooks"),
    ("dial9-wakes", "bench-dial9", "dial9 0.5.7, its own spawn, with wakes"),
    ("tokio-metrics", "bench-tokio-metrics", "tokio-metrics 0.5.2, a monitor on each task"),
];

/// The amount of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Whole,
    Quick,
}

/// Processes that are interleaved.
pub struct Group {
    pub name: String,
    rounds: usize,
    cases: Vec<Case>,
}

struct Case {
    row: String,
    configuration: &'static str,
    program: &'static str,
    arguments: Vec<String>,
    /// Time during which requests are sent to the program, in seconds. `None` if it measures itself.
    requests_s: Option<u64>,
}

impl Group {
    /// The programs of its cases.
    pub fn programs(&self) -> impl Iterator<Item = &'static str> {
        self.cases.iter().map(|case| case.program)
    }

    /// Runs all cases in each round. A case that fails is reported and not run again.
    pub fn run(&self, programs: &Programs, results: &mut Results, failures: &mut Vec<String>) -> Result {
        let mut failed = vec![false; self.cases.len()];
        for _ in 0..self.rounds {
            for (case, failed) in self.cases.iter().zip(&mut failed).filter(|(_, failed)| !**failed) {
                let done = case.run(programs).and_then(|printed| {
                    match results.take(&case.row, case.configuration, &printed) {
                        0 => Err(format!("it printed no figure: {}", printed.trim())),
                        _ => Ok(()),
                    }
                });
                if let Err(error) = done {
                    *failed = true;
                    failures.push(format!("{} {}: {error}", case.row, case.configuration));
                }
            }
        }
        Ok(())
    }
}

impl Case {
    fn run(&self, programs: &Programs) -> Result<String> {
        let mut command = Command::new(programs.path(self.program));
        command.args(&self.arguments).arg(format!("configuration={}", self.configuration));
        command.arg(format!("client={}", programs.path("bench-client").display()));
        // Variables of the caller must not change the measurement.
        command.env_remove("INSIGHT_LISTEN").env_remove("INSIGHT_RECORD").env_remove("RUST_LOG");
        if let Some(seconds) = self.requests_s {
            return http::load(command, seconds);
        }
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let output = command.output().map_err(|error| format!("cannot start {}: {error}", self.program))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("{} ended with {}: {stderr}", self.program, output.status));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The row of an operation on a runtime with this number of workers.
pub fn operation_row(runtime: &str, workers: usize, operation: &str) -> String {
    format!("{runtime}/{workers}/{operation}")
}

/// The names of the rows without runtime and workers.
pub fn names() -> Vec<&'static str> {
    let loads = [
        "http",
        "http-spawn",
        "http-client",
        "http-idle",
        "parked",
        "snapshot",
        "named",
        "spawns",
        "storm",
        "instructions",
    ];
    OPERATIONS.iter().chain(&MORE_OPERATIONS).map(|(name, _)| *name).chain(loads).collect()
}

/// The groups to run. `asked` has parts of names of rows and names of configurations, and bare is always included. Without
/// any of a kind, all of that kind are run.
pub fn groups(scale: Scale, asked: &[&str]) -> Vec<Group> {
    let (configurations, rows): (Vec<&str>, Vec<&str>) =
        asked.iter().partition(|word| CONFIGURATIONS.iter().any(|(name, ..)| name == *word));
    let mut groups = vec![tokio_operations(scale), other_operations(scale), requests(scale)];
    groups.extend([
        requests_with_client(scale),
        requests_beside_idle(scale),
        parked(scale),
        snapshots(scale),
        named(scale),
        spawns(scale),
        storm(scale),
    ]);
    for group in &mut groups {
        group.cases.retain(|case| {
            let row = rows.is_empty() || rows.iter().any(|word| case.row.contains(word));
            let is_ours = case.program.contains("insight") || case.program.contains("bare");
            row && match configurations.as_slice() {
                // The peers take minutes to build, which is too long for a quick run.
                [] => is_ours || scale == Scale::Whole,
                names => case.configuration == "bare" || names.contains(&case.configuration),
            }
        });
    }
    groups.retain(|group| !group.cases.is_empty());
    groups
}

fn case(row: &str, configuration: &'static str, program: &'static str, arguments: &[String]) -> Case {
    Case { row: row.to_owned(), configuration, program, arguments: arguments.to_vec(), requests_s: None }
}

/// The time of an operation's repetition, in milliseconds, and the number of processes.
fn repeated(scale: Scale) -> (u64, usize) {
    if scale == Scale::Whole { (100, 5) } else { (30, 2) }
}

/// The arguments of an operation. Spawns are repeated for a while before they are measured. An observer keeps spawns until
/// it collects them, and the first use of the memory for them is a third of the cost in the first few collections.
fn operation_arguments(operation: &str, workers: usize, ms: u64) -> Vec<String> {
    let warm_ms = if operation.starts_with("spawn") { 300 } else { 0 };
    vec![operation.to_owned(), format!("workers={workers}"), format!("ms={ms}"), format!("warm_ms={warm_ms}")]
}

fn tokio_operations(scale: Scale) -> Group {
    let (ms, rounds) = repeated(scale);
    let mut cases = Vec::new();
    for workers in [1, 2] {
        let more = MORE_OPERATIONS.iter().filter(|_| workers == 1);
        for (operation, _) in OPERATIONS.iter().chain(more) {
            for (configuration, program, _) in CONFIGURATIONS {
                let arguments = operation_arguments(operation, workers, ms);
                cases.push(case(&operation_row("tokio", workers, operation), configuration, program, &arguments));
            }
        }
    }
    Group { name: "operations on tokio".to_owned(), rounds, cases }
}

fn other_operations(scale: Scale) -> Group {
    let (ms, rounds) = repeated(scale);
    let runtimes = [
        ("smol", "bench-smol-bare", "bench-smol-insight"),
        ("async-std", "bench-async-std-bare", "bench-async-std-insight"),
    ];
    let mut cases = Vec::new();
    for (runtime, bare, ours) in runtimes {
        for workers in [1, 2] {
            for (operation, _) in OPERATIONS {
                let arguments = operation_arguments(operation, workers, ms);
                for (configuration, program) in [("bare", bare), ("off", ours), ("on", ours)] {
                    cases.push(case(&operation_row(runtime, workers, operation), configuration, program, &arguments));
                }
            }
        }
    }
    Group { name: "operations on smol and async-std".to_owned(), rounds, cases }
}

/// The configurations of the loads. Recordings are measured with single operations only, where their cost is largest.
fn loads() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CONFIGURATIONS.into_iter().filter(|(configuration, ..)| *configuration != "polls")
}

fn requests(scale: Scale) -> Group {
    let (seconds, rounds) = if scale == Scale::Whole { (2, 3) } else { (1, 1) };
    let mut cases = Vec::new();
    for (row, workers) in [("http", 1), ("http", 2), ("http-spawn", 1)] {
        for (configuration, program, _) in loads() {
            let arguments = [row.to_owned(), format!("workers={workers}")];
            let case = case(&format!("{row}/{workers}"), configuration, program, &arguments);
            cases.push(Case { requests_s: Some(seconds), ..case });
        }
    }
    Group { name: "requests".to_owned(), rounds, cases }
}

/// The row of the target for requests, with more rounds. On a machine of two cores, the server, wrk and the client share
/// the cores, and each run depends on the system's scheduler.
fn requests_with_client(scale: Scale) -> Group {
    let (seconds, rounds) = if scale == Scale::Whole { (2, 12) } else { (1, 3) };
    let compared = CONFIGURATIONS.into_iter().filter(|(configuration, ..)| ["bare", "client"].contains(configuration));
    let cases = compared.map(|(configuration, program, _)| {
        let case = case("http-client/1", configuration, program, &["http".to_owned(), "workers=1".to_owned()]);
        Case { requests_s: Some(seconds), ..case }
    });
    Group { name: "requests, with a client and without".to_owned(), rounds, cases: cases.collect() }
}

/// Requests beside 10,000 idle connections, whose tasks have awaits to capture.
fn requests_beside_idle(scale: Scale) -> Group {
    let (seconds, rounds) = if scale == Scale::Whole { (5, 6) } else { (2, 2) };
    let compared = [
        ("http-idle/1", "bare", "bench-bare", "on"),
        ("http-idle/1", "client", "bench-insight", "on"),
        ("http-idle-without-awaits/1", "bare", "bench-bare", "off"),
        ("http-idle-without-awaits/1", "client", "bench-insight", "off"),
    ];
    let cases = compared.map(|(row, configuration, program, awaits)| {
        let arguments = ["http", "workers=1", "idle=10000", &format!("awaits={awaits}")].map(str::to_owned);
        Case { requests_s: Some(seconds), ..case(row, configuration, program, &arguments) }
    });
    Group { name: "requests beside 10,000 idle connections".to_owned(), rounds, cases: cases.into() }
}

/// The awaits of 100,000 tasks in 12 places.
fn named(scale: Scale) -> Group {
    let cases = vec![case("named/100000", "on", "bench-insight", &["named".to_owned(), "tasks=100000".to_owned()])];
    Group { name: "the awaits of all tasks".to_owned(), rounds: if scale == Scale::Whole { 3 } else { 1 }, cases }
}

fn parked(scale: Scale) -> Group {
    let mut cases = Vec::new();
    let counts: &[u64] = if scale == Scale::Whole { &[100_000, 1_000_000] } else { &[100_000] };
    for count in counts {
        for (configuration, program, _) in loads() {
            // A million tasks of 51 kB each would not fit.
            let tasks = match (configuration, count) {
                ("console", 100_000) => 20_000,
                ("console", _) => continue,
                _ => *count,
            };
            // A million tasks need more than insight's default limit.
            let max_mib = if tasks > 200_000 { 2048 } else { 256 };
            let arguments = ["parked".to_owned(), format!("tasks={tasks}"), format!("max_mib={max_mib}")];
            cases.push(case(&format!("parked/{count}"), configuration, program, &arguments));
        }
    }
    Group { name: "memory of live tasks".to_owned(), rounds: 1, cases }
}

fn snapshots(scale: Scale) -> Group {
    let counts: &[u64] = if scale == Scale::Whole { &[100_000, 1_000_000] } else { &[100_000] };
    let mut cases = Vec::new();
    for count in counts {
        let max_mib = if *count > 200_000 { 2048 } else { 256 };
        let arguments = ["snapshot".to_owned(), format!("tasks={count}"), format!("max_mib={max_mib}")];
        for (configuration, program) in [("bare", "bench-bare"), ("on", "bench-insight")] {
            cases.push(case(&format!("snapshot/{count}"), configuration, program, &arguments));
        }
    }
    Group { name: "the first snapshot".to_owned(), rounds: if scale == Scale::Whole { 3 } else { 1 }, cases }
}

fn spawns(scale: Scale) -> Group {
    let (seconds, rounds) = if scale == Scale::Whole { (5, 2) } else { (2, 1) };
    let rates = [10_000, 100_000];
    let cases = rates.map(|rate| {
        let arguments = ["spawns".to_owned(), format!("rate={rate}"), format!("seconds={seconds}")];
        case(&format!("spawns/{rate}"), "client", "bench-insight", &arguments)
    });
    Group { name: "new tasks become visible".to_owned(), rounds, cases: cases.into() }
}

fn storm(scale: Scale) -> Group {
    let tasks: u64 = if scale == Scale::Whole { 10_000_000 } else { 1_000_000 };
    let arguments = ["storm".to_owned(), format!("tasks={tasks}")];
    let ours = ["on", "client", "stopped"].map(|configuration| (configuration, "bench-insight"));
    let all = [("bare", "bench-bare")].into_iter().chain(ours);
    let cases = all.map(|(configuration, program)| case(&format!("storm/{tasks}"), configuration, program, &arguments));
    Group { name: "a storm of spawns".to_owned(), rounds: 1, cases: cases.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requested_rows_are_run() {
        let rows = |scale, asked: &[&str]| -> Vec<String> {
            let groups = groups(scale, asked);
            let cases = groups.iter().flat_map(|group| &group.cases);
            cases.map(|case| format!("{} {}", case.row, case.configuration)).collect()
        };
        assert_eq!(rows(Scale::Whole, &["spawns"]), ["spawns/10000 client", "spawns/100000 client"]);
        assert_eq!(rows(Scale::Quick, &["http/1"]), ["http/1 bare", "http/1 off", "http/1 on", "http/1 client"]);
        let peers = ["layer", "console", "dial9", "dial9-wakes", "tokio-metrics"];
        let whole = rows(Scale::Whole, &["http/1"]);
        assert!(peers.iter().all(|peer| whole.contains(&format!("http/1 {peer}"))));
        assert_eq!(rows(Scale::Quick, &["http/1", "dial9"]), ["http/1 bare", "http/1 dial9"]);
        assert!(rows(Scale::Whole, &["on"]).contains(&"smol/1/poll on".to_owned()));
        assert_eq!(rows(Scale::Quick, &["tokio/1/poll", "polls"]), ["tokio/1/poll bare", "tokio/1/poll polls"]);
        assert!(rows(Scale::Whole, &["nothing"]).is_empty());
        // Each name has a row.
        for name in names().iter().filter(|name| **name != "instructions") {
            assert!(!rows(Scale::Quick, &[name]).is_empty(), "{name}");
        }
    }
}
