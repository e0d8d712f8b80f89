//! What is not stuck and not well either: blocked threads, spinning tasks, leaks, locks that are held for long.
//!
//! Where [`diagnose`](crate::diagnose) asks what can never go on, these are questions of measure, and each has its
//! [`Thresholds`]. The facts are observed as those of a deadlock are; that it is too much is a judgement, which the texts
//! say together with the figure.

mod finding;
mod look;
mod memory;
mod queue;
mod window;
pub(crate) mod words;

mod polls;
mod rates;

pub use crate::problem::{OFF, Thresholds, thresholds};
pub use finding::HealthFinding;

pub(crate) use finding::{Candidate, Subject, evidence, suspect};
pub(crate) use look::{Look, executor};
pub(crate) use memory::{AnyMemory, Limited, Memory};
pub(crate) use queue::{behind, queue};
pub(crate) use window::{Window, levels, percent};

use crate::Model;
use crate::problem::{KINDS, Kind, Question};
use insight_protocol::{ProblemKind, TaskId};
use look::Limits;
use std::collections::BTreeMap;

/// How many findings of one kind there are at most: the first ones say what is wrong with the others too.
const MOST_OF_A_KIND: usize = 50;

type Key = (ProblemKind, Subject);

/// What a program's health has been: what was over its threshold and for how long, and the rates of before.
///
/// ```
/// use insight_model::health::{Health, Thresholds};
/// use insight_model::Model;
///
/// let model = Model::default();
/// let mut health = Health::default();
/// // Whenever messages were folded in:
/// assert!(health.check(&model, &Thresholds::default()).is_empty());
/// ```
///
/// It has no clock: time is [`Model::told_ns`], up to when the facts of the model have stood. Each check takes one look at
/// each task and each resource. Its memory is bounded, and does not grow with time.
#[derive(Clone, Debug)]
pub struct Health {
    told_ns: Option<u64>,
    /// What is over its threshold, and how long that has been seen.
    stood: BTreeMap<Key, u64>,
    standing: BTreeMap<Key, HealthFinding>,
    blocked: polls::Blocked,
    rates: rates::Rates,
    memories: Vec<Box<dyn AnyMemory<Thresholds>>>,
}

impl Default for Health {
    fn default() -> Health {
        let memory = |kind: &Kind| match kind.question {
            Question::Memory(new) => Some(new()),
            _ => None,
        };
        Health {
            told_ns: None,
            stood: BTreeMap::new(),
            standing: BTreeMap::new(),
            blocked: polls::Blocked::default(),
            rates: rates::Rates::default(),
            memories: KINDS.iter().filter_map(memory).collect(),
        }
    }
}

impl Health {
    /// Looks at the model as it is now: the findings that stand, by kind and then by what they are about.
    ///
    /// A finding stands once it was over its threshold for the settle time, and until it is below: for a rate, below a
    /// lower one. Its texts change only with what it names, not with time. A second check of the same model says the same.
    pub fn check(&mut self, model: &Model, thresholds: &Thresholds) -> Vec<HealthFinding> {
        let step_ns = self.told_ns.map_or(0, |last| model.told_ns.saturating_sub(last));
        self.told_ns = Some(model.told_ns);
        let look = Look::new(model, limits(thresholds));
        let counted_ns = step_ns.min(thresholds.settle_ns / 2);
        let mut candidates = Vec::new();
        self.blocked.look(&look, counted_ns, &mut candidates);
        for kind in KINDS {
            if let Question::Look(question) = kind.question {
                question(&look, thresholds, &mut candidates);
            }
        }
        self.memories.iter_mut().for_each(|memory| memory.look(&look, thresholds, &mut candidates));
        self.rates.look(&look, thresholds, step_ns, &mut candidates);
        // Of whose polls it is said that they are too long, it is not said again that they are long.
        let is_of_place = |id: &TaskId| model.tasks.get(id).is_some_and(|task| self.blocked.is_of_place(task));
        candidates.retain(|Candidate { finding, .. }| {
            finding.finding.kind != ProblemKind::NeverYields || !finding.finding.tasks.iter().any(is_of_place)
        });
        self.settle(candidates, counted_ns, thresholds.settle_ns);
        self.standing.values().cloned().collect()
    }

    fn settle(&mut self, candidates: Vec<Candidate>, step_ns: u64, settle_ns: u64) {
        let stood = std::mem::take(&mut self.stood);
        let mut standing = std::mem::take(&mut self.standing);
        let mut of_kind: BTreeMap<ProblemKind, usize> = BTreeMap::new();
        for Candidate { subject, over, stands_ns, frozen, finding } in candidates {
            let kind = finding.finding.kind.clone();
            let key = (kind.clone(), subject);
            let count = of_kind.entry(kind).or_default();
            let before = standing.remove(&key);
            if *count >= MOST_OF_A_KIND {
                continue;
            }
            if let Some(before) = before {
                *count += 1;
                self.standing.insert(key, if frozen { before } else { finding });
            } else if over {
                *count += 1;
                // The first look counts for nothing: it may have been the one after a pause.
                let seen_ns = stood.get(&key).map_or(0, |seen| seen + step_ns);
                if seen_ns >= stands_ns.unwrap_or(settle_ns) {
                    self.standing.insert(key, finding);
                } else {
                    self.stood.insert(key, seen_ns);
                }
            }
        }
    }
}

/// The limits that a look needs itself.
fn limits(thresholds: &Thresholds) -> Limits {
    Limits {
        settle_ns: thresholds.settle_ns,
        window_ns: thresholds.window_ns,
        clear_percent: thresholds.clear_percent,
        poll_ns: thresholds.worker_blocked.poll_ns,
        alone_ns: thresholds.worker_blocked.alone_ns,
        self_wakes: thresholds.spins.polls_per_second,
        future_bytes: thresholds.large_future.bytes,
    }
}
