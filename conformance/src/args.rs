//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Holds streams of the insight protocol to the rules of SPEC.md
#[derive(Debug, Parser)]
#[command(name = "insight-conformance", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks a recording or a live stream, line by line, and tells each rule that it breaks
    #[command(after_help = "\
Strict and lenient:
  --strict   Rules of level SHOULD too, and each line as emit.schema.json of this version has it: no unknown
             type, field or word but those of extensions that the header lists. When the header names a later
             minor version, what is unknown may be that version's. For whoever writes a producer.
  --lenient  What every reader relies on: rules of level MUST, and each line as accept.schema.json has it.
             For whoever has got a recording and wants to know whether a reader can use it.

A last line without its end is cut off, as a stream may be anywhere: it is not checked, and no finding.

Exit status:
  0  no finding
  1  findings
  2  it could not be read, it is no stream or speaks another major version, or the command line is wrong")]
    Check(Check),

    /// Finds what a recorded or a live program suffers from, as the program itself would
    #[command(after_help = "\
What is found is found from the facts of the stream, whatever problems the stream itself names; where these are
others at its end, that is said.

Exit status:
  0  no problem stood at the end, or where the stream is cut off, or only notices
  2  nothing can be said: it is no stream, has no complete snapshot, or speaks another major version; it could not be
     read; or the command line is wrong
  3  a hang stood, proven or suspected
  4  no hang stood, but the program is degraded")]
    Diagnose(Diagnose),
}

#[derive(Debug, Args)]
pub struct Diagnose {
    /// A recording, - for stdin, or where a program listens; as for `check`
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,

    /// Print the messages problem.raised, problem.updated and problem.cleared, one a line
    #[arg(long)]
    pub json: bool,

    /// Stop reading after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,

    /// For how many seconds facts must have stood to make a problem
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pub settle: Duration,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A recording; - for stdin; or where a program listens: http://HOST:PORT[/v1/stream], HOST:PORT, localhost, an
    /// IP address, or a PORT of 127.0.0.1. A file of that name comes first
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,

    /// Judge as a producer is bound [default]
    #[arg(long, conflicts_with = "lenient")]
    pub strict: bool,

    /// Judge by what readers rely on
    #[arg(long)]
    pub lenient: bool,

    /// The form of the report: for people, an object a line, or XML for CI
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Stop reading after so many seconds; a live stream goes on otherwise until its program ends, or until Ctrl-C, and
    /// then without a summary
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,

    /// Write the report to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Tell every finding, and not only the first 20 of each rule
    #[arg(long)]
    pub all: bool,
}

/// The form of the report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Junit,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("it has to be more than 0".to_owned()),
    }
}
