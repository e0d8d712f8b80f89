use crate::context::{Context, ContextLine};
use crate::emit::{Announced, Emit};
use crate::rule::{Checked, Level, Rule, rule};
use insight_model::{Checker, RuleFinding};
use insight_protocol::{DecodeError, Decoded, Message, PROTOCOL_VERSION, decode};
use insight_reader::{Ending, LINE_LIMIT, Line, Outcome, Reader, Refusal};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

/// How strictly a stream is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The rules that every reader relies on: rules of level MUST, and each line against `accept.schema.json`. An unknown
    /// type, field or word is not a finding, since readers ignore it.
    Lenient,
    /// Rules of level SHOULD too, and each line against `emit.schema.json` of this version. If the header names a later
    /// minor version, unknown names may belong to that version.
    Strict,
}

impl Strictness {
    /// `strict` or `lenient`.
    pub fn as_str(self) -> &'static str {
        match self {
            Strictness::Lenient => "lenient",
            Strictness::Strict => "strict",
        }
    }
}

/// Options of a check.
#[derive(Clone, Debug)]
pub struct Options {
    /// How strictly the stream is checked.
    pub strictness: Strictness,
    /// Maximum number of findings of one rule that are reported. Further findings are only counted.
    pub per_rule: u64,
    /// The name of the file, if the stream is a recording.
    pub file_name: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { strictness: Strictness::Strict, per_rule: 20, file_name: None }
    }
}

/// A rule that a line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The line, from 1. It is 0 for the file itself, and one more than the last line if the stream ended too soon.
    pub line: u64,
    /// The byte in the line, from 1, if the finding is about one place.
    pub column: Option<usize>,
    /// A description of a correct stream at this place.
    pub expected: String,
    /// The text or the fact that was found instead.
    pub actual: String,
    /// The line, with up to three lines before it and three after it.
    pub context: Vec<Rc<ContextLine>>,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How strictly the stream was checked.
    pub strictness: Strictness,
    /// Number of checked lines.
    pub lines: u64,
    /// Number of findings for each rule, by its id.
    pub findings: BTreeMap<&'static str, u64>,
    /// Maximum number of findings of one rule that were reported.
    pub per_rule: u64,
    /// Why reading ended.
    pub ending: Ending,
    /// Whether and where the stream is cut off. The last line of such a stream was not checked. r[stream.cut-off]
    pub outcome: Outcome,
}

impl Summary {
    /// Number of all findings.
    pub fn total(&self) -> u64 {
        self.findings.values().sum()
    }
}

/// Receives the findings of a check.
pub trait Sink {
    /// Receives a finding. It is not called for more findings of one rule than `Options::per_rule`.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// Receives the summary, after the last finding.
    fn end(&mut self, summary: &Summary) -> io::Result<()>;
}

/// Why a stream was not checked to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input is not a stream, or has another major version.
    Refused(Refusal),
    /// Reading the stream failed.
    Read(io::Error),
    /// The sink could not write.
    Write(io::Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(refusal)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => refusal.fmt(f),
            Error::Read(error) => write!(f, "reading failed: {error}"),
            Error::Write(error) => write!(f, "writing the report failed: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Checks a stream from its first byte to its last, and gives each finding to `sink`.
pub fn check(mut stream: impl Read, options: Options, sink: &mut dyn Sink) -> Result<Summary, Error> {
    let mut check = Check::new(options);
    let mut piece = vec![0; 64 << 10];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return check.end(Ending::End, sink),
            Ok(length) => check.piece(&piece[..length], sink)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Read(error)),
        }
    }
}

/// A check of a stream that arrives in pieces. [`check`] is for a stream that can block its reader.
///
/// It keeps the live tasks, resources and edges of the stream, four lines, and the findings that wait for three more lines.
#[derive(Debug)]
pub struct Check {
    options: Options,
    reader: Reader,
    checks: Checks,
}

/// The part of a check that gets whole lines.
#[derive(Debug)]
struct Checks {
    strictness: Strictness,
    per_rule: u64,
    checker: Checker,
    emit: Option<Emit>,
    announced: Option<Announced>,
    context: Context,
    line: u64,
    findings: BTreeMap<&'static str, u64>,
}

impl Check {
    /// Begins to check a stream.
    pub fn new(options: Options) -> Check {
        let checks = Checks {
            strictness: options.strictness,
            per_rule: options.per_rule,
            checker: Checker::default(),
            emit: (options.strictness == Strictness::Strict).then(Emit::new),
            announced: None,
            context: Context::default(),
            line: 0,
            findings: BTreeMap::new(),
        };
        Check { options, reader: Reader::default(), checks }
    }

    /// Takes the next bytes of the stream, divided in any way.
    pub fn piece(&mut self, piece: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
        let checks = &mut self.checks;
        self.reader.push(piece, |line| checks.line(line, sink))
    }

    /// Whether findings wait for the lines after them.
    pub fn holds_findings(&self) -> bool {
        self.checks.context.holds()
    }

    /// Gives the findings that are held back to `sink`. It is for a stream that pauses.
    pub fn release(&mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        let held = self.checks.context.release();
        report(&held, sink)
    }

