//! `cargo xtask hangs`: the corpus of `conformance/hangs`, run, and each verdict held to what is expected.

mod expected;
mod stream;

use crate::hangs::expected::{Expectation, Expected, expectations};
use crate::hangs::stream::{Seen, listen};
use crate::process::{Result, root, target};
use crate::program::{Profile, Program, START, build};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

pub const FOLDER: &str = "conformance/hangs";
const TABLE: &str = "conformance/hangs/TABLE.md";
/// The binaries, and so the runtimes.
const RUNTIMES: [(&str, &str); 3] =
    [("tokio", "hangs_tokio"), ("smol", "hangs_smol"), ("async_std", "hangs_async_std")];
/// For how long each program runs at least, as a step of `cargo xtask test`.
const SECONDS: u64 = 5;
/// How many programs run at once: most do nothing, and a few take a processor each.
const AT_ONCE: usize = 12;

/// What of the corpus to run, and for how long.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// For how long a program is looked at; one whose problem is not found by then gets more.
    seconds: u64,
    runs: usize,
    /// The programs; all of them when there is none.
    names: Vec<String>,
}

/// Runs what the arguments name, and writes the table when that is everything.
pub fn run(arguments: &[&str]) -> Result {
    let options = options(arguments)?;
    let (rows, wrong) = measure(&options)?;
    if options.names.is_empty() {
        let text = table(&rows, &options);
        std::fs::write(root().join(TABLE), text).map_err(|error| format!("cannot write {TABLE}: {error}"))?;
        println!("xtask: {TABLE} is written");
    }
    verdict(wrong)
}

/// Runs everything once, and says whether the table still says what is found.
pub fn check() -> Result {
    let options = Options { seconds: SECONDS, runs: 1, names: Vec::new() };
    let (rows, wrong) = measure(&options)?;
    verdict(wrong)?;
    let stands = crate::process::read(TABLE.as_ref())?;
    // Times differ each time.
    match rows.iter().map(Row::claim).find(|claim| !stands.contains(claim)) {
        None => Ok(()),
        Some(claim) => Err(format!("{TABLE} does not have `{claim}`: run `cargo xtask hangs`")),
    }
}

/// The kinds of problems that the corpus has.
#[cfg(test)]
pub fn kinds() -> Result<BTreeSet<String>> {
    Ok(expectations()?.iter().flat_map(Expectation::kinds).map(str::to_owned).collect())
}

fn verdict(wrong: Vec<String>) -> Result {
    wrong.iter().for_each(|finding| println!("xtask: {finding}"));
    match wrong.len() {
        0 => Ok(()),
        count => Err(format!("{count} of the runs are not as {FOLDER}/expected.json says; they are named above")),
    }
}

fn options(arguments: &[&str]) -> Result<Options> {
    let mut options = Options { seconds: SECONDS, runs: 1, names: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || match rest.next().map(|number| number.parse::<u64>()) {
            Some(Ok(number @ 1..)) => Ok(number),
            _ => Err(format!("{argument} wants a number, such as `{argument} 20`")),
        };
        match *argument {
            "--seconds" => options.seconds = number()?,
            "--runs" => options.runs = number()? as usize,
            flag if flag.starts_with('-') => return Err(format!("hangs has no {flag}; see `cargo xtask help`")),
            name => options.names.push(name.to_owned()),
        }
    }
    Ok(options)
}

/// What came of all the runs of one program.
#[derive(Default)]
struct Row {
    name: String,
    expected: String,
    /// What was found, and how often.
    found: BTreeMap<String, usize>,
    slowest: Option<Duration>,
    right: usize,
    runs: usize,
}

impl Row {
    /// The beginning of its line in the table, which is the same each time.
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
    let runs = options.runs;
    println!("xtask: {} programs, {runs} time(s) each, {} s at least", cases.len(), options.seconds);
    let mut left: Vec<&Expectation> = (0..runs).flat_map(|_| cases.iter().copied()).rev().collect();
    // What takes longest to be found is begun first.
    left.sort_by_key(|case| case.is_slow());
    let left = Mutex::new(left);
    let rows: Mutex<BTreeMap<String, Row>> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = { left.lock().expect("no thread panics").pop() } {
                    let seen = once(case, &binaries[case.runtime.as_str()], options.seconds);
                    let mut rows = rows.lock().expect("no thread panics");
                    let row = rows.entry(case.full_name()).or_default();
                    let finding = note(row, case, seen);
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
fn once(case: &Expectation, binary: &PathBuf, seconds: u64) -> Result<Seen> {
    let mut command = Command::new(binary);
    command.arg(&case.program);
    let name = RUNTIMES.iter().find(|(runtime, _)| *runtime == case.runtime).map_or("", |(_, binary)| binary);
    let mut program = Program::start(name, command)?;
    let insight = program.listens("insight: listening on http://", START)?;
    let seen = listen(insight, case, Duration::from_secs(seconds))?;
    if seen.ended {
        return Err(format!("it ended, and was to go on; {}", program.last_words()));
    }
    Ok(seen)
}

/// Counts a run, and says what is wrong with it.
fn note(row: &mut Row, case: &Expectation, seen: Result<Seen>) -> Option<String> {
    let expected = case.expected_in_words();
    if row.runs == 0 {
        (row.name, row.expected) = (case.full_name(), expected.clone());
    }
    row.runs += 1;
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => {
            *row.found.entry("an error".to_owned()).or_default() += 1;
            return Some(format!("{}: {error}", case.full_name()));
        }
    };
    let found = in_words(&seen.problems);
    *row.found.entry(found.clone()).or_default() += 1;
    row.slowest = row.slowest.max(seen.after);
    let mut wrong = Vec::new();
    if found != expected {
        wrong.push(format!("expected {expected}; found {found}"));
    }
    wrong.extend(seen.unnamed.iter().map(|unknown| format!("`{unknown}` is not named as unknown")));
    wrong.extend(seen.broken_rules.iter().take(3).cloned());
    if wrong.is_empty() {
        row.right += 1;
        return None;
    }
    let path = target().join("hangs").join(format!("{}-{}.ndjson", case.runtime, case.program));
    let kept = match std::fs::create_dir_all(path.with_file_name("")).and_then(|()| std::fs::write(&path, &seen.stream))
    {
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
    fn the_corpus_is_whole() {
        let all = expectations().unwrap();
        let count = |verdict| all.iter().filter(|case| case.verdict == verdict).count();
        assert!(count(Verdict::Hang) >= 20 && count(Verdict::Healthy) >= 20, "at least 40, half of each");
    }

    #[test]
    fn arguments_are_numbers_and_names() {
        let check = |arguments: &[&str], seconds, runs, names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(options(arguments), Ok(Options { seconds, runs, names }));
        };
        check(&[], SECONDS, 1, &[]);
        check(&["--seconds", "60", "--runs", "20"], 60, 20, &[]);
        check(&["lock_twice", "--runs", "2", "smol/ab_ba_mutexes"], SECONDS, 2, &["lock_twice", "smol/ab_ba_mutexes"]);
        assert_eq!(options(&["--runs"]), Err("--runs wants a number, such as `--runs 20`".to_owned()));
        assert_eq!(options(&["--fast"]), Err("hangs has no --fast; see `cargo xtask help`".to_owned()));
    }
}
