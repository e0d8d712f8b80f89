//! The command line of a runtime's binary: makes programs, runs them in child processes, and keeps those that fail.

use crate::batch::Start;
use crate::children::{child, run};
use crate::keep::{Failing, keep};
use crate::outcome::Counts;
use crate::{generate, parse};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs random programs that hand things over
#[derive(Parser)]
#[command(max_term_width = 120)]
struct Arguments {
    /// The first program
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of programs
    #[arg(long, default_value_t = 150)]
    programs: u64,
    /// Maximum number of new failing programs to shrink and to keep, of each kind of problem and resources
    #[arg(long, default_value_t = 1)]
    keep: usize,
    /// Print this many of the stuck programs that were not reported
    #[arg(long, default_value_t = 0)]
    silent: usize,
    /// Run the programs of this file instead, and print each with its result
    #[arg(long)]
    file: Option<PathBuf>,
    /// Run the programs of stdin in this process
    #[arg(long, hide = true)]
    child: bool,
}

/// The `main` of a runtime's binary.
pub fn main(runtime: &str, start: Start) -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.file {
        _ if arguments.child => child(start),
        Some(file) => show(file),
        None => drive(runtime, &arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("handovers on {runtime}: {error}");
            ExitCode::from(2)
        }
    }
}

fn show(file: &PathBuf) -> Result<bool, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let programs = parse(&text)?;
    let report = run(&programs)?;
    for (program, outcome) in programs.iter().zip(&report.outcomes) {
        println!("{program}{}", outcome.in_words());
    }
    report.faults.iter().for_each(|fault| println!("fault: {fault}"));
    Ok(report.outcomes.iter().all(|outcome| outcome.false_proofs.is_empty()))
}

fn drive(runtime: &str, arguments: &Arguments) -> Result<bool, String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("kept/{runtime}.txt"));
    let text = std::fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let kept = parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let seeds: Vec<u64> = (0..arguments.programs).map(|at| arguments.seed.wrapping_add(at)).collect();
    let mut programs = kept.clone();
    programs.extend(seeds.iter().map(|seed| generate(*seed)));
    let mut report = run(&programs)?;
    let mut counts = Counts { faults: std::mem::take(&mut report.faults), ..Counts::default() };
    let new = report.outcomes.split_off(kept.len());
    for (program, outcome) in kept.iter().zip(&report.outcomes).filter(|(_, it)| !it.false_proofs.is_empty()) {
        println!("a kept program fails:\n{program}{}", outcome.in_words());
        counts.kept_failing += 1;
    }
    counts.kept = kept.len();
    new.iter().for_each(|outcome| counts.add(outcome));
    let failing = seeds.iter().zip(&new).filter_map(|(seed, outcome)| {
        let class = outcome.false_proofs.first()?.class();
        Some(Failing { class, program: generate(*seed) })
    });
    keep(&file, &kept, failing.collect(), arguments.keep)?;
    let silent = seeds.iter().zip(&new).filter(|(_, outcome)| outcome.task_left && outcome.open.is_empty());
    for (seed, outcome) in silent.take(arguments.silent) {
        println!("stuck and not reported, seed {seed}:\n{}{}", generate(*seed), outcome.in_words());
    }
    for (seed, outcome) in
        seeds.iter().zip(&new).filter(|(_, it)| it.plain && !it.open.iter().any(|found| found.proven))
    {
        println!("a deadlock of plain locks without a proof, seed {seed}:\n{}{}", generate(*seed), outcome.in_words());
    }
    counts.faults.iter().for_each(|fault| println!("fault: {fault}"));
    // A search that finds an old copy of a guard refutes a proof that was right.
    let right = counts.false_programs == 0
        && counts.plain_unproven * 4 <= counts.plain
        && counts.kept_failing == 0
        && counts.faults.is_empty();
    println!("counts {}", serde_json::to_string(&counts).map_err(|error| error.to_string())?);
    Ok(right)
}