    /// Ends the check: the stream has no more bytes.
    pub fn end(mut self, ending: Ending, sink: &mut dyn Sink) -> Result<Summary, Error> {
        let marked = self.reader.has_mark();
        let outcome = self.reader.end(&ending)?;
        if marked {
            self.checks.find(
                "framing.message",
                1,
                Some(1),
                "a line that begins with {".to_owned(),
                "a byte order mark".to_owned(),
            );
        }
        let ends = self.checks.checker.end();
        self.checks.found(ends, None);
        // r[file.name]
        let named = |name: &String| [".ndjson", ".ndjson.gz", ".ndjson.zst"].iter().any(|end| name.ends_with(end));
        if let Some(name) = self.options.file_name.take().filter(|name| !named(name)) {
            self.checks.find("file.name", 0, None, "a name that ends in .ndjson".to_owned(), name);
        }
        report(&self.checks.context.release(), sink)?;
        let summary = Summary {
            strictness: self.options.strictness,
            lines: self.checks.line,
            findings: self.checks.findings,
            per_rule: self.options.per_rule,
            outcome,
            ending,
        };
        sink.end(&summary).map_err(Error::Write)?;
        Ok(summary)
    }
}

fn report(findings: &[Finding], sink: &mut dyn Sink) -> Result<(), Error> {
    findings.iter().try_for_each(|finding| sink.finding(finding)).map_err(Error::Write)
}

impl Checks {
    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) -> Result<(), Error> {
        self.line += 1;
        let (bytes, length) = match line {
            Line::Whole(bytes) => (bytes.strip_suffix(b"\r").unwrap_or(bytes), bytes.len() as u64),
            Line::TooLong(start, length) => (start, length),
        };
        let not_utf8 = std::str::from_utf8(bytes).err();
        let text = String::from_utf8_lossy(bytes);
        if self.announced.is_none() {
            self.header(&text);
        }
        let ready = self.context.line(self.line, &text, length);
        report(&ready, sink)?;
        let mut findings = self.checker.line(&text);
        if let Line::TooLong(_, length) = line {
            // Nothing else is known about this line.
            let expected = format!("a line of at most {LINE_LIMIT} bytes");
            self.find("stream.line-limit", self.line, None, expected, format!("{length} bytes: it was not read"));
            return Ok(());
        }
        if let Some(error) = not_utf8 {
            let column = error.valid_up_to() + 1;
            let actual = format!("the byte 0x{:02x} (column {column})", bytes[column - 1]);
            self.find("framing.message", self.line, Some(column), "UTF-8".to_owned(), actual);
            findings.retain(|finding| finding.rule != "framing.message");
        }
        let decoded = if self.emit.is_some() || !findings.is_empty() { Some(decode(&text)) } else { None };
        let column = decoded.as_ref().and_then(|decoded| decoded.as_ref().err()).map(column_of);
        let found: Vec<&'static str> = findings.iter().map(|finding| finding.rule).collect();
        self.found(findings, column);
        if let Some(Ok(decoded)) = decoded
            && not_utf8.is_none()
        {
            self.emitted(&text, &decoded, &found);
        }
        Ok(())
    }

    /// Looks for the header, whose version decides how the lines are checked.
    fn header(&mut self, text: &str) {
        #[derive(Deserialize)]
        struct Header {
            #[serde(rename = "type")]
            type_name: String,
            protocol: String,
        }
        if !text.contains("stream.header") {
            return;
        }
        let Ok(Header { type_name, protocol }) = serde_json::from_str(text) else { return };
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u64>().ok())?;
        let version = |text: &str| text.split_once('.').and_then(|(a, b)| Some((number(a)?, number(b)?)));
        let (Some(theirs), Some(ours)) = (version(&protocol), version(PROTOCOL_VERSION)) else { return };
        if type_name == "stream.header" {
            self.announced = Some(Announced { later: theirs.1 > ours.1, extensions: Vec::new() });
        }
    }

    /// The strict checks of a line that decodes. `found` has the broken rules that are already known.
    fn emitted(&mut self, text: &str, decoded: &Decoded, found: &[&'static str]) {
        let Some(emit) = &self.emit else { return };
        if let (Decoded::Message { message: Message::StreamHeader(header), .. }, Some(announced)) =
            (decoded, &mut self.announced)
        {
            announced.extensions.clone_from(&header.extensions);
        }
        let type_name = match decoded {
            Decoded::Message { message, .. } => message.type_name(),
            Decoded::Unknown { type_name, .. } => type_name,
        };
        let default = Announced::default();
        let deviations = emit.check(text, type_name, self.announced.as_ref().unwrap_or(&default));
        for deviation in deviations.into_iter().filter(|deviation| !found.contains(&deviation.rule)) {
            let column = Some(deviation.column);
            self.find(deviation.rule, self.line, column, deviation.expected, deviation.actual);
        }
    }

    fn found(&mut self, findings: Vec<RuleFinding>, column: Option<usize>) {
        for finding in findings {
            self.find(finding.rule, finding.line, column, finding.expected, finding.actual);
        }
    }

    fn find(&mut self, id: &'static str, line: u64, column: Option<usize>, expected: String, actual: String) {
        let unlisted = Rule { id, level: Level::Must, checked: Checked::Always, text: "" };
        let rule = *rule(id).unwrap_or(&unlisted);
        // A line that was not read is always a finding, since its facts are missing.
        let lenient = self.strictness == Strictness::Lenient;
        if lenient && rule.level != Level::Must && rule.id != "stream.line-limit" {
            return;
        }
        let count = self.findings.entry(id).or_default();
        *count += 1;
        if *count <= self.per_rule {
            self.context.hold(Finding { rule, line, column, expected, actual, context: Vec::new() });
        }
    }
}

fn column_of(error: &DecodeError) -> usize {
    match error {
        DecodeError::NotAMessage { column, .. } | DecodeError::Malformed { column, .. } => *column,
        _ => 1,
    }
}
