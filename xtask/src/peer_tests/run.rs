//! Builds and runs the copied tests.

use super::Mode;
use crate::process::{Result, cargo, target};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// Maximum time of a file's tests. After this time they count as hanging.
const PATIENCE: Duration = Duration::from_secs(180);

/// Tests of a file that run at the same time, for each processor. Most of them sleep for most of their time.
const AT_ONCE: usize = 2;

/// The build of each test file: a program, or the compiler's errors.
pub type Built = BTreeMap<String, std::result::Result<PathBuf, String>>;

/// The results of one file's tests.
#[derive(Default)]
pub struct Ran {
    pub tests: BTreeMap<String, Outcome>,
    /// Why the program did not end normally.
    pub broken: Option<String>,
    /// The output.
    pub log: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    Ignored,
}

/// Builds the test files in one call of cargo. Errors in one file do not stop the others.
pub fn build(folder: &Path, files: &[&str]) -> Result<Built> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--keep-going", "--message-format=json", "--manifest-path"]);
    command.arg(folder.join("Cargo.toml")).env("CARGO_TARGET_DIR", target().join("peer-tests/target"));
    if files.is_empty() {
        command.arg("--tests");
    }
    command.args(files.iter().flat_map(|file| ["--test", file]));
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut built = Built::new();
    let mut others = String::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        let is_test = message["target"]["kind"][0] == "test";
        match message["reason"].as_str() {
            Some("compiler-artifact") if is_test => {
                if let Some(program) = message["executable"].as_str() {
                    built.insert(name, Ok(PathBuf::from(program)));
                }
            }
            Some("compiler-message") if message["message"]["level"] == "error" => {
                let rendered = message["message"]["rendered"].as_str().unwrap_or_default();
                eprint!("{rendered}");
                let short = message["message"]["message"].as_str().unwrap_or_default();
                match is_test {
                    true => {
                        let entry = built.entry(name).or_insert_with(|| Err("does not compile:".to_owned()));
                        entry.as_mut().err().into_iter().for_each(|why| *why = format!("{why} {short};"));
                    }
                    false => others.push_str(rendered),
                }
            }
            _ => {}
        }
    }
    match (output.status.success(), built.is_empty() || !others.is_empty()) {
        (false, true) => Err("the tests cannot be built; see above".to_owned()),
        _ => Ok(built),
    }
}

/// Runs the programs one after the other, since many of the tests depend on time.
pub fn run(folder: &Path, built: &Built, mode: Mode) -> BTreeMap<String, Ran> {
    let run = |(file, program): (&String, &std::result::Result<PathBuf, String>)| {
        let ran = match program {
            Ok(program) => {
                let log = folder.join(format!("logs/{}/{file}.txt", mode.name()));
                run_file(folder, program, mode, log).unwrap_or_else(|error| broken(error.to_string()))
            }
            Err(why) => broken(why.clone()),
        };
        (file.clone(), ran)
    };
    built.iter().map(run).collect()
}

fn broken(why: String) -> Ran {
    Ran { broken: Some(why), ..Ran::default() }
}

fn run_file(folder: &Path, program: &Path, mode: Mode, log: PathBuf) -> std::io::Result<Ran> {
    fs::create_dir_all(log.parent().expect("in a folder"))?;
    let file = File::create(&log)?;
    let mut command = command(folder, program, mode);
    command.stdout(file.try_clone()?).stderr(file);
    let status = end(command.spawn()?)?;
    let output = fs::read(&log)?;
    let (tests, complete) = parse(&String::from_utf8_lossy(&output));
    let failed = tests.values().any(|outcome| *outcome == Outcome::Failed);
    let broken = match status {
        None => Some(format!("hangs: no end after {} s; {}", PATIENCE.as_secs(), log.display())),
        Some(status) if !complete || (!status.success() && !failed) => Some(format!("{status}; {}", log.display())),
        Some(_) => None,
    };
    Ok(Ran { tests, broken, log })
}

/// Whether a test of the program passes `times` times in a row, alone. Many tests of the peers sleep for a time that is too
/// short on a busy machine.
pub fn passes_alone(folder: &Path, program: &Path, mode: Mode, test: &str, times: usize) -> bool {
    let passes = || {
        let mut command = command(folder, program, mode);
        command.args(["--exact", test]).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.spawn().and_then(end);
        status.is_ok_and(|status| status.is_some_and(|status| status.success()))
    };
    (0..times).all(|_| passes())
}

fn command(folder: &Path, program: &Path, mode: Mode) -> Command {
    let mut command = Command::new(program);
    // A backtrace of an expected panic takes longer than some tests sleep. Stdin stays open like a terminal, since one test
    // expects to wait for input.
    command.current_dir(folder).env("RUST_BACKTRACE", "0").stdin(Stdio::piped());
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    command.env("RUST_TEST_THREADS", (AT_ONCE * processors).to_string());
    match mode {
        Mode::On => command.env("INSIGHT_PEER_TESTS", "on"),
        Mode::Off => command.env_remove("INSIGHT_PEER_TESTS"),
    };
    command
}

/// Waits for the end of the process. `None` if it hangs; it is then killed.
fn end(mut child: Child) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The outcomes of the tests, and whether the program has printed its last line.
fn parse(output: &str) -> (BTreeMap<String, Outcome>, bool) {
    let mut tests = BTreeMap::new();
    for line in output.lines() {
        // A test may print between its name and its result, or before its name.
        let Some((name, rest)) = line.rfind("test ").and_then(|at| line[at + 5..].split_once(" ... ")) else {
            continue;
        };
        let outcome = match rest.split([' ', ',']).next() {
            Some("ok") => Outcome::Passed,
            Some("ignored") => Outcome::Ignored,
            Some("FAILED") => Outcome::Failed,
            _ => continue,
        };
        tests.insert(name.trim_end_matches(" - should panic").to_owned(), outcome);
    }
    (tests, output.contains("test result: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_from_the_output() {
        let output = "\nrunning 4 tests\ntest a ... ok\nnoise test b::c - should panic ... ok\ntest d ... ignored, why\n\
                    test e ... FAILED\n\ntest result: FAILED. 2 passed; 1 failed\n";
        let (tests, complete) = parse(output);
        let expect =
            [("a", Outcome::Passed), ("b::c", Outcome::Passed), ("d", Outcome::Ignored), ("e", Outcome::Failed)];
        assert_eq!(tests, expect.map(|(name, outcome)| (name.to_owned(), outcome)).into());
        assert!(complete && !parse("test a ... ok").1);
    }
}
