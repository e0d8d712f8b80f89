use crate::diagnose::Diagnosis;
use crate::{Finding, Model};
use insight_protocol::*;
use std::collections::BTreeMap;

/// For how long facts must have stood before they make a problem: half a second.
///
/// Facts reach the model from each thread apart, and states are sampled at an interval (100 ms where nothing else is
/// asked for), so one moment's facts are complete a few intervals later; five are on the safe side. And a wait that ends
/// within half a second is no problem that anybody could look at, while a second is what a person takes to look.
pub const DEFAULT_SETTLE_NS: u64 = 500_000_000;

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
    last_id: u64,
    standing: BTreeMap<Key, Problem>,
}

/// What makes a problem the same problem: the evidence may change, and how sure it is.
type Key = (ProblemKind, Vec<TaskId>, Vec<ResourceId>);

impl Watch {
    /// A watch without problems. The facts of a problem must have stood for `settle_ns`; see [`DEFAULT_SETTLE_NS`].
    pub fn new(settle_ns: u64) -> Watch {
        Watch { diagnosis: Diagnosis::new(settle_ns), last_id: 0, standing: BTreeMap::new() }
    }

    /// Looks at the model as it is now, and appends what has changed since the last look: first the problems that are
    /// over, then those that are new or different. The messages are not folded into the model.
    ///
    /// A problem whose tasks or resources change is another problem: it is cleared, and raised under a new id.
    pub fn check(&mut self, model: &Model, out: &mut Vec<Message>) {
        if !self.diagnosis.update(model) {
            return;
        }
        let at_ns = model.now_ns;
        let findings: BTreeMap<Key, &Finding> =
            self.diagnosis.findings().iter().map(|finding| (key(finding), finding)).collect();
        self.standing.retain(|key, problem| {
            let stands = findings.contains_key(key);
            if !stands {
                out.push(ProblemCleared { id: problem.id, at_ns }.into());
            }
            stands
        });
        for (key, finding) in findings {
            if let Some(before) = self.standing.get_mut(&key) {
                let problem = finding.problem(model, before.id);
                if problem != *before {
                    *before = problem.clone();
                    out.push(ProblemUpdated { problem, at_ns }.into());
                }
            } else {
                self.last_id += 1;
                let problem = finding.problem(model, ProblemId(self.last_id));
                self.standing.insert(key, problem.clone());
                out.push(ProblemRaised { problem, at_ns }.into());
            }
        }
    }

    /// The problems that stand, by kind, tasks and resources.
    pub fn standing(&self) -> impl Iterator<Item = &Problem> {
        self.standing.values()
    }
}

fn key(finding: &Finding) -> Key {
    (finding.kind.clone(), finding.tasks.clone(), finding.resources.clone())
}
