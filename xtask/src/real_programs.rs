//! `cargo xtask real-programs`: published programs under `cargo insight`, compared with their plain builds.
//!
//! The sources come from cargo's registry and stay as they are. Each program is built twice, asked the same questions,
//! and put under the same load. A row of the table has the cost of observing it. Each difference is an error.

mod clients;
mod grpc;
mod http;
mod mqtt;
mod programs;
mod serve;
mod source;
mod waits;
mod watch;

use crate::process::{Result, target};
use crate::program::{Profile, build};
use programs::{PROGRAMS, RealProgram};
use serve::{Build, Server};
pub use source::copy_package;
use source::{Built, Source};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::{Duration, Instant};
use watch::{Watch, Watched};

/// Time under load of one program, in seconds.
const SECONDS: NonZeroU64 = NonZeroU64::new(60).unwrap();

/// The same in `cargo xtask test`.
const QUICK_SECONDS: NonZeroU64 = NonZeroU64::new(10).unwrap();
/// Longest time of one turn, in seconds: the plain and the observed program take turns, so that a busy machine slows
/// both.
const TURN: u64 = 5;

/// Runs the named programs, or all of them.
/// The programs that are asked for.
#[derive(clap::Args)]
pub struct Asked {
    /// Seconds of load on each program
    #[arg(long, value_name = "N", default_value_t = SECONDS)]
    seconds: NonZeroU64,
    /// Build both from scratch, to compare the times
    #[arg(long)]
    clean: bool,
    /// The programs; all by default
    names: Vec<String>,
}

impl Asked {
    /// All programs.
    pub fn all() -> Asked {
        Asked { seconds: SECONDS, clean: false, names: Vec::new() }
    }

    /// One program, for a short time.
    pub fn quick(name: &str) -> Asked {
        Asked { seconds: QUICK_SECONDS, names: vec![name.to_owned()], ..Asked::all() }
    }
}

pub fn run(asked: &Asked) -> Result {
    let Asked { seconds, clean, names } = asked;
    let (seconds, clean) = (seconds.get(), *clean);
    let unknown = names.iter().find(|name| !PROGRAMS.iter().any(|program| program.name == *name));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
        return Err(format!("no real program is named {unknown}; there are {}", known.join(", ")));
    }
    let chosen = PROGRAMS.iter().filter(|program| names.is_empty() || names.iter().any(|name| name == program.name));
    let insight = build("cargo-insight", "cargo-insight", Profile::Dev)?;
    let check = build("insight-conformance", "insight-conformance", Profile::Release)?;
    let (mut rows, mut failures, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for program in chosen {
        println!("xtask: {} {}: {}", program.name, program.package.1, program.shows);
        let report = one(program, clean, seconds, &insight, &check);
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                println!("xtask: {}: {error}", program.name);
                failures.push(format!("{}: {error}", program.name));
                continue;
            }
        };
        println!("xtask: {}", report.row(program));
        failures.extend(report.failures.iter().map(|failure| format!("{}: {failure}", program.name)));
        problems.extend(report.watched.problems.iter().map(|problem| format!("{}: {problem}", program.name)));
        rows.push(report.row(program));
    }
    println!("{TABLE}\n{}", rows.join("\n"));
    if !problems.is_empty() {
        println!("\nProblems that insight names:\n- {}", problems.join("\n- "));
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(format!("{} failures:\n  {}", failures.len(), failures.join("\n  "))),
    }
}

const TABLE: &str = "\
| program | version | shows | build, plain | build, observed | requests/s, plain | requests/s, observed | tasks | waits named | not covered | problems | findings |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// The results of one program.
struct Report {
    plain: Side,
    observed: Side,
    watched: Watched,
    findings: u64,
    failures: Vec<String>,
}

/// The figures of one build.
struct Side {
    built: Built,
    requests: u64,
    time: Duration,
}

impl Side {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }
}

