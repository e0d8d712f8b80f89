//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Checks streams of the insight protocol against the rules of SPEC.md
#[derive(Debug, Parser)]
#[command(name = "insight-conformance", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks a recording or a live stream line by line, and prints each broken rule
    #[command(after_help = "\
Strict and lenient:
  --strict   For authors of a producer. Rules of level SHOULD too, and each line against emit.schema.json of this
             version: unknown types, fields and words must belong to an extension that the header lists. If the
             header names a later minor version, they may also belong to that version.
  --lenient  For users of a recording: can a reader use it? Only rules of level MUST, and each line against
             accept.schema.json.

A stream may end at any byte. A last line without its line end is not checked, and is not a finding.

Exit status:
  0  no finding
  1  findings
  2  the input cannot be read, is not a stream or has another major version, or the command line is wrong")]
    Check(Check),

    /// Finds the problems of a recorded or a live program, as the program itself would find them
    #[command(after_help = "\
The diagnosis rests on the facts of the stream and not on the problems that the stream names. If these differ at the
end, both are printed.

Exit status:
  0  no problem was open at the end of the input, or only notices
  2  no result: the input is not a stream, has no complete snapshot, has another major version or cannot be read; or the
     command line is wrong
  3  a hang was open, proven or suspected
  4  no hang was open, but the program is degraded")]
    Diagnose(Diagnose),

    /// Prints cases for a client: a stream, a wait, and the tasks that can end the wait
    #[command(after_help = "\
SPEC.md has the algorithm in its section \"Who can end a wait\". To test a client that reads a question from each line of stdin
and writes {\"name\":...,\"answer\":{\"tasks\":[...],\"others\":[...]}} to a line of stdout:

  insight-conformance vectors --all | my-client | insight-conformance vectors --check -

Exit status:
  0  no wrong answer
  1  wrong or missing answers
  2  there is no such case, or the answers cannot be read")]
    Vectors(Vectors),
}

#[derive(Debug, Args)]
pub struct Vectors {
    /// The case to print; without it, the names and titles of all cases
    pub name: Option<String>,

    /// Print all cases without their answers, one a line
    #[arg(long, conflicts_with = "name")]
    pub all: bool,

    /// Check the answers of a client, one a line; - for stdin
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["name", "all"])]
    pub check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Diagnose {
    /// A recording, - for stdin, or the address of a program, as for `check`
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,

    /// Print the messages problem.raised, problem.updated and problem.cleared, one a line
    #[arg(long)]
    pub json: bool,

    /// Stop reading after this number of seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,

    /// Seconds that a task must be stuck before it is a problem
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pub settle: Duration,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A recording; - for stdin; or the address of a program: http://HOST:PORT[/v1/stream], HOST:PORT, localhost, an
    /// IP address, or a PORT of 127.0.0.1. A file with this name comes first
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,

    /// Check all rules of a producer [default]
    #[arg(long, conflicts_with = "lenient")]
    pub strict: bool,

    /// Check only the rules that readers rely on
    #[arg(long)]
    pub lenient: bool,

    /// The format of the report: text for people, one JSON object per line, or XML for CI
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Stop reading after this number of seconds; otherwise a live stream is read until its program ends, or until
    /// Ctrl-C, which prints no summary
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,

    /// Write the report to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Print all findings, not only the first 20 of each rule
    #[arg(long)]
    pub all: bool,
}

/// The format of the report.
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
        _ => Err("the number must be greater than 0".to_owned()),
    }
}
