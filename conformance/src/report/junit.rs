use super::text::text_of;
use crate::{Checked, Finding, Sink, Strictness, Summary, rule, rules};
use insight_reader::visible;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A report for CI, written at the end: a test case for each rule that can be checked.
#[derive(Debug)]
pub struct Junit<W> {
    output: W,
    source: String,
    findings: BTreeMap<&'static str, Found>,
}

/// The findings of one rule.
#[derive(Debug)]
struct Found {
    /// The first finding, in one line.
    message: String,
    text: String,
}

impl<W: Write> Junit<W> {
    /// A report about `source` that is written to `output`.
    pub fn new(output: W, source: &str) -> Junit<W> {
        Junit { output, source: source.to_owned(), findings: BTreeMap::new() }
    }
}

impl<W: Write> Sink for Junit<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let Finding { line, expected, actual, .. } = finding;
        let message = || {
            // r[security.control-characters]
            format!("line {line}: expected: {}; actual: {}", visible(expected), visible(actual))
        };
        let found =
            self.findings.entry(finding.rule.id).or_insert_with(|| Found { message: message(), text: String::new() });
        found.text.push('\n');
        found.text.push_str(&text_of(finding));
        Ok(())
    }

    fn end(&mut self, summary: &Summary) -> io::Result<()> {
        let mut suite = TestSuite::new(visible(&self.source).as_ref());
        let found = |id: &str| self.findings.contains_key(id);
        for rule in rules().iter().filter(|rule| rule.checked != Checked::Never || found(rule.id)) {
            let mut case = TestCase::new(rule.id, status(rule.id, &self.findings, summary));
            case.set_classname("insight");
            suite.add_test_case(case);
        }
        let mut report = Report::new("insight-conformance");
        report.add_test_suite(suite);
        let xml = report.to_string().map_err(io::Error::other)?;
        self.output.write_all(xml.as_bytes())?;
        self.output.flush()
    }
}

fn status(id: &str, findings: &BTreeMap<&'static str, Found>, summary: &Summary) -> TestCaseStatus {
    let level = rule(id).map(|rule| rule.level.as_str());
    if let Some(found) = findings.get(id) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let more = summary.findings.get(id).map_or(0, |count| count.saturating_sub(summary.per_rule));
        let text = if more > 0 { format!("{}\nand {more} more\n", found.text) } else { found.text.clone() };
        status.set_type(level.unwrap_or("MUST")).set_message(found.message.as_str()).set_description(text);
        return status;
    }
    let strict_only = rule(id).is_some_and(|rule| rule.checked == Checked::Strict);
    if strict_only && summary.strictness == Strictness::Lenient {
        let mut status = TestCaseStatus::skipped();
        status.set_message("checked by --strict only");
        return status;
    }
    TestCaseStatus::success()
}
