//! `cargo xtask fuzz`: runs the targets of fuzz/ all at once. `cargo fuzz run -s none` runs one of them.
//!
//! The fuzzer is linked as a library, and cargo-fuzz only adds compiler flags. This file has these flags, so cargo-fuzz
//! need not be installed. They are flags of a stable compiler. A sanitizer would need a nightly compiler, and would find
//! faults of unsafe code. The decoder and the model have no unsafe code.

use crate::process::{Result, apt_get_install, cargo, root, succeeds, target};
use insight_protocol::encode;
use insight_protocol::examples::examples;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Default duration, in seconds.
pub const SECONDS: u64 = 600;

/// Duration of a run as part of all tests, in seconds.
const SMOKE_SECONDS: u64 = 30;

const MANIFEST: &str = "fuzz/Cargo.toml";

const TARGETS: [&str; 2] = ["decode", "check"];

/// The flags of cargo-fuzz for `-s none`: the code counts the edges that it takes, and reports the values that it compares.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0";

/// Checks the targets with clippy, and runs them for a short time.
pub fn check() -> Result {
    compiler()?;
    let status = on_targets("clippy", &host()?).args(["--all-targets", "--", "-D", "warnings"]).status();
    match status.map_err(|error| format!("cannot start cargo: {error}"))?.success() {
        true => run(SMOKE_SECONDS),
        false => Err("correct what clippy names above".to_owned()),
    }
}

/// Runs all targets at the same time, for this number of seconds.
pub fn run(seconds: u64) -> Result {
    let folder = folder();
    let host = host()?;
    build(&host)?;
    dictionary(&folder)?;
    let mut started = Vec::new();
    for target in TARGETS {
        let binary = folder.join(&host).join("release").join(target);
        match start(&folder, target, &binary, seconds) {
            Ok(fuzzer) => started.push((target, fuzzer)),
            Err(error) => {
                started.into_iter().for_each(|(_, fuzzer)| stop(fuzzer));
                return Err(error);
            }
        }
    }
    println!("xtask: {} for {seconds} s; their logs are in {}", TARGETS.join(" and "), folder.join("logs").display());
    let done: Vec<Result> = started.into_iter().map(|(target, fuzzer)| end(&folder, target, fuzzer)).collect();
    done.into_iter().collect()
}

/// The folder for all output of a run: a corpus that grows from run to run, and inputs that fail.
fn folder() -> PathBuf {
    target().join("fuzz")
}

/// Checks that there is a C++ compiler, or installs one: libfuzzer is C++.
fn compiler() -> Result {
    let there = || succeeds(Command::new(std::env::var_os("CXX").unwrap_or_else(|| "c++".into())).arg("--version"));
    if there() || apt_get_install(&["g++"]) && there() {
        return Ok(());
    }
    Err("libfuzzer needs a C++ compiler: install one, such as by `apt-get install g++`".to_owned())
}

/// The compiler's own target. A build for a named target does not apply the flags to build scripts.
pub fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|error| format!("cannot start rustc: {error}"))?;
    let output = String::from_utf8_lossy(&output.stdout);
    let host = output.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn build(host: &str) -> Result {
    compiler()?;
    let status = on_targets("build", host).status();
    match status.map_err(|error| format!("cannot start cargo: {error}"))?.success() {
        true => Ok(()),
        false => Err("fuzz/ does not build; see above".to_owned()),
    }
}

/// A command of cargo on fuzz/. All commands have the same profile, target and flags, so that libfuzzer and the build scripts
/// are built once.
fn on_targets(command: &str, host: &str) -> Command {
    let mut cargo = cargo();
    cargo.args([command, "--quiet", "--release", "--manifest-path", MANIFEST, "--target", host]);
    cargo.env("RUSTFLAGS", RUSTFLAGS).env("CARGO_TARGET_DIR", folder());
    cargo
}

/// Writes the words of all messages. A fuzzer would need a long time to find them.
fn dictionary(folder: &Path) -> Result {
    let mut words = BTreeSet::new();
    for message in examples() {
        let json = serde_json::from_str(&encode(1, &message)).map_err(|error| format!("an example: {error}"))?;
        collect(&json, &mut words);
    }
    let lines: String = words.iter().map(|word| format!("\"\\\"{word}\\\"\"\n")).collect();
    save(&folder.join("words.dict"), lines.as_bytes())
}

