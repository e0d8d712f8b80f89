//! `insight-conformance`: checks streams of the insight protocol against the rules of SPEC.md.

mod args;

use crate::args::{Cli, Command, Format};
use clap::Parser;
use insight_conformance::{
    Check, Diagnose, Ending, Error, Json, Junit, Options, Refusal, Sink, Strictness, Summary, Text, vectors,
};
use insight_protocol::{Message, Problem, encode};
use insight_reader::{Source, exit_status, json, visible, why};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Time that a finding of a live stream waits for the three lines after it.
const PATIENCE: Duration = Duration::from_millis(500);
/// Maximum number of pieces that wait for the checker. The reading thread waits when there are more.
const PIECES: usize = 4;
/// Size of a piece, in bytes.
const PIECE: usize = 64 << 10;

fn main() -> ExitCode {
    let (source, status) = match Cli::parse().command {
        Command::Check(args) => (args.source.clone(), run(&args).map(|summary| u8::from(summary.total() > 0))),
        Command::Diagnose(args) => (args.source.clone(), diagnose(&args)),
        Command::Vectors(args) => ("vectors".to_owned(), print_vectors(&args)),
    };
    match status {
        Ok(status) => ExitCode::from(status),
        // The reader of the output, such as `head`, has closed it.
        Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(2),
        Err(failure) => {
            complain(&format!("{source}: {failure}"));
            ExitCode::from(2)
        }
    }
}

/// Why a command has no result.
enum Failure {
    /// An error with its description: the source, or the report's file.
    Named(String),
    /// The input is not a stream, or has another major version.
    Refused(Refusal),
    /// The output could not be written.
    Write(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Named(why) => f.write_str(why),
            Failure::Refused(refusal) => refusal.fmt(f),
            Failure::Write(error) => write!(f, "the output cannot be written: {}", why(error)),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure::Named(text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Refused(refusal) => Failure::Refused(refusal),
            Error::Write(error) => Failure::Write(error),
            error => Failure::Named(error.to_string()),
        }
    }
}

/// Writes a line to stderr. If this fails, the failure cannot be reported anywhere.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "insight-conformance: {}", visible(text));
}

type Pieces = Receiver<io::Result<Vec<u8>>>;

