//! A report about all cases, for programs and for CI.

use super::finding::Finding;
use super::outcome::{CaseResult, Report};
use crate::SUITE_VERSION;
use insight_reader::json;
use serde::Serialize;
use std::io;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Object<'r> {
    Case {
        suite: &'r str,
        version: &'r str,
        executor: Executor<'r>,
        case: &'r str,
        outcome: &'r str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'r str>,
        took_ms: u64,
        findings: Vec<Found<'r>>,
    },
    Summary {
        suite: &'r str,
        version: &'r str,
        executor: Executor<'r>,
        passed: usize,
        failed: usize,
        known: usize,
        stale: usize,
        skipped: usize,
        unknown: &'r [String],
    },
}

#[derive(Serialize)]
struct Executor<'r> {
    name: &'r str,
    version: &'r str,
}

#[derive(Serialize)]
struct Found<'r> {
    rule: &'r str,
    level: &'r str,
    text: &'r str,
    about: &'r str,
    expected: &'r str,
    actual: &'r str,
    line: Option<u64>,
    context: Vec<Line<'r>>,
}

#[derive(Serialize)]
struct Line<'r> {
    line: u64,
    text: &'r str,
}

impl<'r> From<&'r Finding> for Found<'r> {
    fn from(finding: &'r Finding) -> Found<'r> {
        let Finding { rule, about, expected, actual, line, context } = finding;
        let context = context.iter().map(|line| Line { line: line.number, text: &line.text }).collect();
        let level = rule.level.as_str();
        Found { rule: rule.id, level, text: rule.text, about, expected, actual, line: *line, context }
    }
}

/// The result of one case, as a line of JSON.
pub(super) fn case_line(suite: &str, (name, version): (&str, &str), result: &CaseResult) -> String {
    line(&Object::Case {
        suite,
        version: SUITE_VERSION,
        executor: Executor { name, version },
        case: result.case.id,
        outcome: result.outcome.as_str(),
        reason: result.outcome.reason(),
        took_ms: result.took.as_millis() as u64,
        findings: result.outcome.findings().iter().map(Found::from).collect(),
    })
}

fn line(object: &Object<'_>) -> String {
    let line = serde_json::to_string(object).expect("strings and numbers are JSON");
    // r[security.control-characters]
    format!("{}\n", json(&line))
}

impl Report {
    /// Writes one JSON object a line: each result with `"type":"case"`, and then a `summary`.
    pub fn json(&self, output: &mut dyn io::Write) -> io::Result<()> {
        let (name, version) = (&*self.executor.0, &*self.executor.1);
        for result in &self.results {
            output.write_all(case_line(&self.suite, (name, version), result).as_bytes())?;
        }
        let summary = Object::Summary {
            suite: &self.suite,
            version: self.version,
            executor: Executor { name, version },
            passed: self.number("passed"),
            failed: self.number("failed"),
            known: self.number("known"),
            stale: self.number("stale"),
            skipped: self.number("skipped"),
            unknown: &self.unknown,
        };
        output.write_all(line(&summary).as_bytes())
    }

    /// Writes a report in JUnit's format: a test case for each case, and one for the baseline.
    #[cfg(feature = "cli")]
    pub fn junit(&self, output: &mut dyn io::Write) -> io::Result<()> {
        use super::outcome::Outcome;
        use insight_reader::visible;
        use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

        let failure = |message: &str, text: &str| {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(visible(message).as_ref()).set_description(text);
            status
        };
        let skipped = |reason: &str| {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        };
        let mut suite = TestSuite::new(format!("{} {}", self.executor.0, self.executor.1));
        for result in &self.results {
            let status = match &result.outcome {
                Outcome::Passed => TestCaseStatus::success(),
                Outcome::Skipped { reason } => skipped(reason),
                // JUnit has no known failures.
                Outcome::Known { reason, .. } => skipped(&format!("known failure: {reason}")),
                Outcome::Stale { .. } => failure(&result.to_string(), ""),
                Outcome::Failed(findings) => {
                    let first = findings.first();
                    let message = first.map(|it| format!("{}: {}", it.rule.id, it.about)).unwrap_or_default();
                    failure(&message, &result.to_string())
                }
            };
            let mut case = TestCase::new(result.case.id, status);
            case.set_classname(self.suite.as_str()).set_time(result.took);
            suite.add_test_case(case);
        }
        for id in &self.unknown {
            let message = "the baseline lists this case, and the suite does not have it";
            suite.add_test_case(TestCase::new(id.as_str(), failure(message, "")));
        }
        let mut report = quick_junit::Report::new(format!("insight-conformance suite {}", self.version));
        report.add_test_suite(suite);
        let xml = report.to_string().map_err(io::Error::other)?;
        output.write_all(xml.as_bytes())
    }
}