fn collect(json: &Value, words: &mut BTreeSet<String>) {
    match json {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte)) => {
            words.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            words.insert(name.clone());
            collect(value, words);
        }),
        _ => {}
    }
}

/// Writes the first inputs: lines for `decode`, and for `check` streams and a recipe of each kind.
fn seeds(target: &str, folder: &Path) -> Result {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let recordings = root().join("conformance/recordings");
    for name in fs::read_dir(&recordings).map_err(|error| format!("cannot read {}: {error}", recordings.display()))? {
        let path = name.map_err(|error| error.to_string())?.path();
        seeds.push(fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?);
    }
    if target == "decode" {
        seeds = seeds.iter().flat_map(|recording| recording.split(|byte| *byte == b'\n')).map(<[u8]>::to_vec).collect();
        seeds.extend(examples().iter().map(|message| encode(1, message).into_bytes()));
    } else {
        // A task spawns, makes a mutex, locks it, waits for it, and is idle. Then a heartbeat follows.
        let knot = [[0, 0, 0, 0], [5, 1, 0, 0], [10, 0, 0, 0], [8, 0, 0, 4], [2, 0, 0, 1], [13, 0, 0, 0]];
        seeds.push([&[0], knot.as_flattened()].concat());
        seeds.push((1..=255).collect());
    }
    seeds.iter().enumerate().try_for_each(|(number, seed)| save(&folder.join(number.to_string()), seed))
}

fn start(folder: &Path, target: &str, binary: &Path, seconds: u64) -> Result<Child> {
    let (seeds_folder, corpus) = (folder.join("seeds").join(target), folder.join("corpus").join(target));
    seeds(target, &seeds_folder)?;
    fs::create_dir_all(&corpus).map_err(|error| format!("cannot make {}: {error}", corpus.display()))?;
    save(&log(folder, target), b"")?;
    let log = File::create(log(folder, target)).map_err(|error| format!("cannot write a log: {error}"))?;
    let mut command = Command::new(binary);
    command.arg(format!("-max_total_time={seconds}")).args(["-max_len=4096", "-timeout=10", "-print_final_stats=1"]);
    command.arg(format!("-dict={}", folder.join("words.dict").display()));
    command.arg(format!("-artifact_prefix={}/{target}-", folder.display()));
    command.args([corpus, seeds_folder]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().map_err(|error| format!("cannot start {}: {error}", binary.display()))
}

fn log(folder: &Path, target: &str) -> PathBuf {
    folder.join("logs").join(format!("{target}.txt"))
}

fn stop(mut fuzzer: Child) {
    // It may have ended already.
    _ = fuzzer.kill();
    _ = fuzzer.wait();
}

/// Waits for a target, and prints the number of its inputs, or its failure.
fn end(folder: &Path, target: &str, mut fuzzer: Child) -> Result {
    let status = fuzzer.wait().map_err(|error| format!("{target}: {error}"))?;
    let log = log(folder, target);
    let output = fs::read(&log).map_err(|error| format!("cannot read {}: {error}", log.display()))?;
    let output = String::from_utf8_lossy(&output);
    if status.success() {
        println!("xtask: {target}: {}", summary(&output));
        return Ok(());
    }
    let input = output.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path.trim());
    let Some(input) = input else {
        return Err(format!("{target} fails before it has an input: see {}", log.display()));
    };
    output.lines().skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR:")).take(8).for_each(
        |line| {
            eprintln!("{}", line.chars().take(1000).collect::<String>());
        },
    );
    Err(format!("{target} fails on {input}\n  to reproduce it: cargo fuzz run -s none {target} {input}"))
}

/// The number of inputs and the number of edges in the code that they took.
fn summary(output: &str) -> String {
    let executions = output.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let coverage = output.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next());
    let (executions, coverage) = (executions.map_or("?", str::trim), coverage.unwrap_or("?"));
    format!("{executions} executions, {coverage} edges of the code, nothing found")
}

fn save(path: &Path, bytes: &[u8]) -> Result {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, bytes)).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_a_run_is_summed_up() {
        let output = "#2\tINITED cov: 12 ft: 13\n#9\tDONE   cov: 5322 ft: 10947 corp: 3/4Kb\nstat::number_of_executed_units: 1588696\n";
        assert_eq!(summary(output), "1588696 executions, 5322 edges of the code, nothing found");
        assert_eq!(summary(""), "? executions, ? edges of the code, nothing found");
    }
}
