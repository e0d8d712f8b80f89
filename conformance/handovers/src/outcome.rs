//! The result of a program, and the sums of many.

use insight_protocol::Tier;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A hang that insight claimed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// The kind of the problem.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The kinds of its resources.
    pub resources: BTreeSet<String>,
    /// Whether it was called proven.
    pub proven: bool,
}

/// The result of one program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether all its tasks and threads ended.
    pub finished: bool,
    /// The tasks and threads that did not end, each with its step.
    pub left: Vec<String>,
    /// Whether one of `left` is a task.
    pub task_left: bool,
    /// Whether it is stuck, and nothing outside can end that: see [`Program::is_plain`](crate::Program::is_plain).
    pub plain: bool,
    /// The proven hangs of tasks that made a step afterwards.
    pub false_proofs: Vec<Found>,
    /// The suspected hangs of tasks that made a step afterwards.
    pub false_suspicions: Vec<Found>,
    /// The open hangs at the end.
    pub open: Vec<Found>,
}

impl Found {
    /// The claim of this problem.
    pub fn of(problem: &insight_protocol::Problem) -> Found {
        Found {
            kind: problem.kind.to_string(),
            title: problem.title.clone(),
            resources: problem.resources.iter().map(|resource| resource.kind.to_string()).collect(),
            proven: problem.tier == Tier::Proven,
        }
    }

    /// The kind of the problem with the kinds of its resources. Smaller programs should fail in the same way.
    pub fn class(&self) -> String {
        let resources: Vec<&str> = self.resources.iter().map(String::as_str).collect();
        format!("{} over {}", self.kind, resources.join(" and "))
    }
}

impl Outcome {
    /// The result in words, as comments of the text form.
    pub fn in_words(&self) -> String {
        let mut words = if self.finished { "# finished\n".to_owned() } else { String::new() };
        self.left.iter().for_each(|left| words += &format!("# left: {left}\n"));
        let mut add = |claim: &str, found: &[Found]| {
            for it in found {
                let tier = if it.proven { "proven" } else { "suspected" };
                words += &format!("# {claim}: {tier} {}: {}\n", it.kind, it.title);
            }
        };
        add("FALSE", &self.false_proofs);
        add("resolved later", &self.false_suspicions);
        add("open at the end", &self.open);
        words
    }
}

/// The sums of many programs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Number of programs.
    pub programs: usize,
    /// Programs that ended.
    pub finished: usize,
    /// Programs with a task that did not end.
    pub stuck: usize,
    /// Programs with only threads that did not end. insight does not know these threads.
    pub stuck_threads: usize,
    /// Stuck programs with an open proven hang.
    pub proven: usize,
    /// Stuck programs with an open suspected hang, and no proven one.
    pub suspected: usize,
    /// Stuck programs of plain locks, which can be proven.
    pub plain: usize,
    /// Stuck programs of plain locks without an open proven hang.
    pub plain_unproven: usize,
    /// Programs with a false proof.
    pub false_programs: usize,
    /// Programs with a false suspicion.
    pub doubted: usize,
    /// False proofs of each kind.
    pub false_proofs: BTreeMap<String, usize>,
    /// Number of kept programs, which do not count above.
    pub kept: usize,
    /// Kept programs with a false proof.
    pub kept_failing: usize,
    /// Broken rules of the stream, and faults of a run.
    pub faults: Vec<String>,
}

impl Counts {
    /// Adds the result of a program.
    pub fn add(&mut self, outcome: &Outcome) {
        self.programs += 1;
        self.finished += usize::from(outcome.finished);
        if outcome.task_left {
            self.stuck += 1;
            let proven = outcome.open.iter().any(|found| found.proven);
            self.proven += usize::from(proven);
            self.suspected += usize::from(!proven && !outcome.open.is_empty());
            self.plain += usize::from(outcome.plain);
            self.plain_unproven += usize::from(outcome.plain && !proven);
        } else {
            self.stuck_threads += usize::from(!outcome.finished);
        }
        self.doubted += usize::from(!outcome.false_suspicions.is_empty());
        self.false_programs += usize::from(!outcome.false_proofs.is_empty());
        for found in &outcome.false_proofs {
            *self.false_proofs.entry(found.kind.clone()).or_default() += 1;
        }
    }
}
