//! `cargo xtask suites`: published libraries' own tests under `cargo insight test`.
//!
//! The packages contain their tests. They stay as they are, except for listed changes. Each suite runs without insight, and
//! under `cargo insight test` with recording off (its default) and on. As many tests must pass each time, except for
//! listed ones.

use crate::process::{Result, cargo, target};
use crate::program::{Profile, build};
use crate::real_programs::copy_package;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Instant;

/// A published library and the arguments of `cargo test`.
struct Suite {
    /// Name and version of the package.
    package: (&'static str, &'static str),
    arguments: &'static [&'static str],
    /// Entries of its Cargo.lock that are older than insight can observe, and their replacements.
    moved: &'static [(&'static str, &'static str)],
    changes: &'static [Change],
    exceptions: &'static [Exception],
}

/// A text in a test file that does not compile under `cargo insight`.
struct Change {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// A test that fails under `cargo insight`.
struct Exception {
    test: &'static str,
    /// `None` if it fails with recording off and on.
    recording: Option<Recording>,
    reason: &'static str,
}

/// Whether `cargo insight test` records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recording {
    Off,
    On,
}

static SUITES: [Suite; 9] = [
    suite("tokio-util", "0.7.20", &["--all-features", "--tests"]),
    suite("tokio-stream", "0.1.19", &["--all-features", "--tests"]),
    suite("tokio-retry", "0.3.2", &["--tests"]),
    suite("deadpool", "0.13.1", &["--all-features", "--tests"]),
    suite("bb8", "0.9.1", &["--tests"]),
    suite("hyper-util", "0.1.21", &["--features", "full", "--tests"]),
    // It does not compile with the version of tracing in its own lock file.
    Suite { moved: &[("tracing", "0.1.41")], ..suite("tower", "0.5.3", &["--features", "full", "--tests"]) },
    suite("moka", "0.12.16", &["--features", "future,sync", "--tests"]),
    Suite {
        moved: &[("futures-channel", "0.3.34"), ("tokio", "1.48.0")],
        // serde_json compares its values with numbers, so the compiler does not infer these types.
        changes: &[
            Change { file: "tests/basic.rs", from: "(0..1000).sum()", to: "(0..1000).sum::<u32>()" },
            Change { file: "tests/basic.rs", from: "(0..100).sum()", to: "(0..100).sum::<u32>()" },
            // A time-out may end at most 5 ms late. Plain flume misses that, too, on a busy machine.
            Change { file: "tests/basic.rs", from: "Duration::from_millis(5);", to: "Duration::from_millis(300);" },
        ],
        ..suite("flume", "0.12.0", &["--tests"])
    },
];

const fn suite(name: &'static str, version: &'static str, arguments: &'static [&'static str]) -> Suite {
    Suite { package: (name, version), arguments, moved: &[], changes: &[], exceptions: &[] }
}

/// Runs the named suites, or all of them.
pub fn run(names: &[&str]) -> Result {
    let unknown = names.iter().find(|name| !SUITES.iter().any(|suite| suite.package.0 == **name));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = SUITES.iter().map(|suite| suite.package.0).collect();
        return Err(format!("no suite is named {unknown}; there are {}", known.join(", ")));
    }
    let insight = build("cargo-insight", "cargo-insight", Profile::Dev)?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.contains(&suite.package.0)) {
        let (name, version) = suite.package;
        let failed = |error| format!("{name}: {error}");
        let bench = Bench::of(suite, &insight).map_err(failed)?;
        let plain = bench.test(None).map_err(failed)?;
        // Such as a test that needs the network.
        plain.failed.iter().for_each(|test| println!("xtask: {name}: `{test}` fails plainly"));
        let mut row = format!("| {name} | {version} | {} |", plain.passed);
        for recording in [Recording::Off, Recording::On] {
            let observed = bench.test(Some(recording)).map_err(failed)?;
            failures.extend(observed.failures(recording, suite, &plain));
            row.push_str(&format!(" {} |", observed.passed));
            if recording == Recording::On {
                row.push_str(&format!(" {} |", observed.recorded));
            }
        }
        println!("xtask: {row}");
        rows.push(row);
    }
    println!("{TABLE}\n{}", rows.join("\n"));
    match failures.is_empty() {
        true => Ok(()),
        false => Err(format!("{} failures:\n  {}", failures.len(), failures.join("\n  "))),
    }
}

