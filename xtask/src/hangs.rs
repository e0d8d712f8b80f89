//! `cargo xtask hangs`: runs the corpus of `conformance/hangs`, and compares the findings with the expected ones.

mod expected;
mod stream;

use crate::hangs::expected::{Expectation, Expected, expectations};
use crate::hangs::stream::{Findings, listen};
use crate::process::{Result, root, target};
use crate::program::{Profile, Program, START, build};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

pub const FOLDER: &str = "conformance/hangs";
const TABLE: &str = "conformance/hangs/TABLE.md";
/// The runtimes and their binaries.
const RUNTIMES: [(&str, &str); 3] =
    [("tokio", "hangs_tokio"), ("smol", "hangs_smol"), ("async_std", "hangs_async_std")];
/// Minimum duration of each program, in seconds, as a step of `cargo xtask test`.
const SECONDS: u64 = 5;
/// The same for the programs of [`check_long`].
const LONG: u64 = 600;
/// A socket must not lose a waker by a capture, and a task with a lost wake-up must not be freed by one.
const CAPTURED: [&str; 6] = [
    "smol/sockets_of_async_io",
    "tokio/collections_of_futures",
    "tokio/first_waker_kept",
    "tokio/panics_at_its_event",
    "tokio/polls_counted",
    "tokio/wake_forgotten",
];
/// Number of programs that run at the same time. Most of them do nothing, and a few use a whole processor.
const AT_ONCE: usize = 12;

/// The programs of the corpus that are asked for.
#[derive(clap::Args)]
pub struct Options {
    /// Seconds for which a program is observed; a program whose problem is not found by then gets more
    #[arg(long, value_name = "N", default_value_t = SECONDS, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Number of runs of each program
    #[arg(long, value_name = "N", default_value = "1")]
    runs: NonZeroUsize,
    /// The programs; all by default, and then the table is written
    names: Vec<String>,
}

/// Runs the programs, and writes the table if these are all programs.
pub fn run(options: &Options) -> Result {
    let (rows, wrong) = measure(options)?;
    if options.names.is_empty() {
        let text = table(&rows, options);
        std::fs::write(root().join(TABLE), text).map_err(|error| format!("cannot write {TABLE}: {error}"))?;
        println!("xtask: {TABLE} is written");
    }
    verdict(wrong)
}

/// Runs all programs once, and compares the findings with the table.
pub fn check() -> Result {
    let options = Options { seconds: SECONDS, runs: NonZeroUsize::MIN, names: Vec::new() };
    let (rows, wrong) = measure(&options)?;
    verdict(wrong)?;
    let table = crate::process::read(TABLE.as_ref())?;
    // Times differ in each run, so only the other columns are compared.
    match rows.iter().map(Row::claim).find(|claim| !table.contains(claim)) {
        None => Ok(()),
        Some(claim) => Err(format!("{TABLE} does not have `{claim}`: run `cargo xtask hangs`")),
    }
}

/// Runs for ten minutes the programs in which a capture of awaits could do harm: it polls tasks.
pub fn check_long() -> Result {
    let names = CAPTURED.map(str::to_owned).to_vec();
    let (_, wrong) = measure(&Options { seconds: LONG, runs: NonZeroUsize::MIN, names })?;
    verdict(wrong)
}

/// The kinds of problems in the corpus.
#[cfg(test)]
pub fn kinds() -> Result<BTreeSet<String>> {
    Ok(expectations()?.iter().flat_map(Expectation::kinds).map(str::to_owned).collect())
}

fn verdict(wrong: Vec<String>) -> Result {
    wrong.iter().for_each(|finding| println!("xtask: {finding}"));
    match wrong.len() {
        0 => {
            println!("xtask: every run is as {FOLDER}/expected.json says");
            Ok(())
        }
        count => Err(format!("{count} runs differ from {FOLDER}/expected.json; they are named above")),
    }
}

/// What came of all the runs of one program.
#[derive(Default)]
struct Row {
    name: String,
    expected: String,
    /// The findings, and the number of runs with each.
    found: BTreeMap<String, usize>,
    slowest: Option<Duration>,
    right: usize,
    runs: usize,
}

impl Row {
    /// The beginning of the row in the table, without the times.
    fn claim(&self) -> String {
        let found: Vec<&str> = self.found.keys().map(String::as_str).collect();
        format!("| `{}` | {} | {} |", self.name, self.expected, found.join("; or ").replace(&self.expected, "the same"))
    }
}

