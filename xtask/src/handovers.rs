//! `cargo xtask handovers`: random programs that hand things over, on each runtime, to refute insight's proofs.

use crate::process::{Result, root};
use crate::program::{Profile, build};
use crate::runtime::Runtime;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Number of programs for each runtime.
const QUICK: u64 = 150;
const FULL: u64 = 2_000;

/// The programs that are asked for.
#[derive(clap::Args)]
pub struct Options {
    /// 2,000 programs for each runtime
    #[arg(long, conflicts_with = "programs")]
    full: bool,
    /// Number of programs for each runtime
    #[arg(long, value_name = "N", default_value_t = QUICK)]
    programs: u64,
    /// The seed of the first program; each program has its own
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The runtimes; all by default
    #[arg(long)]
    runtime: Vec<Runtime>,
    /// Maximum number of failing programs to shrink and to keep, of each kind of problem and resources
    #[arg(long, value_name = "N", default_value_t = 1)]
    keep: usize,
    /// Print this many of the stuck programs that were not reported
    #[arg(long, value_name = "N", default_value_t = 0)]
    silent: usize,
}

/// Runs the kept programs, and new ones: a quick number, or the full one.
pub fn check(full: bool) -> Result {
    run(&Options { full, programs: QUICK, seed: 1, runtime: Vec::new(), keep: 1, silent: 0 })
}

/// Runs the programs, prints a table, and fails if a proof was false.
pub fn run(options: &Options) -> Result {
    let runtimes = match &options.runtime[..] {
        [] => &[Runtime::Tokio, Runtime::Smol, Runtime::AsyncStd],
        named => named,
    };
    let mut rows = Vec::new();
    for runtime in runtimes {
        let (name, binary) = match runtime {
            Runtime::Tokio => ("tokio", "handovers_tokio"),
            Runtime::Smol => ("smol", "handovers_smol"),
            Runtime::AsyncStd => ("async-std", "handovers_async_std"),
        };
        let binary = build("insight-handovers", binary, Profile::Dev)?;
        let programs = if options.full { FULL } else { options.programs };
        println!("xtask: {programs} programs on {name}");
        let mut command = Command::new(binary);
        command.current_dir(root()).stdout(Stdio::piped()).args(["--programs", &programs.to_string()]);
        for (option, value) in
            [("--seed", options.seed), ("--keep", options.keep as u64), ("--silent", options.silent as u64)]
        {
            command.args([option, &value.to_string()]);
        }
        let mut child = command.spawn().map_err(|error| format!("cannot start the programs: {error}"))?;
        let mut counts = None;
        for line in BufReader::new(child.stdout.take().expect("stdout is piped")).lines().map_while(|line| line.ok()) {
            match line.strip_prefix("counts ") {
                Some(json) => counts = serde_json::from_str(json).ok(),
                None => println!("{line}"),
            }
        }
        let status = child.wait().map_err(|error| format!("cannot wait for the programs: {error}"))?;
        let counts = counts.ok_or_else(|| format!("the programs on {name} ended with {status}"))?;
        rows.push((name, counts, status.success()));
    }
    println!("{}", table(&rows));
    match rows.iter().filter(|(.., right)| !right).count() {
        0 => Ok(()),
        _ => Err("a proof was false, or a stream was not right: see conformance/handovers/README.md".to_owned()),
    }
}

/// A table in Markdown.
fn table(rows: &[(&str, serde_json::Value, bool)]) -> String {
    let columns = [
        ("programs", "programs"),
        ("finished", "finished"),
        ("stuck", "stuck"),
        ("reported as proven", "proven"),
        ("as suspected", "suspected"),
        ("plain", "plain"),
        ("unproven", "plain_unproven"),
        ("suspicion resolved", "doubted"),
        ("falsely proven", "false_programs"),
    ];
    let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| runtime | {} | kinds | kept | fail |\n|{}\n", head.join(" | "), "---|".repeat(13));
    for (name, counts, _) in rows {
        let numbers: Vec<String> = columns.iter().map(|(_, key)| counts[*key].to_string()).collect();
        let kinds = counts["false_proofs"].as_object().into_iter().flatten();
        let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{kind} {count}")).collect();
        let (kept, failing) = (&counts["kept"], &counts["kept_failing"]);
        table += &format!("| {name} | {} | {} | {kept} | {failing} |\n", numbers.join(" | "), kinds.join(", "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_a_row_for_each_runtime() {
        let counts = serde_json::json!({
            "programs": 9, "finished": 5, "stuck": 3, "stuck_threads": 1, "proven": 1, "suspected": 1, "doubted": 2, "plain": 1,
            "plain_unproven": 0,
            "false_programs": 2, "false_proofs": {"deadlock": 1, "futurelock": 2}, "kept": 4, "kept_failing": 0,
        });
        assert_eq!(
            table(&[("tokio", counts, true)]).lines().last(),
            Some("| tokio | 9 | 5 | 3 | 1 | 1 | 1 | 0 | 2 | 2 | deadlock 1, futurelock 2 | 4 | 0 |")
        );
    }
}