const TABLE: &str = "\
| package | version | passed, plain | passed, recording off | passed, recording on | programs that record |
|---|---|---|---|---|---|";

/// A copied suite and the place of its builds.
struct Bench<'a> {
    suite: &'static Suite,
    insight: &'a Path,
    /// The package's copy and its logs.
    folder: PathBuf,
    /// One folder for the builds of all suites, so that insight's own crates are built once.
    target: PathBuf,
}

impl Bench<'_> {
    /// Copies the package, unless there is a copy.
    fn of<'a>(suite: &'static Suite, insight: &'a Path) -> Result<Bench<'a>> {
        let (name, version) = suite.package;
        let all = target().join("suites");
        let (folder, target) = (all.join(format!("{name}-{version}")), all.join("target"));
        let bench = Bench { suite, insight, folder, target };
        // The log folder is made last, so it shows that the copy is complete.
        let logs = bench.folder.join("logs");
        if !logs.exists() {
            copy_package(name, version, &bench.source())?;
            for (name, version) in suite.moved {
                let mut update = cargo();
                update.current_dir(bench.source()).args(["update", "--quiet", "--package", name]);
                match update.args(["--precise", version]).status() {
                    Ok(status) if status.success() => {}
                    _ => return Err(format!("cargo cannot update {name} to {version} in its Cargo.lock")),
                }
            }
            for Change { file, from, to } in suite.changes {
                let file = bench.source().join(file);
                let failed = |error: std::io::Error| format!("{}: {error}", file.display());
                let text = fs::read_to_string(&file).map_err(failed)?;
                if !text.contains(from) {
                    return Err(format!("cannot change {}: it has no `{from}`", file.display()));
                }
                fs::write(&file, text.replace(from, to)).map_err(failed)?;
            }
            fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
        }
        Ok(bench)
    }

    fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    /// Runs the suite: without insight, or under `cargo insight test`.
    fn test(&self, recording: Option<Recording>) -> Result<Outcome> {
        let mut command = match recording {
            None => cargo(),
            Some(_) => Command::new(self.insight),
        };
        let run = match recording {
            None => "plain",
            Some(Recording::Off) => "off",
            Some(Recording::On) => "on",
        };
        if recording.is_some() {
            // As cargo calls its subcommands.
            command.arg("insight").env_remove("INSIGHT_LISTEN").env_remove("INSIGHT_RECORD");
        }
        if recording == Some(Recording::On) {
            command.env("INSIGHT_LISTEN", "127.0.0.1:0");
        }
        let log = self.folder.join("logs").join(format!("{run}.txt"));
        let failed = |error: std::io::Error| format!("{}: {error}", log.display());
        let file = File::create(&log).map_err(failed)?;
        command.current_dir(self.source()).env("CARGO_TARGET_DIR", &self.target);
        // These sources never change and need no debugger.
        command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        command.args(["test", "--no-fail-fast"]).args(self.suite.arguments);
        command.stdout(file.try_clone().map_err(failed)?).stderr(file);
        let start = Instant::now();
        let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
        let (name, seconds) = (self.suite.package.0, start.elapsed().as_secs_f64());
        println!("xtask: {name}, {run}: {seconds:.0} s, {}", log.display());
        let output = fs::read(&log).map_err(failed)?;
        Ok(Outcome { log, status, ..Outcome::parse(&String::from_utf8_lossy(&output)) })
    }
}

/// The result of one run.
#[derive(Default)]
struct Outcome {
    passed: u64,
    /// Test programs in which insight listens.
    recorded: u64,
    /// Names of tests that failed.
    failed: Vec<String>,
    status: ExitStatus,
    log: PathBuf,
}

impl Outcome {
    /// Reads the output of the test programs.
    fn parse(output: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let mut lines = output.lines();
        while let Some(line) = lines.next() {
            if let Some(result) = line.strip_prefix("test result: ") {
                let passed = result.split(['.', ';']).find_map(|part| part.trim().strip_suffix(" passed"));
                outcome.passed += passed.and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
            }
            outcome.recorded += u64::from(line.contains("insight: listening on http://"));
            // Such a line also comes before the output of the tests, with an empty line below.
            if line == "failures:" {
                let names = lines.by_ref().map_while(|line| line.strip_prefix("    "));
                outcome.failed.extend(names.map(str::to_owned));
            }
        }
        outcome
    }

