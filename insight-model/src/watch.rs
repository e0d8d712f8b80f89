use crate::diagnose::{Diagnosis, MOST_PROBLEMS};
use crate::health::{Health, HealthFinding, Thresholds, words};
use crate::releases::{BeforeCapture, Release, Releases};
use crate::{Finding, Model};
use insight_protocol::*;
use std::collections::{BTreeMap, BTreeSet};

/// Minimum time between two checks of the health. A check reads every task, and the thresholds are a second or more.
const HEALTH_PACE_NS: u64 = 250_000_000;

/// Follows the problems of a program: gives each an id, and returns a message for each change.
///
/// ```
/// use insight_model::{DEFAULT_SETTLE_NS, Model, Watch};
///
/// let mut model = Model::default();
/// let mut watch = Watch::new(DEFAULT_SETTLE_NS);
/// let mut messages = Vec::new();
/// // After each batch of messages:
/// watch.check(&model, &mut messages);
/// messages.iter().for_each(|message| model.apply(message));
/// assert!(model.problems.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Watch {
    diagnosis: Diagnosis,
    thresholds: Thresholds,
    health: Health,
    /// The `told_ns` of the model at the last check of the health.
    health_ns: Option<u64>,
    releases: Releases,
    /// The problems of the last check, without ids: those of stuck tasks, the measured ones, and those of released tasks.
    found: [BTreeMap<Key, Problem>; 3],
    /// The proven findings that are held back until they are confirmed.
    held_back: Vec<Key>,
    last_id: u64,
    open: BTreeMap<Key, Problem>,
}

/// The identity of a problem. Its evidence and its tier may change while it is open.
type Key = (ProblemKind, Vec<TaskId>, Vec<ResourceId>, Option<SourceLocation>);

/// How certain a proven finding of stuck tasks is, beyond the facts of the model: see [`Watch::check_confirmed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The finding is proven.
    Confirmed {
        /// A sentence for its explanation.
        because: Option<String>,
    },
    /// There is no problem yet. If the same tasks and resources have a problem already, it is suspected for this reason.
    HeldBack {
        /// As in [`Suspected`](Confirmation::Suspected).
        unless: String,
    },
    /// The finding is suspected.
    Suspected {
        /// The way out that is not ruled out: see [`Problem::unless`].
        unless: String,
    },
}

impl Watch {
    /// A watch without problems. Facts make a problem when they are `settle_ns` old; see
    /// [`DEFAULT_SETTLE_NS`](crate::DEFAULT_SETTLE_NS).
    pub fn new(settle_ns: u64) -> Watch {
        Watch::with_thresholds(settle_ns, Thresholds::default())
    }

    /// As [`new`](Watch::new), with other thresholds for measured problems. `thresholds.settle_ns` is ignored.
    pub fn with_thresholds(settle_ns: u64, thresholds: Thresholds) -> Watch {
        Watch {
            diagnosis: Diagnosis::new(settle_ns),
            thresholds: Thresholds { settle_ns, ..thresholds },
            health: Health::default(),
            health_ns: None,
            releases: Releases::default(),
            found: Default::default(),
            held_back: Vec::new(),
            last_id: 0,
            open: BTreeMap::new(),
        }
    }

    /// Diagnoses the model, and appends the changes since the last check: first the resolved problems, then the new and
    /// the changed ones. It does not fold the messages into the model.
    ///
    /// A problem whose tasks or resources change is another problem: it is cleared, and raised under a new id.
    pub fn check(&mut self, model: &Model, out: &mut Vec<Message>) {
        self.check_confirmed(model, out, false, |_| Confirmation::Confirmed { because: None });
    }

