//! `cargo xtask bench`: the cost of insight, compared with the same program without it and with its peers.
//!
//! Each measured process is one row in one configuration. The processes of a group are interleaved, so that other load on the
//! machine affects all of them. The minimum and the median are kept. Instructions are counted instead of timed. Their
//! counts have a committed file and a tolerance, and `cargo xtask test` compares with them.

mod build;
mod callgrind;
mod functions;
mod http;
mod instructions;
mod machine;
mod page;
mod plan;
mod plot;
mod results;
mod targets;

use crate::process::{Result, root};
use build::Programs;
use plan::Scale;
use results::Results;
use std::path::PathBuf;
use std::time::Instant;

pub use instructions::guard;

/// Runs the measurements that are asked for. Only a whole run, or `--write`, writes to `docs/cost`.
pub fn run(asked: &Asked) -> Result {
    let rows: Vec<&str> = asked.rows.iter().map(String::as_str).collect();
    match asked {
        Asked { accept: true, .. } => instructions::accept(),
        Asked { functions: true, .. } => functions::print(&rows),
        Asked { quick: true, write, .. } => measure(Scale::Quick, &rows, *write),
        _ => measure(Scale::Whole, &rows, rows.is_empty()),
    }
}

/// The measurements that are asked for.
#[derive(clap::Args)]
pub struct Asked {
    /// Few and short runs, without peers
    #[arg(long)]
    quick: bool,
    /// Write docs/cost, which a whole run does anyway
    #[arg(long, requires = "quick", conflicts_with = "rows")]
    write: bool,
    /// Write the number of instructions of each operation; `cargo xtask test` compares with them
    #[arg(long, exclusive = true)]
    accept: bool,
    /// Print the source lines that the instructions of an operation are in
    #[arg(long, conflicts_with_all = ["quick", "write"])]
    functions: bool,
    /// Rows and configurations; all by default
    rows: Vec<String>,
}

fn measure(scale: Scale, asked: &[&str], write: bool) -> Result {
    let start = Instant::now();
    // Measured before the builds, which are load themselves.
    let load = machine::load();
    let groups = plan::groups(scale, asked);
    let counted = asked.is_empty() || asked.contains(&"instructions");
    if groups.is_empty() && !counted {
        let configurations = plan::CONFIGURATIONS.map(|(name, ..)| name).join(", ");
        return Err(format!(
            "no row or configuration has the name {}; the rows: {}; the configurations: {configurations}",
            asked.join(" or "),
            plan::names().join(", ")
        ));
    }
    let programs = Programs::build(groups.iter().flat_map(|group| group.programs()))?;
    println!("xtask: built ({:.0} s)", start.elapsed().as_secs_f64());
    let mut results = Results::default();
    let mut failures = Vec::new();
    for group in &groups {
        let start = Instant::now();
        println!("xtask: {} ...", group.name);
        group.run(&programs, &mut results, &mut failures)?;
        println!("xtask: {} ({:.0} s)", group.name, start.elapsed().as_secs_f64());
    }
    let counts = if counted { Some(instructions::count(&programs)?) } else { None };
    let text = page::generated((scale, &load), &results, counts.as_ref(), &failures);
    println!("{text}");
    if write {
        page::write(&folder(), &text, &results)?;
        if let Some(counts) = &counts {
            instructions::write(counts)?;
        }
        println!("xtask: written to docs/cost");
    }
    println!("xtask: measured in {:.0} s", start.elapsed().as_secs_f64());
    match failures.as_slice() {
        [] => Ok(()),
        failures => Err(format!("{} could not be measured:\n  {}", failures.len(), failures.join("\n  "))),
    }
}

/// The folder for the results.
fn folder() -> PathBuf {
    root().join("docs/cost")
}