fn measure(options: &Options) -> Result<(Vec<Row>, Vec<String>)> {
    let all = expectations()?;
    let is_named =
        |case: &Expectation| options.names.iter().any(|name| *name == case.program || *name == case.full_name());
    let cases: Vec<&Expectation> = all.iter().filter(|case| options.names.is_empty() || is_named(case)).collect();
    if let Some(name) =
        options.names.iter().find(|name| !all.iter().any(|it| it.program == **name || it.full_name() == **name))
    {
        return Err(format!("there is no program `{name}` in {FOLDER}/programs"));
    }
    let mut binaries: BTreeMap<&str, PathBuf> = BTreeMap::new();
    for (runtime, binary) in RUNTIMES {
        binaries.insert(runtime, build("insight-hangs", binary, Profile::Dev)?);
    }
    let runs = options.runs.get();
    println!("xtask: {} programs, {runs} time(s) each, {} s at least", cases.len(), options.seconds);
    let mut left: Vec<&Expectation> = (0..runs).flat_map(|_| cases.iter().copied()).rev().collect();
    // The programs whose problems take longest to find are started first.
    left.sort_by_key(|case| case.is_slow());
    let left = Mutex::new(left);
    let rows: Mutex<BTreeMap<String, Row>> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = { left.lock().expect("no thread panics").pop() } {
                    let findings = once(case, &binaries[case.runtime.as_str()], options.seconds);
                    let mut rows = rows.lock().expect("no thread panics");
                    let row = rows.entry(case.full_name()).or_default();
                    let finding = note(row, case, findings);
                    wrong.lock().expect("no thread panics").extend(finding);
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no thread panics");
    let rows = cases.iter().filter_map(|case| rows.remove(&case.full_name())).collect();
    Ok((rows, wrong.into_inner().expect("no thread panics")))
}

/// Runs one program for a while.
fn once(case: &Expectation, binary: &PathBuf, seconds: u64) -> Result<Findings> {
    let mut command = Command::new(binary);
    command.arg(&case.program);
    let name = RUNTIMES.iter().find(|(runtime, _)| *runtime == case.runtime).map_or("", |(_, binary)| binary);
    let mut program = Program::start(name, command)?;
    let insight = program.listens("insight: listening on http://", START)?;
    let findings = listen(insight, case, Duration::from_secs(seconds))?;
    if findings.ended {
        return Err(format!("it ended too early; {}", program.last_words()));
    }
    Ok(findings)
}

/// Adds a run to its row, and returns its faults.
fn note(row: &mut Row, case: &Expectation, findings: Result<Findings>) -> Option<String> {
    let expected = case.expected_in_words();
    if row.runs == 0 {
        (row.name, row.expected) = (case.full_name(), expected.clone());
    }
    row.runs += 1;
    let findings = match findings {
        Ok(findings) => findings,
        Err(error) => {
            *row.found.entry("an error".to_owned()).or_default() += 1;
            return Some(format!("{}: {error}", case.full_name()));
        }
    };
    let found = in_words(&findings.problems);
    *row.found.entry(found.clone()).or_default() += 1;
    row.slowest = row.slowest.max(findings.after);
    let mut wrong = Vec::new();
    if found != expected {
        wrong.push(format!("expected {expected}; found {found}"));
    }
    wrong.extend(findings.unnamed.iter().map(|unknown| format!("`{unknown}` is not named as unknown")));
    wrong.extend(findings.broken_rules.iter().take(3).cloned());
    if wrong.is_empty() {
        row.right += 1;
        return None;
    }
    let path = target().join("hangs").join(format!("{}-{}.ndjson", case.runtime, case.program));
    let kept =
        match std::fs::create_dir_all(path.with_file_name("")).and_then(|()| std::fs::write(&path, &findings.stream)) {
            Ok(()) => format!("its stream is {}", path.display()),
            Err(error) => format!("its stream could not be written to {}: {error}", path.display()),
        };
    Some(format!("{}: {}; {kept}", case.full_name(), wrong.join("; ")))
}

fn in_words(problems: &BTreeSet<Expected>) -> String {
    match problems.len() {
        0 => "nothing".to_owned(),
        _ => problems.iter().map(Expected::to_string).collect::<Vec<_>>().join("; and "),
    }
}

fn table(rows: &[Row], options: &Options) -> String {
    let mut text = format!(
        "# Findings of insight in the corpus\n\n\
         Written by `cargo xtask hangs --seconds {} --runs {}`: the runs of each program, and the minimum duration of each run.\n\
         [README.md](README.md) describes the programs and explains the words.\n\n\
         | program | expected | found | right | found after, at most |\n|---|---|---|---|---|\n",
        options.seconds, options.runs
    );
    for row in rows {
        let after = row.slowest.map_or_else(String::new, |after| format!("{:.1} s", after.as_secs_f64()));
        writeln!(text, "{} {} of {} | {after} |", row.claim(), row.right, row.runs).expect("a string takes all");
    }
    let (right, runs) = rows.iter().fold((0, 0), |(right, runs), row| (right + row.right, runs + row.runs));
    writeln!(text, "\n{right} of {runs} runs are right.").expect("a string takes all");
    text
}

#[cfg(test)]
mod tests {
    use super::expected::Verdict;
    use super::*;

    #[test]
    fn corpus_has_enough_programs() {
        let all = expectations().unwrap();
        let count = |verdict| all.iter().filter(|case| case.verdict == verdict).count();
        assert!(count(Verdict::Hang) >= 20 && count(Verdict::Healthy) >= 20, "at least 40, half of each");
    }
}
