//! Runs a program under callgrind, and reads the profile.

use crate::process::{Result, apt_get_install, succeeds, target};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The function of the measured programs in which instructions are counted.
const MEASURED: &str = "insight_bench_measured";

/// Checks that there is a valgrind, or installs it.
pub fn valgrind() -> Result {
    let is_there = || succeeds(Command::new("valgrind").arg("--version"));
    if is_there() || (apt_get_install(&["valgrind", "libc6-dbg"]) && is_there()) {
        return Ok(());
    }
    Err("instructions are counted by valgrind, which is missing: install it, such as by `apt-get install valgrind`"
        .to_owned())
}

/// The profile of one run.
#[derive(Debug, PartialEq)]
pub struct Profile {
    /// Instructions within the measured function.
    pub instructions: u64,
    /// The same by source file and line. Inlined code counts for its own file.
    pub lines: BTreeMap<(String, u32), u64>,
}

/// Runs an operation under callgrind, `count` times.
pub fn run(program: &Path, operation: &str, configuration: &str, count: u64) -> Result<Profile> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let out = target().join("bench").join(format!("callgrind.{name}.{operation}.{configuration}"));
    std::fs::create_dir_all(target().join("bench")).map_err(|error| format!("{}: {error}", target().display()))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--dump-line=yes", "--compress-strings=no"])
        .args(["--compress-pos=no", &format!("--toggle-collect={MEASURED}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args([operation, &format!("count={count}"), &format!("configuration={configuration}")])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name} {operation} under valgrind: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = std::fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let profile = parse(&text)?;
    if profile.instructions == 0 {
        return Err(format!("{name} {operation} did not call {MEASURED}"));
    }
    Ok(profile)
}

/// Reads callgrind's format, without compression of names and positions.
fn parse(text: &str) -> Result<Profile> {
    let mut lines: BTreeMap<(String, u32), u64> = BTreeMap::new();
    let mut total = None;
    let mut file = String::new();
    let mut is_call = false;
    for line in text.lines() {
        if let Some(count) = line.strip_prefix("totals:") {
            total = count.trim().parse().ok();
        } else if let Some(name) = ["fl=", "fi=", "fe="].iter().find_map(|key| line.strip_prefix(key)) {
            name.clone_into(&mut file);
        } else if line.starts_with("calls=") {
            // The next line has the cost of the called function. It is counted at that function.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let mut numbers = line.split(' ').map(str::parse::<u64>);
            if !std::mem::take(&mut is_call)
                && let (Some(Ok(number)), Some(Ok(cost))) = (numbers.next(), numbers.next())
            {
                *lines.entry((file.clone(), number as u32)).or_default() += cost;
            }
        }
    }
    let instructions = total.ok_or("callgrind wrote no `totals:`")?;
    Ok(Profile { instructions, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "\
version: 1
creator: callgrind-3.19.0
pid: 4127
positions: line
events: Ir
summary: 70

fl=/src/micro.rs
fn=bench::micro::poll
10 5
fi=/src/probe/observed.rs
7 20
fe=/src/micro.rs
11 3
cfi=/src/task.rs
cfn=bench::wake
calls=4 100
10 40
12 2

fl=/src/task.rs
fn=bench::wake
100 40

totals: 110
";

    #[test]
    fn each_instruction_is_counted_once_at_its_line() {
        let profile = parse(WRITTEN).unwrap();
        let lines: Vec<(&str, u32, u64)> =
            profile.lines.iter().map(|((file, line), count)| (file.as_str(), *line, *count)).collect();
        let expect = [
            ("/src/micro.rs", 10, 5),
            ("/src/micro.rs", 11, 3),
            ("/src/micro.rs", 12, 2),
            ("/src/probe/observed.rs", 7, 20),
            ("/src/task.rs", 100, 40),
        ];
        assert_eq!(lines, expect);
        assert_eq!(profile.instructions, 110);
    }

    #[test]
    fn profile_that_is_cut_off_is_an_error() {
        let cut = WRITTEN.split("totals").next().unwrap();
        assert_eq!(parse(cut).unwrap_err(), "callgrind wrote no `totals:`");
    }
}
