//! The attacked clients, as processes with limits of time and memory.

use crate::process::Result;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Maximum memory of a client in any case, in MiB.
pub const MOST_MEMORY: u64 = 600;
/// Maximum size of a kept output, in bytes. The rest is read and dropped.
const MOST_OUTPUT: u64 = 256 << 20;
/// Time between two measurements of a process.
const INTERVAL: Duration = Duration::from_millis(4);

/// The release binaries under attack.
pub struct Tools {
    /// `consolation`.
    pub consolation: PathBuf,
    /// `insight-conformance`.
    pub conformance: PathBuf,
}

/// One command and its result.
pub struct Run {
    /// The exit status. `None` if it was stopped at its time limit.
    pub status: Option<ExitStatus>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Largest measured memory in MiB. It is 0 if the process ended before the first measurement, or without `/proc`.
    pub peak_mib: u64,
    pub took: Duration,
}

/// Runs a command, and stops it after `bound`.
pub fn run(command: &mut Command, bound: Duration) -> Result<Run> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    std::thread::scope(|scope| {
        let stdout = scope.spawn(|| read(stdout));
        let stderr = scope.spawn(|| read(stderr));
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
        let (status, peak_mib) = watch(&mut child, &name, start + bound);
        let took = start.elapsed();
        let status = status.map_err(|error| format!("cannot wait for {command:?}: {error}"))?;
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
        Ok(Run { status, stdout, stderr, peak_mib, took })
    })
}

/// Waits for the end. Stops the process at the deadline, or when it uses far too much memory.
fn watch(child: &mut Child, name: &str, deadline: Instant) -> (std::io::Result<Option<ExitStatus>>, u64) {
    let mut peak = 0;
    loop {
        peak = peak.max(peak_mib(child.id(), name).unwrap_or(0));
        match child.try_wait() {
            Ok(None) if Instant::now() < deadline && peak < 4 * MOST_MEMORY => std::thread::sleep(INTERVAL),
            Ok(None) => {
                // It fails only if the process has just ended.
                let _ = child.kill();
                return (child.wait().map(|_| None), peak);
            }
            ended => return (ended, peak),
        }
    }
}

/// The largest memory of the process so far, by Linux. `None` before the process runs the program with this name.
fn peak_mib(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    // Linux keeps the first 15 bytes of the name.
    field("Name:").filter(|theirs| name.starts_with(theirs))?;
    let line = field("VmHWM:")?;
    line.strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib >> 10)
}

fn read(mut pipe: impl Read) -> Vec<u8> {
    let mut output = Vec::new();
    // The pipe ends with the process, so errors do not matter.
    let _ = pipe.by_ref().take(MOST_OUTPUT).read_to_end(&mut output);
    let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    output
}

/// The expected behaviour of a client.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// It ends with one of these codes, and its output has these words.
    Ends(&'static [i32], &'static str),
    /// It waits, and prints these words to stderr.
    Waits(&'static str),
}

/// The faults of one run, one short text each.
pub fn faults(run: &Run, expect: Expect) -> Vec<String> {
    let mut faults = Vec::new();
    let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    match (run.status, expect) {
        (None, Expect::Waits(_)) => {}
        (None, Expect::Ends(codes, _)) => {
            faults.push(format!("expected exit status {codes:?}, actual: it ran after {:.1?}", run.took));
        }
        (Some(status), Expect::Waits(_)) => faults.push(format!("expected that it waits, actual: {status}")),
        // A signal has no code.
        (Some(status), Expect::Ends(codes, _)) if status.code().is_none_or(|code| !codes.contains(&code)) => {
            faults.push(format!("expected exit status {codes:?}, actual: {status}"));
        }
        (Some(_), Expect::Ends(..)) => {}
    }
    if stderr.contains("panicked") {
        faults.push(format!("it panicked: {}", start(&stderr)));
    }
    let (Expect::Ends(_, words) | Expect::Waits(words)) = expect;
    if !stdout.contains(words) && !stderr.contains(words) {
        faults.push(format!("expected the words `{words}`, actual: {}{}", start(&stderr), start(&stdout)));
    }
    if run.status.is_some_and(|status| !status.success()) && stdout.trim().is_empty() && stderr.trim().is_empty() {
        faults.push("expected a line with the reason, actual: no output".to_owned());
    }
    for (name, output) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        match std::str::from_utf8(output) {
            Err(_) if (output.len() as u64) < MOST_OUTPUT => faults.push(format!("{name} is not UTF-8")),
            Err(_) => {}
            Ok(text) => {
                // Control characters, and changes of the text's direction.
                let harmful = text.chars().find(|c| insight_model::is_hidden(*c) && !matches!(c, '\n' | '\t'));
                faults.extend(harmful.map(|c| format!("{name} has the hidden character {}", c.escape_unicode())));
            }
        }
    }
    if run.peak_mib > MOST_MEMORY {
        faults.push(format!("expected at most {MOST_MEMORY} MiB of memory, actual: {} MiB", run.peak_mib));
    }
    faults
}