/// Opens and reads the source on a thread of its own, so that the caller notices pauses. An empty piece is the end.
fn begin(source: &Source, end: Option<Instant>) -> Result<Pieces, String> {
    if let Some(remark) = source.remark() {
        complain(remark);
    }
    let (send, receive) = sync_channel(PIECES);
    let (send_opened, opened) = sync_channel(1);
    let theirs = source.clone();
    let read = move || {
        let mut stream = match theirs.open() {
            Ok(stream) => stream,
            // The receiver is gone if the time is over.
            Err(why) => return drop(send_opened.send(Err(why))),
        };
        if send_opened.send(Ok(())).is_err() {
            return;
        }
        loop {
            let mut piece = vec![0; PIECE];
            let outcome = match stream.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome,
            };
            let last = !matches!(outcome, Ok(1..));
            let outcome = outcome.map(|length| {
                piece.truncate(length);
                piece
            });
            if send.send(outcome).is_err() || last {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("reader".to_owned()).spawn(read);
    thread.map_err(|error| format!("cannot start a thread to read with: {error}"))?;
    match opened.recv_timeout(left(end)) {
        Ok(opened) => opened.map(|()| receive),
        Err(RecvTimeoutError::Timeout) => Err("it did not answer in this time".to_owned()),
        Err(RecvTimeoutError::Disconnected) => Err("the reading thread stopped".to_owned()),
    }
}

/// When to stop reading.
fn end_of(time: Option<Duration>) -> Option<Instant> {
    // A time that the clock cannot reach sets no limit.
    time.and_then(|time| Instant::now().checked_add(time))
}

/// Time until the end.
fn left(end: Option<Instant>) -> Duration {
    end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
}

/// Whether a read error is a failure of the command. A connection may end, and a file may be cut off: that is part of a
/// stream. A file that cannot be read or is damaged is a failure.
fn is_failure(source: &Source, error: &io::Error) -> bool {
    matches!(source, Source::File(_) | Source::Stdin) && error.kind() != io::ErrorKind::UnexpectedEof
}

/// Prints the changes of problems, and returns the exit status for the problems that are open at the end.
fn diagnose(args: &args::Diagnose) -> Result<u8, Failure> {
    let source = Source::named(&args.source)?;
    let end = end_of(args.time);
    let pieces = begin(&source, end)?;
    let mut diagnose = Diagnose::new(u64::try_from(args.settle.as_nanos()).unwrap_or(u64::MAX));
    let mut output = BufWriter::new(io::stdout());
    let (mut seq, mut written) = (0, Ok(()));
    let mut change = |message: &Message| {
        seq += 1;
        // r[security.control-characters]
        let text = if args.json { json(&encode(seq, message)).into_owned() + "\n" } else { words(message) };
        if written.is_ok() {
            written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
        }
    };
    let ending = loop {
        let left = left(end);
        // Pieces may arrive faster than they are read, so that the receiver never times out.
        if left.is_zero() {
            break Ending::Stopped;
        }
        match pieces.recv_timeout(left) {
            Ok(Ok(piece)) if piece.is_empty() => break Ending::End,
            Ok(Ok(piece)) => diagnose.piece(&piece, &mut change).map_err(Failure::Refused)?,
            Ok(Err(error)) => break Ending::BrokenOff(why(&error)),
            Err(RecvTimeoutError::Timeout) => break Ending::Stopped,
            Err(RecvTimeoutError::Disconnected) => break Ending::BrokenOff("the reading thread stopped".to_owned()),
        }
    };
    let diagnosis = diagnose.end(&ending, &mut change).map_err(Failure::Refused)?;
    written.map_err(Failure::Write)?;
    let cut = diagnosis.outcome.cut();
    let notes = [
        (diagnosis.unread > 0).then(|| {
            let verb = if diagnosis.unread == 1 { "is not a message" } else { "are not messages" };
            format!("{} {verb}; `check` prints the reason", several(diagnosis.unread, "line"))
        }),
        (diagnosis.missing > 0)
            .then(|| format!("{} missing, by the numbers in `seq`", several(diagnosis.missing, "message"))),
        (diagnosis.lost > 0).then(|| format!("{} lost by the program", several(diagnosis.lost, "fact"))),
        (diagnosis.left_out > 0).then(|| format!("{} not kept: too many", several(diagnosis.left_out, "name"))),
        (diagnosis.facts_left_out > 0)
            .then(|| format!("{} not kept: too many", several(diagnosis.facts_left_out, "fact"))),
        cut.as_ref().map(|cut| format!("{cut}; later facts are unknown")),
    ];
    notes.iter().flatten().for_each(|note| complain(note));
    if !args.json {
        let mut text = match cut {
            None => format!("{} at the end of the stream\n", counted(diagnosis.open.len())),
            Some(_) => format!("{} where the stream is cut off\n", counted(diagnosis.open.len())),
        };
        let kinds = |problems: &[Problem]| {
            let mut kinds: Vec<_> = problems.iter().map(|it| (it.kind.clone(), it.tier, it.title.clone())).collect();
            kinds.sort();
            kinds
        };
        if kinds(&diagnosis.open) != kinds(&diagnosis.named) {
            text += &format!("the stream itself names other problems: {}\n", counted(diagnosis.named.len()));
            diagnosis.named.iter().for_each(|problem| text += &format!("  {}\n", visible(&problem.title)));
        }
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Failure::Write)?;
    }
    Ok(exit_status(&diagnosis.open))
}

/// Prints cases, or checks answers to them.
fn print_vectors(args: &args::Vectors) -> Result<u8, Failure> {
    let mut output = BufWriter::new(io::stdout());
    let mut print = |text: &str| writeln!(output, "{text}").map_err(Failure::Write);
    let mut status = 0;
    if let Some(path) = &args.check {
        let answers = match path.to_str() {
            Some("-") => io::read_to_string(io::stdin()),
            _ => std::fs::read_to_string(path),
        };
        let answers = answers.map_err(|error| format!("the answers cannot be read: {}", why(&error)))?;
        let wrong = vectors::wrong_answers(&answers);
        status = u8::from(!wrong.is_empty());
        // r[security.control-characters]
        wrong.iter().flat_map(|text| text.lines()).try_for_each(|line| print(&visible(line)))?;
        print(&format!("{} of {} cases", several(wrong.len() as u64, "wrong answer"), vectors::VECTORS.len()))?;
    } else if args.all {
        vectors::questions().try_for_each(|question| print(&question))?;
    } else if let Some(name) = &args.name {
        let case = vectors::VECTORS.iter().find(|(of, _)| of == name);
        let (_, text) = case.ok_or_else(|| format!("no case is named `{name}`: `vectors` lists them"))?;
        print(text.trim_end())?;
    } else {
        vectors::titles().try_for_each(|(name, title)| print(&format!("{name:36}  {title}")))?;
    }
    output.flush().map_err(Failure::Write)?;
    Ok(status)
}

fn several(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn counted(problems: usize) -> String {
    if problems == 1 { "1 open problem".to_owned() } else { format!("{problems} open problems") }
}

/// The text of a change of a problem.
fn words(message: &Message) -> String {
    let (change, problem, at_ns) = match message {
        Message::ProblemRaised(raised) => ("raised", &raised.problem, raised.at_ns),
        Message::ProblemUpdated(updated) => ("updated", &updated.problem, updated.at_ns),
        Message::ProblemCleared(cleared) => {
            return format!("{}  problem {} cleared\n", seconds(cleared.at_ns), cleared.id);
        }
        _ => return String::new(),
    };
    let Problem { id, kind, tier, severity, title, explanation, unknowns, unless, advice, .. } = problem;
    let kind = visible(kind.as_str());
    let mut text =
        format!("{}  problem {id} {change}: {kind}, {tier}, {severity}\n  {}\n", seconds(at_ns), visible(title));
    explanation.iter().for_each(|sentence| text += &format!("    {}\n", visible(sentence)));
    unknowns.iter().for_each(|unknown| text += &format!("    unknown: {}\n", visible(unknown)));
    unless.iter().for_each(|way| text += &format!("    unless {}\n", visible(way)));
    text + &format!("    {}\n", visible(advice))
}

fn seconds(at_ns: u64) -> String {
    format!("{:9.3} s", at_ns as f64 / 1e9)
}

/// Whether both paths lead to the same file.
fn is_same_file(path: &Path, source: &str) -> bool {
    let file = |path: &Path| path.canonicalize().ok();
    file(path).is_some_and(|output| file(Path::new(source)) == Some(output) && path.is_file())
}

fn run(args: &args::Check) -> Result<Summary, Failure> {
    let source = Source::named(&args.source)?;
    let end = end_of(args.time);
    let pieces = begin(&source, end)?;
    let output: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout()),
        Some(path) if is_same_file(path, &args.source) => {
            return Err(format!("the report would replace its source, {}: name another file", path.display()).into());
        }
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
    let mut live = Live { end, check: &mut check, sink: sink.as_mut() };
    let (ending, error) = live.follow(&pieces)?;
    let summary = check.end(ending, sink.as_mut())?;
    match error.filter(|error| is_failure(&source, error)) {
        Some(error) => Err(Failure::Named(format!("reading failed: {}", why(&error)))),
        None => Ok(summary),
    }
}

/// A check of a stream that may pause.
struct Live<'l> {
    /// When to stop.
    end: Option<Instant>,
    check: &'l mut Check,
    sink: &'l mut dyn Sink,
}

impl Live<'_> {
    /// Reads to the end. Returns why reading ended, with the error if there was one.
    fn follow(&mut self, pieces: &Pieces) -> Result<(Ending, Option<io::Error>), Error> {
        loop {
            let left = left(self.end);
            if left.is_zero() {
                return Ok((Ending::Stopped, None));
            }
            let patience = if self.check.holds_findings() { PATIENCE } else { Duration::MAX };
            match pieces.recv_timeout(left.min(patience)) {
                Ok(Ok(piece)) if piece.is_empty() => return Ok((Ending::End, None)),
                Ok(Ok(piece)) => self.check.piece(&piece, self.sink)?,
                Ok(Err(error)) => return Ok((Ending::BrokenOff(why(&error)), Some(error))),
                Err(RecvTimeoutError::Timeout) => self.check.release(self.sink)?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok((Ending::BrokenOff("the reading thread stopped".to_owned()), None));
                }
            }
        }
    }
}
