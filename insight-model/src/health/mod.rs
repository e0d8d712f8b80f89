//! Measured problems: blocked threads, spinning tasks, leaks, locks that are held for a long time.
//!
//! [`diagnose`](crate::diagnose) finds tasks that can never make progress. The problems here rest on a measure, and
//! each kind has its [`Thresholds`]. The measure is observed. That it is too much is a judgement, so the texts state
//! the figure.

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

/// Maximum number of findings of one kind. The first ones show the fault well enough.
const MOST_OF_A_KIND: usize = 50;

type Key = (ProblemKind, Subject);

/// The state of the measures between checks: the time for which each was over its threshold, and earlier rates.
///
/// ```
/// use insight_model::health::{Health, Thresholds};
/// use insight_model::Model;
///
/// let model = Model::default();
/// let mut health = Health::default();
/// // After each batch of messages:
/// assert!(health.check(&model, &Thresholds::default()).is_empty());
/// ```
///
/// It has no clock. Its time is [`Model::told_ns`], up to which the model is complete. A check reads each task and each
/// resource once. The memory is bounded, and does not grow with time.
#[derive(Clone, Debug)]
pub struct Health {
    checked_ns: Option<u64>,
    /// The candidates that are over their threshold, each with the time for which that was observed.
    pending: BTreeMap<Key, u64>,
    open: BTreeMap<Key, HealthFinding>,
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
            checked_ns: None,
            pending: BTreeMap::new(),
            open: BTreeMap::new(),
            blocked: polls::Blocked::default(),
            rates: rates::Rates::default(),
            memories: KINDS.iter().filter_map(memory).collect(),
        }
    }
}

impl Health {
    /// Checks the model. Returns the open findings, by kind and then by subject.
    ///
    /// A finding opens when it was over its threshold for the settle time. It is resolved when it falls below the
    /// threshold; for a rate, below a lower one. Its texts do not depend on the time. A second check of the same model
    /// returns the same findings.
    pub fn check(&mut self, model: &Model, thresholds: &Thresholds) -> Vec<HealthFinding> {
        let step_ns = self.checked_ns.map_or(0, |last| model.told_ns.saturating_sub(last));
        self.checked_ns = Some(model.told_ns);
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
        // The problem of a place with long polls makes problems about long polls of its tasks unnecessary.
        let is_of_place = |id: &TaskId| model.tasks.get(id).is_some_and(|task| self.blocked.is_of_place(task));
        candidates.retain(|Candidate { finding, .. }| {
            finding.finding.kind != ProblemKind::NeverYields || !finding.finding.tasks.iter().any(is_of_place)
        });
        self.settle(candidates, counted_ns, thresholds.settle_ns);
        self.open.values().cloned().collect()
    }

    fn settle(&mut self, candidates: Vec<Candidate>, step_ns: u64, settle_ns: u64) {
        let pending = std::mem::take(&mut self.pending);
        let mut open = std::mem::take(&mut self.open);
        let mut of_kind: BTreeMap<ProblemKind, usize> = BTreeMap::new();
        for Candidate { subject, over, settle_ns: own_settle_ns, frozen, finding } in candidates {
            let kind = finding.finding.kind.clone();
            let key = (kind.clone(), subject);
            let count = of_kind.entry(kind).or_default();
            let before = open.remove(&key);
            if *count >= MOST_OF_A_KIND {
                continue;
            }
            if let Some(before) = before {
                *count += 1;
                self.open.insert(key, if frozen { before } else { finding });
            } else if over {
                *count += 1;
                // The first check counts for nothing, since a pause may have come before it.
                let seen_ns = pending.get(&key).map_or(0, |seen| seen + step_ns);
                if seen_ns >= own_settle_ns.unwrap_or(settle_ns) {
                    self.open.insert(key, finding);
                } else {
                    self.pending.insert(key, seen_ns);
                }
            }
        }
    }
}

/// The limits that a look needs.
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