/// The start of an output in one line, for a report.
fn start(text: &str) -> String {
    let line: Vec<&str> = text.lines().take(3).collect();
    line.join(" / ").chars().take(300).flat_map(char::escape_debug).collect()
}

/// Whether an output is one JSON value, or was too long to be kept.
pub fn is_json(output: &[u8]) -> bool {
    output.len() as u64 == MOST_OUTPUT || serde_json::from_slice::<serde::de::IgnoredAny>(output).is_ok()
}

/// Runs all cases, `at_a_time` at the same time. Returns their faults in the order of the cases.
pub fn all<C: Sync>(cases: &[C], at_a_time: usize, one: impl Fn(&C) -> Vec<String> + Sync) -> Vec<String> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_a_time.min(cases.len()) {
            scope.spawn(|| {
                while let Some((number, case)) = take(cases, &next) {
                    let faults = one(case);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((number, faults));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort();
    found.into_iter().flat_map(|(_, faults)| faults).collect()
}

fn take<'c, C>(cases: &'c [C], next: &AtomicUsize) -> Option<(usize, &'c C)> {
    // Relaxed: each number is given once, and no other data depends on it.
    let number = next.fetch_add(1, Ordering::Relaxed);
    cases.get(number).map(|case| (number, case))
}

/// Prints the faults, one per line. Returns the number of cases as text, or the number of faults as an error.
pub fn verdict(cases: usize, faults: &[String]) -> Result<String> {
    faults.iter().for_each(|fault| eprintln!("xtask: {fault}"));
    match faults.len() {
        0 => Ok(format!("{cases} cases as expected")),
        count => Err(format!("{count} faults in {cases} cases; see above")),
    }
}

/// Random numbers, the same for the same seed (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit.max(1) as u64)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, expect: Expect) -> Vec<String> {
        let run = run(Command::new("sh").args(["-c", script]), Duration::from_millis(500)).unwrap();
        faults(&run, expect)
    }

    #[test]
    fn each_fault_of_a_run_is_one_line() {
        let ends = Expect::Ends(&[1], "no answer");
        assert_eq!(shell("echo no answer >&2; exit 1", ends), [""; 0]);
        assert_eq!(shell("echo no answer; exec sleep 61", Expect::Waits("no answer")), [""; 0]);
        let check = |script: &str, expect: &str| {
            let faults = shell(script, ends);
            assert_eq!(faults.len(), 1, "{script}: {faults:?}");
            assert!(faults[0].starts_with(expect), "{script}: {faults:?}");
        };
        check("echo no answer", "expected exit status [1], actual: exit status: 0");
        check("echo no answer; kill -9 $$", "expected exit status [1], actual: signal: 9");
        check("echo no answer; exec sleep 61", "expected exit status [1], actual: it ran after ");
        check("echo hello; exit 1", "expected the words `no answer`, actual: hello");
        check("printf 'no answer\\033[31m'; exit 1", "stdout has the hidden character \\u{1b}");
        check("printf 'no answer\\302\\233' >&2; exit 1", "stderr has the hidden character \\u{9b}");
        check("printf 'no answer\\377'; exit 1", "stdout is not UTF-8");
        check("echo thread no answer panicked at >&2; exit 1", "it panicked: thread no answer");
    }

    #[test]
    fn faults_are_in_the_order_of_the_cases() {
        let faults = all(&[3_u64, 1, 2], 3, |case| {
            std::thread::sleep(Duration::from_millis(*case));
            vec![case.to_string()]
        });
        assert_eq!(faults, ["3", "1", "2"]);
    }
}
