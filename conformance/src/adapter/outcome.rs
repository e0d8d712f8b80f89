//! The results of cases, and the report about all of them.

use super::finding::Finding;
use crate::cases::{Case, SUITE_VERSION};
use std::fmt;
use std::time::Duration;

/// The outcome of a case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It ran, and nothing was found.
    Passed,
    /// It ran, or could not run, with these findings.
    Failed(Vec<Finding>),
    /// It failed, and the baseline lists it. This is no failure of the suite.
    Known {
        /// The reason in the baseline.
        reason: String,
        /// The findings.
        findings: Vec<Finding>,
    },
    /// The baseline lists it, and it passed or was skipped. This is a failure of the suite.
    Stale {
        /// The reason in the baseline.
        reason: String,
    },
    /// It did not run, because the adapter does not list a capability. Readers then take the facts as unknown.
    Skipped {
        /// The reason in words, such as "needs the capability `resource.timer`".
        reason: String,
    },
}

impl Outcome {
    /// `passed`, `failed`, `known`, `stale` or `skipped`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Known { .. } => "known",
            Outcome::Stale { .. } => "stale",
            Outcome::Skipped { .. } => "skipped",
        }
    }

    /// Whether the suite fails with it.
    pub fn is_failure(&self) -> bool {
        match self {
            Outcome::Failed(_) | Outcome::Stale { .. } => true,
            Outcome::Passed | Outcome::Known { .. } | Outcome::Skipped { .. } => false,
        }
    }

    /// The findings of a case that failed, also of a known failure.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Outcome::Failed(findings) | Outcome::Known { findings, .. } => findings,
            Outcome::Passed | Outcome::Stale { .. } | Outcome::Skipped { .. } => &[],
        }
    }

    /// The reason of a known failure, of a stale entry or of a skip.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Outcome::Known { reason, .. } | Outcome::Stale { reason } | Outcome::Skipped { reason } => Some(reason),
            Outcome::Passed | Outcome::Failed(_) => None,
        }
    }
}

/// The result of one case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaseResult {
    /// The case.
    pub case: &'static Case,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its duration.
    pub took: Duration,
    /// The lines of the stream and the steps of the case, for people.
    pub transcript: String,
}

impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CaseResult { case, outcome, .. } = self;
        match outcome {
            Outcome::Passed => write!(f, "{} passed", case.id),
            Outcome::Skipped { reason } => write!(f, "{} skipped: {reason}", case.id),
            Outcome::Stale { reason } => {
                write!(f, "{} does not fail any more, and the baseline lists it ({reason}): remove its line", case.id)
            }
            Outcome::Known { reason, findings } => {
                write!(f, "{} failed, as the baseline says ({reason}): {}", case.id, rules(findings))
            }
            Outcome::Failed(findings) => {
                writeln!(f, "{} failed: {}", case.id, case.sentence)?;
                for (finding, number) in findings.iter().zip(1..) {
                    write!(f, "\n{number}. {finding}")?;
                }
                Ok(())
            }
        }
    }
}

fn rules(findings: &[Finding]) -> String {
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding.rule.id).collect();
    rules.dedup();
    rules.join(", ")
}

/// The results of all cases for one adapter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The name of the suite, by default `conformance`.
    pub suite: String,
    /// The version of the suite.
    pub version: &'static str,
    /// The name and the version of the executor.
    pub executor: (String, String),
    /// The results, in the order of the cases.
    pub results: Vec<CaseResult>,
    /// The entries of the baseline for cases that the suite does not have.
    pub unknown: Vec<String>,
}

impl Report {
    pub(super) fn new(suite: &str, executor: (&str, &str), unknown: Vec<String>) -> Report {
        let executor = (executor.0.to_owned(), executor.1.to_owned());
        Report { suite: suite.to_owned(), version: SUITE_VERSION, executor, results: Vec::new(), unknown }
    }

    /// Whether no case failed and the baseline has no stale entry.
    pub fn passed(&self) -> bool {
        self.unknown.is_empty() && !self.results.iter().any(|result| result.outcome.is_failure())
    }

    /// Number of cases with this outcome, by its word: `passed`, `failed`, `known`, `stale` or `skipped`.
    pub fn number(&self, outcome: &str) -> usize {
        self.results.iter().filter(|result| result.outcome.as_str() == outcome).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for result in self.results.iter().filter(|result| !matches!(result.outcome, Outcome::Passed)) {
            writeln!(f, "{result}")?;
        }
        for id in &self.unknown {
            writeln!(f, "{id}: the baseline lists this case, and the suite does not have it")?;
        }
        let count = |outcome| match self.number(outcome) {
            0 => None,
            number => Some(format!("{number} {outcome}")),
        };
        let counts: Vec<String> =
            ["passed", "failed", "known", "stale", "skipped"].into_iter().filter_map(count).collect();
        let (name, version) = &self.executor;
        write!(f, "{name} {version}, suite {}: {} of {} cases", self.version, counts.join(", "), self.results.len())
    }
}
