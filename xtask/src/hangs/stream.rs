//! Reads the stream of a program that runs: its problems, and the rules that it breaks.

use super::expected::{Expectation, Expected};
use crate::process::Result;
use crate::program::stream;
use insight_model::Checker;
use insight_protocol::{Decoded, Message, Problem, ProblemId, decode};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Maximum time for an expected problem. The slowest are measured over several seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The findings of one run.
#[derive(Default)]
pub struct Findings {
    /// The last state of each problem that was raised.
    pub problems: BTreeSet<Expected>,
    /// Expected words that no unknown of a problem has.
    pub unnamed: Vec<String>,
    /// The time at which exactly the expected problems were open for the first time. `None` if no problem is expected.
    pub after: Option<Duration>,
    pub broken_rules: Vec<String>,
    /// The whole stream, kept for a run that is not right.
    pub stream: String,
    /// Whether the stream ended, and so the program.
    pub ended: bool,
}

/// Reads the stream for this time, and longer if the expected problems were not yet found.
pub fn listen(insight: SocketAddr, case: &Expectation, at_least: Duration) -> Result<Findings> {
    let start = Instant::now();
    let mut findings = Findings::default();
    let mut checker = Checker::default();
    let mut open: BTreeMap<ProblemId, Problem> = BTreeMap::new();
    // A problem that was open for a short time is a false alarm, too, unless it becomes an expected one.
    let mut raised: BTreeMap<ProblemId, Expected> = BTreeMap::new();
    findings.ended = true;
    for line in stream(insight)? {
        let line = line?;
        let text = line.as_str();
        findings.stream.push_str(text);
        findings.stream.push('\n');
        let broken = checker.line(text).into_iter();
        findings.broken_rules.extend(
            broken.map(|it| format!("line {}: {}: expected {}, found {}", it.line, it.rule, it.expected, it.actual)),
        );
        match decode(text) {
            Ok(Decoded::Message { message: Message::ProblemRaised(it), .. }) => {
                _ = open.insert(it.problem.id, it.problem)
            }
            Ok(Decoded::Message { message: Message::ProblemUpdated(it), .. }) => {
                _ = open.insert(it.problem.id, it.problem)
            }
            Ok(Decoded::Message { message: Message::ProblemCleared(it), .. }) => _ = open.remove(&it.id),
            // The producer sends one at least each half second.
            Ok(Decoded::Message { message: Message::StreamHeartbeat(_), .. }) => {
                let elapsed = start.elapsed();
                let found = case.is_met(&raised.values().cloned().collect());
                if elapsed >= at_least && (found || elapsed >= PATIENCE) {
                    findings.ended = false;
                    break;
                }
            }
            _ => {}
        }
        raised.extend(open.iter().map(|(id, problem)| (*id, Expected::of(problem, &case.program))));
        let met = !open.is_empty() && case.is_met(&expected_of(open.values(), case));
        if met && findings.after.is_none() {
            findings.after = Some(start.elapsed());
        }
    }
    let doubts: Vec<&String> = open.values().flat_map(|it| it.unknowns.iter().chain(&it.unless)).collect();
    let is_named = |word: &&String| !doubts.iter().any(|doubt| doubt.contains(word.as_str()));
    findings.unnamed = case.unknowns.iter().filter(is_named).cloned().collect();
    findings.problems = raised.into_values().collect();
    if findings.after.is_some() && !case.is_met(&expected_of(open.values(), case)) {
        findings.broken_rules.push("the expected problems were found, and did not last".to_owned());
    }
    Ok(findings)
}

fn expected_of<'a>(problems: impl Iterator<Item = &'a Problem>, case: &Expectation) -> BTreeSet<Expected> {
    problems.map(|problem| Expected::of(problem, &case.program)).collect()
}