impl Report {
    fn row(&self, program: &RealProgram) -> String {
        let rate = self.observed.rate() / self.plain.rate() * 100.0;
        format!(
            "| {} | {} | {} | {} | {} | {:.0} | {:.0} ({rate:.0} %) | {} | {} | {} | {} | {} |",
            program.name,
            program.package.1,
            program.shows,
            self.plain.built,
            self.observed.built,
            self.plain.rate(),
            self.observed.rate(),
            self.watched.tasks,
            self.watched.waits,
            self.watched.uncovered.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            self.watched.problems.len(),
            self.findings
        )
    }
}

/// Builds both programs, compares their answers, and puts both under load.
fn one(program: &'static RealProgram, clean: bool, seconds: u64, insight: &Path, check: &Path) -> Result<Report> {
    let source = Source::fetch(program, &target().join("real-programs"))?;
    if clean {
        source.remove_builds()?;
    }
    let plain = source.build_plain()?;
    let observed = source.build_observed(insight)?;
    let mut report = Report {
        plain: Side { built: plain, requests: 0, time: Duration::ZERO },
        observed: Side { built: observed, requests: 0, time: Duration::ZERO },
        watched: Watched::default(),
        findings: 0,
        failures: Vec::new(),
    };
    match program.fixed_port {
        None => at_once(program, &source, seconds, check, &mut report)?,
        Some(_) => in_turn(program, &source, seconds, check, &mut report)?,
    }
    report.failures.extend(report.watched.failures());
    if report.findings > 0 {
        let path = source.folder.join("check.ndjson");
        report.failures.push(format!("insight-conformance has {} findings: {}", report.findings, path.display()));
    }
    report.failures.extend(source.changes()?);
    Ok(report)
}

/// Both programs run at the same time, and take turns under load.
fn at_once(program: &'static RealProgram, source: &Source, seconds: u64, check: &Path, report: &mut Report) -> Result {
    let plain = Server::start(program, source, Build::Plain, &report.plain.built)?;
    let observed = Server::start(program, source, Build::Observed, &report.observed.built)?;
    let asked = program.clients.ask(plain.address)?;
    let again = program.clients.ask(observed.address)?;
    report.failures.extend(clients::differences(&asked.answers, &again.answers));
    let turns = (seconds / 2).div_ceil(TURN).max(1);
    let turn = Duration::from_secs(seconds) / u32::try_from(2 * turns).expect("a run lasts less than a lifetime");
    let watch = Watch::start(observed.insight()?, check, Duration::from_secs(seconds), &source.folder)?;
    for _ in 0..turns {
        let start = Instant::now();
        report.plain.requests += program.clients.load(plain.address, &asked, turn, || Ok(()))?;
        report.plain.time += start.elapsed();
        let start = Instant::now();
        report.observed.requests +=
            program.clients.load(observed.address, &again, turn, || watch.take_snapshot(turn))?;
        report.observed.time += start.elapsed();
    }
    (report.watched, report.findings) = watch.end(observed)?;
    Ok(())
}

/// One program runs after the other, since both want the same port.
fn in_turn(program: &'static RealProgram, source: &Source, seconds: u64, check: &Path, report: &mut Report) -> Result {
    let half = Duration::from_secs(seconds) / 2;
    let plain = Server::start(program, source, Build::Plain, &report.plain.built)?;
    let asked = program.clients.ask(plain.address)?;
    let start = Instant::now();
    report.plain.requests = program.clients.load(plain.address, &asked, half, || Ok(()))?;
    report.plain.time = start.elapsed();
    drop(plain);
    let observed = Server::start(program, source, Build::Observed, &report.observed.built)?;
    let again = program.clients.ask(observed.address)?;
    report.failures.extend(clients::differences(&asked.answers, &again.answers));
    let watch = Watch::start(observed.insight()?, check, half, &source.folder)?;
    let start = Instant::now();
    report.observed.requests = program.clients.load(observed.address, &again, half, || watch.take_snapshot(half))?;
    report.observed.time = start.elapsed();
    (report.watched, report.findings) = watch.end(observed)?;
    Ok(())
}