    /// As [`check`](Watch::check), but `confirm` decides about each proven finding of tasks that wait for each other. It is asked again
    /// when the findings may have changed, and for all of them with `again`.
    pub fn check_confirmed(
        &mut self,
        model: &Model,
        out: &mut Vec<Message>,
        again: bool,
        mut confirm: impl FnMut(&Finding) -> Confirmation,
    ) {
        // Problems get their ids below. `Key` identifies them until then.
        let no_id = ProblemId(0);
        let pace_ns = self.pace_ns();
        let [stuck, unwell, released] = &mut self.found;
        let diagnosed = self.diagnosis.update(model) || again;
        if diagnosed {
            let findings = self.diagnosis.findings();
            let listed = &findings[..findings.len().min(MOST_PROBLEMS)];
            self.held_back.clear();
            let mut problems: Vec<(Key, Problem)> = Vec::with_capacity(listed.len());
            for finding in listed {
                let key = (finding.kind.clone(), finding.tasks.clone(), finding.resources.clone(), None);
                let confirmation = finding.is_to_confirm().then(|| confirm(finding));
                if let Some(Confirmation::HeldBack { .. }) =
                    confirmation.as_ref().filter(|_| !self.open.contains_key(&key))
                {
                    self.held_back.push(key);
                    continue;
                }
                let problem = match confirmation {
                    None => finding.problem(model, no_id),
                    Some(Confirmation::Confirmed { because }) => {
                        let mut problem = finding.problem(model, no_id);
                        problem.explanation.extend(because);
                        problem
                    }
                    Some(Confirmation::HeldBack { unless } | Confirmation::Suspected { unless }) => {
                        Finding { tier: Tier::Suspected, unless: vec![unless], ..finding.clone() }.problem(model, no_id)
                    }
                };
                problems.push((key, problem));
            }
            if let Some((_, last)) = problems.last_mut().filter(|_| findings.len() > listed.len()) {
                let more = findings.len() - listed.len();
                let (problems, are) = (words::count(more, "more problem"), if more == 1 { "is" } else { "are" });
                last.explanation.push(format!("{problems} {are} not listed."));
            }
            *stuck = problems.into_iter().collect();
        }
        // A recording that starts again has an earlier time.
        let check_health = self.health_ns.is_none_or(|last| model.told_ns.abs_diff(last) >= pace_ns);
        if check_health {
            self.health_ns = Some(model.told_ns);
            let problem = |it: HealthFinding| {
                let problem = it.problem(model, no_id);
                let HealthFinding { finding, place, .. } = it;
                ((finding.kind, finding.tasks, finding.resources, place), problem)
            };
            *unwell = self.health.check(model, &self.thresholds).into_iter().map(problem).collect();
            *released = self.releases.findings(model.told_ns).into_iter().map(problem).collect();
        }
        if !diagnosed && !check_health {
            return;
        }
        let at_ns = model.now_ns;
        // A stuck task often holds a lock for a long time, too. The problem of stuck tasks is enough.
        let keys = stuck.keys().chain(&self.held_back);
        let stuck_tasks: BTreeSet<TaskId> = keys.flat_map(|(_, tasks, ..)| tasks.iter().copied()).collect();
        let unwell = unwell.iter().filter(|((_, tasks, ..), _)| !tasks.iter().any(|task| stuck_tasks.contains(task)));
        let found: BTreeMap<&Key, &Problem> = stuck.iter().chain(unwell).chain(released.iter()).collect();
        self.open.retain(|key, problem| {
            let is_open = found.contains_key(key);
            if !is_open {
                out.push(ProblemCleared::new(problem.id, at_ns).into());
            }
            is_open
        });
        for (key, problem) in found {
            if let Some(before) = self.open.get_mut(key) {
                let problem = with!(problem.clone(), id = before.id);
                if problem != *before {
                    *before = problem.clone();
                    out.push(ProblemUpdated::new(problem, at_ns).into());
                }
            } else {
                self.last_id += 1;
                let problem = with!(problem.clone(), id = ProblemId(self.last_id));
                self.open.insert(key.clone(), problem.clone());
                out.push(ProblemRaised::new(problem, at_ns).into());
            }
        }
    }

    /// Notes that a task made progress, or panicked, only because a capture polled it. `before` is the task as it was then.
    pub fn released(&mut self, before: BeforeCapture, release: Release, at_ns: u64) {
        self.releases.add(before, release, at_ns);
    }

    /// Clears all open problems, because the state of the program is about to be dropped.
    pub fn forget(&mut self, at_ns: u64, out: &mut Vec<Message>) {
        let cleared = self.open.values().map(|problem| ProblemCleared::new(problem.id, at_ns).into());
        out.extend(cleared);
        let last_id = self.last_id;
        *self = Watch::with_thresholds(self.thresholds.settle_ns, self.thresholds.clone());
        self.last_id = last_id;
    }

    /// Changes the thresholds. An open problem keeps its id if it is a problem under the new thresholds too. The next
    /// check clears the others.
    pub fn set_limits(&mut self, settle_ns: u64, thresholds: Thresholds) {
        self.diagnosis = Diagnosis::new(settle_ns);
        self.thresholds = Thresholds { settle_ns, ..thresholds };
        self.health_ns = None;
    }

    /// Minimum time between two checks of the health: half a settle time, so that one sample alone never settles a
    /// problem.
    fn pace_ns(&self) -> u64 {
        (self.thresholds.settle_ns / 2).clamp(1, HEALTH_PACE_NS)
    }

    /// The proven findings of the last check that rest on tasks that wait for each other.
    pub fn to_confirm(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.diagnosis.findings();
        findings[..findings.len().min(MOST_PROBLEMS)].iter().filter(|finding| finding.is_to_confirm())
    }

    /// The tasks that could not make progress at the last check, whatever is unknown: those of the findings, and those that wait behind
    /// them.
    pub fn stuck(&self) -> &BTreeSet<TaskId> {
        self.diagnosis.stuck()
    }

    /// The open problems, by kind, tasks and resources.
    pub fn standing(&self) -> impl Iterator<Item = &Problem> {
        self.open.values()
    }
}
