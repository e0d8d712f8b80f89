//! A stream, read while its program runs: which problems it raises, and whether it keeps the rules.

use super::expected::{Expectation, Expected};
use crate::process::Result;
use crate::program::stream;
use insight_model::Checker;
use insight_protocol::{Decoded, Message, Problem, ProblemId, decode};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a problem that is expected may take: the slowest are found in windows of seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was seen of one run.
#[derive(Default)]
pub struct Seen {
    /// All that stood at the end, and what stood before and was not expected.
    pub problems: BTreeSet<Expected>,
    /// What was expected to be named as unknown, and is not.
    pub unnamed: Vec<String>,
    /// When exactly what is expected stood for the first time; only of a program of which something is.
    pub after: Option<Duration>,
    pub broken_rules: Vec<String>,
    /// All of it, to be looked at when it is wrong.
    pub stream: String,
    /// The stream came to its end, and so the program.
    pub ended: bool,
}

/// Reads the stream for so long, and longer when what is expected was not yet found.
pub fn listen(insight: SocketAddr, case: &Expectation, at_least: Duration) -> Result<Seen> {
    let start = Instant::now();
    let mut seen = Seen::default();
    let mut checker = Checker::default();
    let mut standing: BTreeMap<ProblemId, Problem> = BTreeMap::new();
    // Any problem at all, however short, is a false alarm unless it becomes what is expected.
    let mut shown: BTreeMap<ProblemId, Expected> = BTreeMap::new();
    seen.ended = true;
    for line in stream(insight)? {
        let line = line?;
        let text = line.as_str();
        seen.stream.push_str(text);
        seen.stream.push('\n');
        let broken = checker.line(text).into_iter();
        seen.broken_rules.extend(
            broken.map(|it| format!("line {}: {}: expected {}, found {}", it.line, it.rule, it.expected, it.actual)),
        );
        match decode(text) {
            Ok(Decoded::Message { message: Message::ProblemRaised(it), .. }) => {
                _ = standing.insert(it.problem.id, it.problem)
            }
            Ok(Decoded::Message { message: Message::ProblemUpdated(it), .. }) => {
                _ = standing.insert(it.problem.id, it.problem)
            }
            Ok(Decoded::Message { message: Message::ProblemCleared(it), .. }) => _ = standing.remove(&it.id),
            // At least each half second.
            Ok(Decoded::Message { message: Message::StreamHeartbeat(_), .. }) => {
                let elapsed = start.elapsed();
                let found = case.is_met(&shown.values().cloned().collect());
                if elapsed >= at_least && (found || elapsed >= PATIENCE) {
                    seen.ended = false;
                    break;
                }
            }
            _ => {}
        }
        shown.extend(standing.iter().map(|(id, problem)| (*id, Expected::of(problem, &case.program))));
        let met = !standing.is_empty() && case.is_met(&expected_of(standing.values(), case));
        if met && seen.after.is_none() {
            seen.after = Some(start.elapsed());
        }
    }
    let unknowns: Vec<&String> = standing.values().flat_map(|problem| &problem.unknowns).collect();
    let is_named = |word: &&String| !unknowns.iter().any(|unknown| unknown.contains(word.as_str()));
    seen.unnamed = case.unknowns.iter().filter(is_named).cloned().collect();
    seen.problems = shown.into_values().collect();
    if seen.after.is_some() && !case.is_met(&expected_of(standing.values(), case)) {
        seen.broken_rules.push("what is expected was found, and did not last".to_owned());
    }
    Ok(seen)
}

fn expected_of<'a>(problems: impl Iterator<Item = &'a Problem>, case: &Expectation) -> BTreeSet<Expected> {
    problems.map(|problem| Expected::of(problem, &case.program)).collect()
}
