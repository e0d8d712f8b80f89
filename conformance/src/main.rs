//! `insight-conformance`: holds streams of the insight protocol to the rules of SPEC.md.

mod args;
mod source;

use crate::args::{Cli, Command, Format};
use crate::source::{Source, why};
use clap::Parser;
use insight_conformance::{Check, Ending, Error, Json, Junit, Options, Sink, Strictness, Summary, Text};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How long a finding of a live stream waits for the three lines after it.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let Cli { command: Command::Check(args) } = Cli::parse();
    match run(&args) {
        Ok(summary) if summary.total() == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(why) => {
            eprintln!("insight-conformance: {}: {why}", args.source.escape_debug());
            ExitCode::from(2)
        }
    }
}

fn run(args: &args::Check) -> Result<Summary, String> {
    let source = Source::named(&args.source)?;
    let pieces = source.open()?;
    let output: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout()),
        Some(path) => {
            Box::new(File::create(path).map_err(|error| format!("cannot write {}: {}", path.display(), why(&error)))?)
        }
    };
    let output = BufWriter::new(output);
    let mut sink: Box<dyn Sink> = match args.format {
        Format::Text => Box::new(Text::new(output)),
        Format::Json => Box::new(Json::new(output, &args.source)),
        Format::Junit => Box::new(Junit::new(output, &args.source)),
    };
    let defaults = Options::default();
    let options = Options {
        strictness: if args.lenient { Strictness::Lenient } else { Strictness::Strict },
        per_rule: if args.all { u64::MAX } else { defaults.per_rule },
        file_name: source.recording().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())),
    };
    let mut check = Check::new(options);
    let mut live = Live { end: args.time.map(|time| Instant::now() + time), check: &mut check, sink: sink.as_mut() };
    let ending = live.follow(&pieces).map_err(|error| error.to_string())?;
    let broken_off = match (&source, &ending) {
        // That a connection ends is part of a stream; that a file cannot be read is not.
        (Source::File(_) | Source::Stdin, Ending::BrokenOff(why)) => Some(format!("reading failed: {why}")),
        _ => None,
    };
    let summary = check.end(ending, sink.as_mut()).map_err(|error| error.to_string())?;
    broken_off.map_or(Ok(summary), Err)
}

/// A stream that may pause.
struct Live<'l> {
    /// When to stop.
    end: Option<Instant>,
    check: &'l mut Check,
    sink: &'l mut dyn Sink,
}

impl Live<'_> {
    fn follow(&mut self, pieces: &std::sync::mpsc::Receiver<io::Result<Vec<u8>>>) -> Result<Ending, Error> {
        loop {
            let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Ending::Stopped);
            }
            let patience = if self.check.holds_findings() { PATIENCE } else { Duration::MAX };
            match pieces.recv_timeout(left.unwrap_or(Duration::MAX).min(patience)) {
                Ok(Ok(piece)) if piece.is_empty() => return Ok(Ending::End),
                Ok(Ok(piece)) => self.check.piece(&piece, self.sink)?,
                Ok(Err(error)) => return Ok(Ending::BrokenOff(why(&error))),
                Err(RecvTimeoutError::Timeout) => self.check.release(self.sink)?,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ending::BrokenOff("its reader stopped".to_owned())),
            }
        }
    }
}
