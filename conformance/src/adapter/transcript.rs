//! The lines of the stream since a case began, and the steps of its program between them.

use crate::context::ContextLine;
use insight_protocol::{Message, encode};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Number of lines that a finding shows before and after its line.
const AROUND: usize = 3;

/// The lines of the stream since a case began.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    entries: Vec<Entry>,
    names: Names,
    last_heartbeat: Option<Box<Line>>,
}

#[derive(Debug)]
enum Entry {
    Line(Box<Line>),
    /// An act of the case itself.
    Step(String),
}

/// A line of the stream.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) message: Message,
}

impl Line {
    fn text(&self) -> String {
        encode(self.number, &self.message)
    }
}

/// The strings and locations of the stream, for people.
#[derive(Debug, Default)]
struct Names {
    strings: BTreeMap<u64, String>,
    locations: BTreeMap<u64, String>,
}

impl Transcript {
    /// Forgets the lines of the case before.
    pub(super) fn begin(&mut self) {
        self.entries.clear();
        self.last_heartbeat = None;
    }

    /// Adds a line. Of several heartbeats in a row it keeps the last one.
    pub(super) fn line(&mut self, number: u64, message: Message) {
        match &message {
            Message::DefineString(define) => {
                self.names.strings.insert(define.id.0, define.text.clone());
            }
            Message::DefineLocation(define) => {
                let place = format!("{}:{}:{}", define.file, define.line, define.column);
                self.names.locations.insert(define.id.0, place);
            }
            _ => {}
        }
        let line = Box::new(Line { number, message });
        if let Message::StreamHeartbeat(_) = line.message {
            self.last_heartbeat = Some(line);
            return;
        }
        self.entries.extend(self.last_heartbeat.take().map(Entry::Line));
        self.entries.push(Entry::Line(line));
    }

    /// Adds an act of the case.
    pub(super) fn step(&mut self, text: String) {
        self.entries.push(Entry::Step(text));
    }

    /// The lines, without heartbeats in a row.
    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Line(line) => Some(&**line),
            Entry::Step(_) => None,
        })
    }

    /// The last line for which `is` is true.
    pub(super) fn last(&self, is: impl Fn(&Message) -> bool) -> Option<&Line> {
        self.lines().rfind(|line| is(&line.message))
    }

    /// A line, and in words the strings and locations that it names.
    pub(super) fn readable(&self, line: &Line) -> String {
        let text = line.text();
        let named = self.names.of(&text);
        if named.is_empty() { text } else { format!("{text}  ({})", named.join("; ")) }
    }

    /// The lines around the line of this number, or the last ones.
    pub(super) fn around(&self, number: Option<u64>) -> Vec<ContextLine> {
        let lines: Vec<&Line> = self.lines().collect();
        let at = number.and_then(|number| lines.iter().position(|line| line.number == number));
        let at = at.unwrap_or(lines.len().saturating_sub(1));
        let shown = lines.iter().skip(at.saturating_sub(AROUND)).take(AROUND + 1 + at.min(AROUND));
        let line = |line: &&Line| {
            let text = line.text();
            ContextLine { number: line.number, bytes: text.len() as u64 + 1, text }
        };
        shown.map(line).collect()
    }

    /// The whole transcript, for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let _ = match entry {
                Entry::Line(line) => writeln!(text, "{}", self.readable(line)),
                Entry::Step(step) => writeln!(text, "-- {step}"),
            };
        }
        text
    }
}

impl Names {
    /// The strings and locations that a line names, such as `name 3: "has"`.
    fn of(&self, line: &str) -> Vec<String> {
        let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(line) else { return Vec::new() };
        let mut named = Vec::new();
        for (field, value) in &fields {
            let Some(id) = value.as_u64() else { continue };
            match field.as_str() {
                "name" | "reason" | "executor" => {
                    named.extend(self.strings.get(&id).map(|text| format!("{field} {id}: {text:?}")));
                }
                "location" => named.extend(self.locations.get(&id).map(|place| format!("{field} {id}: {place}"))),
                _ => {}
            }
        }
        named
    }
}
