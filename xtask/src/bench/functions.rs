//! The instructions of an operation by source file and line, above those of the bare program.

use super::callgrind::{self, Profile};
use super::instructions;
use super::plan::OPERATIONS;
use crate::process::{Result, root};
use std::collections::BTreeMap;

/// Number of operations in a run.
const COUNT: u64 = 20 * 4096;
/// Fewest instructions per operation for a line to be shown.
const LEAST: f64 = 0.5;

/// Prints the instructions of the named operations, or of all.
pub fn print(asked: &[&str]) -> Result {
    let unknown = asked.iter().find(|name| !OPERATIONS.iter().any(|(operation, _)| operation == *name));
    if let Some(unknown) = unknown {
        return Err(format!(
            "there is no operation {unknown}; there are {}",
            OPERATIONS.map(|(name, _)| name).join(", ")
        ));
    }
    callgrind::valgrind()?;
    let programs = instructions::programs()?;
    for (operation, title) in OPERATIONS.iter().filter(|(name, _)| asked.is_empty() || asked.contains(name)) {
        let bare = callgrind::run(programs.path("bench-bare"), operation, "bare", COUNT)?;
        for configuration in ["off", "on"] {
            let profile = callgrind::run(programs.path("bench-insight"), operation, configuration, COUNT)?;
            let each = |count: u64| count as f64 / COUNT as f64;
            println!(
                "\n{title}, {configuration}: {:.1} instructions, bare {:.1}",
                each(profile.instructions),
                each(bare.instructions)
            );
            let differences = differences(&bare, &profile);
            for (origin, difference) in origins(&differences) {
                println!("{difference:+8.1}  of {origin}");
            }
            for (file, difference, lines) in differences {
                println!("{difference:+8.1}  {file}  {lines}");
            }
        }
    }
    Ok(())
}

/// The differences by the code that they are in, the largest first.
fn origins(differences: &[(String, f64, String)]) -> Vec<(&'static str, f64)> {
    let mut origins: BTreeMap<&str, f64> = BTreeMap::new();
    for (file, difference, _) in differences {
        let origin = [
            ("adapters/probe/", "the probe"),
            ("adapters/", "the facade"),
            ("library/", "the standard library, inlined or not"),
            ("tokio-", "tokio"),
            ("bench/", "the row itself"),
        ];
        let origin = origin.into_iter().find(|(start, _)| file.starts_with(start));
        *origins.entry(origin.map_or("memory and other libraries", |(_, origin)| origin)).or_default() += difference;
    }
    let mut origins: Vec<(&str, f64)> = origins.into_iter().collect();
    origins.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
    origins
}

/// The difference of each file, the largest first, with its lines that differ most.
fn differences(bare: &Profile, profile: &Profile) -> Vec<(String, f64, String)> {
    let mut files: BTreeMap<String, BTreeMap<u32, f64>> = BTreeMap::new();
    for (profile, sign) in [(profile, 1.0), (bare, -1.0)] {
        for ((file, line), count) in &profile.lines {
            let lines = files.entry(short(file)).or_default();
            *lines.entry(*line).or_default() += sign * *count as f64 / COUNT as f64;
        }
    }
    let mut differences: Vec<(String, f64, String)> = files
        .into_iter()
        .filter_map(|(file, lines)| {
            let all: f64 = lines.values().sum();
            let mut lines: Vec<(u32, f64)> = lines.into_iter().filter(|(_, count)| count.abs() >= LEAST).collect();
            lines.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
            let lines: Vec<String> = lines.iter().take(12).map(|(line, count)| format!("{line}:{count:+.1}")).collect();
            (all.abs() >= LEAST).then(|| (file, all, lines.join(" ")))
        })
        .collect();
    differences.sort_by(|(_, one, _), (_, other, _)| other.abs().total_cmp(&one.abs()));
    differences
}

/// A path without the parts that depend on the machine.
fn short(file: &str) -> String {
    let root = format!("{}/", root().display());
    let file = file.strip_prefix(&root).unwrap_or(file);
    // `registry/src/index/crate-1.0/src/lib.rs` and `rustc/hash/library/core/src/lib.rs`.
    for (mark, parts) in [("/registry/src/", 1), ("/rustc/", 1)] {
        if let Some((_, rest)) = file.split_once(mark) {
            return rest.splitn(parts + 1, '/').last().unwrap_or(rest).to_owned();
        }
    }
    file.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_by_file_and_per_operation() {
        let profile = |lines: &[(&str, u32, u64)]| Profile {
            instructions: 0,
            lines: lines.iter().map(|(file, line, each)| (((*file).to_owned(), *line), each * COUNT)).collect(),
        };
        let tokio = "/home/me/.cargo/registry/src/index/tokio-1.54.1/src/task.rs";
        let probe = format!("{}/adapters/probe/src/observed.rs", root().display());
        let bare = profile(&[(tokio, 7, 10), (tokio, 9, 4)]);
        let on = profile(&[(tokio, 7, 12), (tokio, 9, 4), (&probe, 30, 20), (&probe, 31, 5)]);
        let expect = [
            ("adapters/probe/src/observed.rs".to_owned(), 25.0, "30:+20.0 31:+5.0".to_owned()),
            ("tokio-1.54.1/src/task.rs".to_owned(), 2.0, "7:+2.0".to_owned()),
        ];
        assert_eq!(differences(&bare, &on), expect);
        assert_eq!(origins(&expect), [("the probe", 25.0), ("tokio", 2.0)]);
    }
}
