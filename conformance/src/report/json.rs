use crate::{Ending, Finding, Sink, Summary};
use insight_reader::{Outcome, json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A report for programs: one JSON object per line, of `type` `finding`, and a last one of `type` `summary`.
#[derive(Debug)]
pub struct Json<W> {
    output: W,
    source: String,
}

impl<W: Write> Json<W> {
    /// A report about `source` that is written to `output`.
    pub fn new(output: W, source: &str) -> Json<W> {
        Json { output, source: source.to_owned() }
    }

    fn write(&mut self, object: &impl Serialize) -> io::Result<()> {
        // r[security.control-characters]
        let line = serde_json::to_string(object)?;
        self.output.write_all(json(&line).as_bytes())?;
        self.output.write_all(b"\n")?;
        // The user of a live stream waits for each finding.
        self.output.flush()
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Object<'f> {
    Finding {
        rule: &'f str,
        level: &'f str,
        text: &'f str,
        line: u64,
        column: Option<usize>,
        expected: &'f str,
        actual: &'f str,
        context: Vec<Line<'f>>,
    },
    Summary {
        source: &'f str,
        strictness: &'f str,
        lines: u64,
        findings: u64,
        by_rule: &'f BTreeMap<&'static str, u64>,
        per_rule: Option<u64>,
        ending: &'f str,
        why: Option<&'f str>,
        cut_off: bool,
    },
}

#[derive(Serialize)]
struct Line<'f> {
    line: u64,
    text: &'f str,
    bytes: u64,
}

impl<W: Write> Sink for Json<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let context = finding
            .context
            .iter()
            .map(|line| Line { line: line.number, text: &line.text, bytes: line.bytes })
            .collect();
        self.write(&Object::Finding {
            rule: finding.rule.id,
            level: finding.rule.level.as_str(),
            text: finding.rule.text,
            line: finding.line,
            column: finding.column,
            expected: &finding.expected,
            actual: &finding.actual,
            context,
        })
    }

    fn end(&mut self, summary: &Summary) -> io::Result<()> {
        let (ending, why) = match &summary.ending {
            Ending::End => ("end", None),
            Ending::Stopped => ("stopped", None),
            Ending::BrokenOff(why) => ("broken_off", Some(why.as_str())),
        };
        let source = std::mem::take(&mut self.source);
        self.write(&Object::Summary {
            source: &source,
            strictness: summary.strictness.as_str(),
            lines: summary.lines,
            findings: summary.total(),
            by_rule: &summary.findings,
            per_rule: Some(summary.per_rule).filter(|bound| *bound < u64::MAX),
            ending,
            why,
            cut_off: matches!(summary.outcome, Outcome::Cut { .. }),
        })
    }
}
