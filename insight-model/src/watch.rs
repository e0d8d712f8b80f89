use crate::Model;
use crate::diagnose::{Diagnosis, MOST_PROBLEMS};
use crate::health::{Health, HealthFinding, Thresholds};
use insight_protocol::*;
use std::collections::{BTreeMap, BTreeSet};

/// How often the health is looked at, at most. It looks at every task, and its thresholds are of a second and more.
const HEALTH_PACE_NS: u64 = 250_000_000;

/// Follows the problems of a program: gives them ids, and says what is new of them.
///
/// ```
/// use insight_model::{DEFAULT_SETTLE_NS, Model, Watch};
///
/// let mut model = Model::default();
/// let mut watch = Watch::new(DEFAULT_SETTLE_NS);
/// let mut messages = Vec::new();
/// // Whenever messages were folded in:
/// watch.check(&model, &mut messages);
/// messages.iter().for_each(|message| model.apply(message));
/// assert!(model.problems.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Watch {
    diagnosis: Diagnosis,
    thresholds: Thresholds,
    health: Health,
    /// Up to when the health was looked at.
    told_ns: Option<u64>,
    /// What cannot go on, and what is not well, as of the last look; without ids.
    found: [BTreeMap<Key, Problem>; 2],
    last_id: u64,
    standing: BTreeMap<Key, Problem>,
}

/// What makes a problem the same problem: the evidence may change, and how sure it is.
type Key = (ProblemKind, Vec<TaskId>, Vec<ResourceId>, Option<SourceLocation>);

impl Watch {
    /// A watch without problems. The facts of a problem must have stood for `settle_ns`; see [`DEFAULT_SETTLE_NS`].
    pub fn new(settle_ns: u64) -> Watch {
        Watch::with_thresholds(settle_ns, Thresholds::default())
    }

    /// As [`new`](Watch::new), with other thresholds for what goes on, and is not well. Their `settle_ns` is not read.
    pub fn with_thresholds(settle_ns: u64, thresholds: Thresholds) -> Watch {
        Watch {
            diagnosis: Diagnosis::new(settle_ns),
            thresholds: Thresholds { settle_ns, ..thresholds },
            health: Health::default(),
            told_ns: None,
            found: Default::default(),
            last_id: 0,
            standing: BTreeMap::new(),
        }
    }

    /// Looks at the model as it is now, and appends what has changed since the last look: first the problems that are
    /// over, then those that are new or different. The messages are not folded into the model.
    ///
    /// A problem whose tasks or resources change is another problem: it is cleared, and raised under a new id.
    pub fn check(&mut self, model: &Model, out: &mut Vec<Message>) {
        // Their ids come later: it is by the rest that they are known again.
        let no_id = ProblemId(0);
        let pace_ns = self.pace_ns();
        let [stuck, unwell] = &mut self.found;
        let diagnosed = self.diagnosis.update(model);
        if diagnosed {
            let findings = self.diagnosis.findings();
            let listed = &findings[..findings.len().min(MOST_PROBLEMS)];
            let mut problems: Vec<(Key, Problem)> = listed
                .iter()
                .map(|it| ((it.kind.clone(), it.tasks.clone(), it.resources.clone(), None), it.problem(model, no_id)))
                .collect();
            if let Some((_, last)) = problems.last_mut().filter(|_| findings.len() > listed.len()) {
                let more = findings.len() - listed.len();
                last.explanation.push(format!("{more} more problems were found, and are not listed."));
            }
            *stuck = problems.into_iter().collect();
        }
        // Also when the time of a recording begins anew.
        let told = self.told_ns.is_none_or(|last| model.told_ns.abs_diff(last) >= pace_ns);
        if told {
            self.told_ns = Some(model.told_ns);
            let findings = self.health.check(model, &self.thresholds).into_iter();
            *unwell = findings
                .map(|it| {
                    let problem = it.problem(model, no_id);
                    let HealthFinding { finding, place, .. } = it;
                    ((finding.kind, finding.tasks, finding.resources, place), problem)
                })
                .collect();
        }
        if !diagnosed && !told {
            return;
        }
        let at_ns = model.now_ns;
        // A lock is held for long by whoever cannot go on: that is said already.
        let cannot: BTreeSet<TaskId> = stuck.keys().flat_map(|(_, tasks, ..)| tasks.iter().copied()).collect();
        let unwell = unwell.iter().filter(|((_, tasks, ..), _)| !tasks.iter().any(|task| cannot.contains(task)));
        let found: BTreeMap<&Key, &Problem> = stuck.iter().chain(unwell).collect();
        self.standing.retain(|key, problem| {
            let stands = found.contains_key(key);
            if !stands {
                out.push(ProblemCleared::new(problem.id, at_ns).into());
            }
            stands
        });
        for (key, problem) in found {
            if let Some(before) = self.standing.get_mut(key) {
                let problem = with!(problem.clone(), id = before.id);
                if problem != *before {
                    *before = problem.clone();
                    out.push(ProblemUpdated::new(problem, at_ns).into());
                }
            } else {
                self.last_id += 1;
                let problem = with!(problem.clone(), id = ProblemId(self.last_id));
                self.standing.insert(key.clone(), problem.clone());
                out.push(ProblemRaised::new(problem, at_ns).into());
            }
        }
    }

    /// Clears the problems that stand, as what is known of the program is about to be forgotten.
    pub fn forget(&mut self, at_ns: u64, out: &mut Vec<Message>) {
        let cleared = self.standing.values().map(|problem| ProblemCleared::new(problem.id, at_ns).into());
        out.extend(cleared);
        let last_id = self.last_id;
        *self = Watch::with_thresholds(self.thresholds.settle_ns, self.thresholds.clone());
        self.last_id = last_id;
    }

    /// Changes the limits. The problems that stand keep their ids, unless they are none by the new limits: the next look
    /// clears these.
    pub fn set_limits(&mut self, settle_ns: u64, thresholds: Thresholds) {
        self.diagnosis = Diagnosis::new(settle_ns);
        self.thresholds = Thresholds { settle_ns, ..thresholds };
        self.told_ns = None;
    }

    /// How often the health is looked at: twice in a settle time, so that nothing counts as settled by one look.
    fn pace_ns(&self) -> u64 {
        (self.thresholds.settle_ns / 2).clamp(1, HEALTH_PACE_NS)
    }

    /// The problems that stand, by kind, tasks and resources.
    pub fn standing(&self) -> impl Iterator<Item = &Problem> {
        self.standing.values()
    }
}
