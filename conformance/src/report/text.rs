use crate::{ContextLine, Ending, Finding, Sink, Summary};
use insight_reader::{Outcome, visible};
use std::borrow::Borrow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Maximum number of characters that are shown of a line.
const WIDTH: usize = 240;
/// Number of characters that are shown before the marked place, if it is far from the start.
const BEFORE: usize = 120;

/// A report for people.
#[derive(Debug)]
pub struct Text<W> {
    output: W,
}

impl<W: Write> Text<W> {
    /// A report that is written to `output`.
    pub fn new(output: W) -> Text<W> {
        Text { output }
    }
}

impl<W: Write> Sink for Text<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        writeln!(self.output, "{}", text_of(finding))?;
        // The user of a live stream waits for each finding.
        self.output.flush()
    }

    fn end(&mut self, summary: &Summary) -> io::Result<()> {
        self.output.write_all(summary_text(summary).as_bytes())?;
        self.output.flush()
    }
}

/// The text of a finding, with its lines.
pub(crate) fn text_of(finding: &Finding) -> String {
    let rule = &finding.rule;
    let place = match finding.line {
        0 => "the file".to_owned(),
        line => format!("line {line}"),
    };
    let mut text = format!("{place}: {} ({})\n", rule.id, rule.level);
    for line in rule.text.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str(&format!("  expected: {}\n", visible(&finding.expected)));
    text.push_str(&format!("  actual:   {}\n", visible(&finding.actual)));
    if !finding.context.is_empty() {
        text.push('\n');
        text.push_str(&context_text(&finding.context, Some(finding.line), finding.column));
    }
    text
}

/// The lines around a finding, with a mark at its line and at its column.
pub(crate) fn context_text<L: Borrow<ContextLine>>(context: &[L], line: Option<u64>, column: Option<usize>) -> String {
    let mut text = String::new();
    let digits = context.last().map_or(1, |line| line.borrow().number.to_string().len());
    for shown in context {
        let shown: &ContextLine = shown.borrow();
        let here = Some(shown.number) == line;
        let (fitting, caret) = fit(shown, column.filter(|_| here));
        let mark = if here { '>' } else { ' ' };
        let _ = writeln!(text, "  {mark} {:digits$} | {fitting}", shown.number);
        if let Some(caret) = caret {
            let _ = writeln!(text, "    {:digits$} | {:caret$}^", "", "");
        }
    }
    text
}

/// Shortens a line for the report. Also returns the position of the character to mark.
fn fit(line: &ContextLine, column: Option<usize>) -> (String, Option<usize>) {
    let characters: Vec<(usize, char)> = line.text.char_indices().collect();
    let place = column.map(|column| characters.partition_point(|(at, _)| at + 1 < column).min(characters.len()));
    let from = match place {
        Some(place) if place + 20 > WIDTH => place - BEFORE,
        _ => 0,
    };
    let to = characters.len().min(from + WIDTH);
    let mut shown = String::new();
    if from > 0 {
        let _ = write!(shown, "[{} bytes before] ", characters[from].0);
    }
    let mut caret = None;
    for (index, (_, character)) in characters[from..to].iter().enumerate() {
        if place == Some(from + index) {
            caret = Some(shown.chars().count());
        }
        shown.push_str(&visible(character.encode_utf8(&mut [0; 4])));
    }
    if place.is_some() && caret.is_none() {
        caret = Some(shown.chars().count());
    }
    let rest = line.bytes.saturating_sub(characters.get(to).map_or(line.text.len(), |(at, _)| *at) as u64);
    if to < characters.len() || (line.text.len() as u64) + 1 < line.bytes {
        let _ = write!(shown, " [{rest} more bytes]");
    }
    (shown, caret)
}

fn summary_text(summary: &Summary) -> String {
    let strictness = summary.strictness.as_str();
    let findings = match summary.total() {
        0 => "no finding".to_owned(),
        1 => "1 finding".to_owned(),
        total => format!("{} findings", grouped(total)),
    };
    let lines = if summary.lines == 1 { "1 line".to_owned() } else { format!("{} lines", grouped(summary.lines)) };
    let mut text = format!("{findings} in {lines} ({strictness})\n");
    let mut rules: Vec<(&str, u64)> = summary.findings.iter().map(|(id, count)| (*id, *count)).collect();
    rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let digits = rules.first().map_or(0, |(_, count)| grouped(*count).len());
    for (id, count) in rules {
        let more = count.saturating_sub(summary.per_rule);
        let more =
            if more > 0 { format!(": {} above and {} more", summary.per_rule, grouped(more)) } else { String::new() };
        let _ = writeln!(text, "  {:>digits$}  {id}{more}", grouped(count));
    }
    if summary.findings.iter().any(|(_, count)| *count > summary.per_rule) {
        text.push_str("  --all prints all of them.\n");
    }
    match (&summary.outcome, &summary.ending) {
        (Outcome::Cut { line, why: None }, _) => text.push_str(&format!(
            "The stream is cut off: line {line} has no end, and was not checked. A stream may end at any byte.\n"
        )),
        (Outcome::Cut { line, why: Some(why) }, _) => text.push_str(&format!(
            "The stream is cut off: line {line} and the lines after it were not checked. It broke off: {}.\n",
            visible(why)
        )),
        (Outcome::Complete, Ending::Stopped) => {
            text.push_str("The stream was read for the requested time; it has not ended.\n");
        }
        (Outcome::Complete, _) => {}
    }
    text
}

/// A number with a comma every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