    /// A sentence for each difference from a plain run.
    fn failures(&self, recording: Recording, suite: &Suite, plain: &Outcome) -> Vec<String> {
        let run = match recording {
            Recording::Off => "with recording off",
            Recording::On => "with recording on",
        };
        let (name, log) = (suite.package.0, self.log.display());
        let listed: Vec<&Exception> =
            suite.exceptions.iter().filter(|exception| exception.fails_with(recording)).collect();
        let failed = self.failed.iter().filter(|test| !plain.failed.contains(test));
        let unlisted = failed.filter(|test| !listed.iter().any(|exception| exception.test == **test));
        let mut failures: Vec<String> =
            unlisted.map(|test| format!("{name}: `{test}` fails {run}; see {log}")).collect();
        for exception in listed.iter().filter(|exception| !self.failed.iter().any(|test| test == exception.test)) {
            let (test, reason) = (exception.test, exception.reason);
            failures.push(format!("{name}: `{test}` passes {run}; remove the exception ({reason})"));
        }
        let ran = |outcome: &Outcome| outcome.passed + outcome.failed.len() as u64;
        if failures.is_empty() && (ran(self) == 0 || ran(self) != ran(plain)) {
            failures.push(format!("{name}: {} tests end {run}, {} plainly; see {log}", ran(self), ran(plain)));
        }
        if recording == Recording::On && self.recorded == 0 {
            failures.push(format!("{name}: no test program records; see {log}"));
        }
        if failures.is_empty() && self.failed.is_empty() && !self.status.success() {
            failures.push(format!("{name}: `cargo test` ends with {} {run}; see {log}", self.status));
        }
        failures
    }
}

impl Exception {
    fn fails_with(&self, recording: Recording) -> bool {
        self.recording.is_none_or(|only| only == recording)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\ntest a ... ok\ntest b ... FAILED\n\
                        insight: listening on http://127.0.0.1:1\n\nfailures:\n\n---- b stdout ----\nno\n\n\
                        failures:\n    b\n    c::d\n\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n\
                        test result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.02s\n";

    #[test]
    fn results_and_names_of_failed_tests_are_read() {
        let outcome = Outcome::parse(OUTPUT);
        assert_eq!((outcome.passed, outcome.recorded), (13, 1));
        assert_eq!(outcome.failed, ["b", "c::d"]);
    }

    #[test]
    fn each_difference_from_the_plain_run_is_a_failure() {
        let check = |exceptions: &'static [Exception], recording, plain: (u64, &[&str]), expect: &[&str]| {
            let suite = Suite { exceptions, ..suite("x", "1.0.0", &[]) };
            let log = PathBuf::from("log");
            let failed = plain.1.iter().map(|test| (*test).to_owned()).collect();
            let plain = Outcome { passed: plain.0, failed, ..Outcome::default() };
            let failures = Outcome { log, ..Outcome::parse(OUTPUT) }.failures(recording, &suite, &plain);
            assert_eq!(failures, expect);
        };
        const B: Exception = Exception { test: "b", recording: None, reason: "why" };
        const D: Exception = Exception { test: "c::d", recording: Some(Recording::On), reason: "why" };
        const E: Exception = Exception { test: "e", recording: Some(Recording::Off), reason: "why" };
        let (off, on) = (Recording::Off, Recording::On);
        check(&[B, D, E], on, (15, &[]), &[]);
        check(&[B, D, E], on, (16, &[]), &["x: 15 tests end with recording on, 16 plainly; see log"]);
        check(&[], on, (13, &["b", "c::d"]), &[]);
        check(&[], on, (14, &["c::d"]), &["x: `b` fails with recording on; see log"]);
        let unlisted = "x: `c::d` fails with recording off; see log";
        let passes = "x: `e` passes with recording off; remove the exception (why)";
        check(&[B, D, E], off, (15, &[]), &[unlisted, passes]);
        let none = Outcome { passed: 1, log: PathBuf::from("log"), ..Outcome::default() };
        let suite = suite("x", "1.0.0", &[]);
        let plain = Outcome { passed: 1, ..Outcome::default() };
        assert_eq!(none.failures(on, &suite, &plain), ["x: no test program records; see log"]);
        assert_eq!(none.failures(off, &suite, &plain), [""; 0]);
    }
}
