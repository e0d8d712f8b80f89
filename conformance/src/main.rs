//! `insight-conformance`: holds streams of the insight protocol to the rules of SPEC.md.

mod args;
mod source;

use crate::args::{Cli, Command, Format};
use crate::source::{Source, why};
use clap::Parser;
use insight_conformance::{Check, Diagnose, Ending, Error, Json, Junit, Options, Sink, Strictness, Summary, Text};
use insight_protocol::{Message, Problem, encode};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How long a finding of a live stream waits for the three lines after it.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let (source, well) = match Cli::parse().command {
        Command::Check(args) => (args.source.clone(), run(&args).map(|summary| summary.total() == 0)),
        Command::Diagnose(args) => (args.source.clone(), diagnose(&args)),
    };
    match well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("insight-conformance: {}: {why}", source.escape_debug());
            ExitCode::from(2)
        }
    }
}

/// Prints what is found; whether nothing stood at the end.
fn diagnose(args: &args::Diagnose) -> Result<bool, String> {
    let source = Source::named(&args.source)?;
    let pieces = source.open()?;
    let end = args.time.map(|time| Instant::now() + time);
    let mut diagnose = Diagnose::new(u64::try_from(args.settle.as_nanos()).unwrap_or(u64::MAX));
    let mut output = BufWriter::new(io::stdout());
    let (mut seq, mut written) = (0, Ok(()));
    let mut change = |message: &Message| {
        seq += 1;
        let text = if args.json { encode(seq, message) + "\n" } else { words(message) };
        if written.is_ok() {
            written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
        }
    };
    loop {
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        match pieces.recv_timeout(left) {
            Ok(Ok(piece)) if piece.is_empty() => break,
            Ok(Ok(piece)) => diagnose.piece(&piece, &mut change),
            Ok(Err(error)) if matches!(source, Source::File(_) | Source::Stdin) => {
                return Err(format!("reading failed: {}", why(&error)));
            }
            // That a connection ends is part of a stream.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    written.map_err(|error| why(&error))?;
    let verdict = diagnose.end();
    if verdict.unread > 0 {
        eprintln!("insight-conformance: {} lines are no messages; `check` says why", verdict.unread);
    }
    if !args.json {
        println!("{} at the end of the stream", counted(verdict.standing.len()));
        let kinds = |problems: &[Problem]| {
            let mut kinds: Vec<_> = problems.iter().map(|it| (it.kind.clone(), it.tier, it.title.clone())).collect();
            kinds.sort();
            kinds
        };
        if kinds(&verdict.standing) != kinds(&verdict.told) {
            println!("the stream itself says otherwise: {}", counted(verdict.told.len()));
            verdict.told.iter().for_each(|problem| println!("  {}", problem.title));
        }
    }
    Ok(verdict.standing.is_empty())
}

fn counted(problems: usize) -> String {
    if problems == 1 { "1 problem stood".to_owned() } else { format!("{problems} problems stood") }
}

/// A change of a problem, for people.
fn words(message: &Message) -> String {
    let (what, problem, at_ns) = match message {
        Message::ProblemRaised(raised) => ("raised", &raised.problem, raised.at_ns),
        Message::ProblemUpdated(updated) => ("updated", &updated.problem, updated.at_ns),
        Message::ProblemCleared(cleared) => {
            return format!("{}  problem {} cleared\n", seconds(cleared.at_ns), cleared.id);
        }
        _ => return String::new(),
    };
    let Problem { id, kind, tier, title, explanation, unknowns, advice, .. } = problem;
    let mut text = format!("{}  problem {id} {what}: {kind}, {tier}\n  {title}\n", seconds(at_ns));
    explanation.iter().for_each(|sentence| text += &format!("    {sentence}\n"));
    unknowns.iter().for_each(|unknown| text += &format!("    not known: {unknown}\n"));
    text + &format!("    {advice}\n")
}

fn seconds(at_ns: u64) -> String {
    format!("{:9.3} s", at_ns as f64 / 1e9)
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
