use crate::problem::{About, Texts};
use crate::{Finding, Model};
use insight_protocol::{EdgeId, Problem, ProblemId, ResourceId, Severity, SourceLocation, TaskId, Tier};

/// A finding of [`Health`](super::Health), in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthFinding {
    /// Its kind and its evidence. A finding about a place in the source has no tasks, since its tasks change all the
    /// time.
    pub finding: Finding,
    /// The severity of the problem.
    pub severity: Severity,
    /// The place in the source, if the finding is about one. The kind, the tasks, the resources and the place identify
    /// the problem.
    pub place: Option<SourceLocation>,
    /// The title, in one line.
    pub title: String,
    /// The observed facts, one sentence each.
    pub explanation: Vec<String>,
    /// The advice, in two sentences.
    pub advice: &'static str,
}

impl HealthFinding {
    /// The wire form of the problem. `model` is the model of the finding.
    pub fn problem(&self, model: &Model, id: ProblemId) -> Problem {
        let HealthFinding { finding, severity, title, explanation, advice, .. } = self;
        let (title, explanation) = (title.clone(), explanation.clone());
        finding.problem_in_words(model, id, Texts { severity: *severity, title, explanation, advice })
    }
}

/// The subject of a finding. The kind and the subject identify it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Task(TaskId),
    Hold(EdgeId),
    Place(SourceLocation),
}

/// A fact that becomes a finding if it lasts.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) subject: Subject,
    /// It is over the threshold. If false, it is between the threshold and the lower one at which a finding is
    /// resolved.
    pub(crate) over: bool,
    /// Time for which it must be observed; `None` for the settle time.
    pub(crate) settle_ns: Option<u64>,
    /// The texts stay as they were when the finding was raised, since the figures change all the time.
    pub(crate) frozen: bool,
    pub(crate) finding: HealthFinding,
}

/// The evidence of a finding, without tasks and resources.
pub(crate) fn evidence(about: &About, since_ns: u64) -> Finding {
    Finding {
        kind: about.kind.clone(),
        tier: Tier::Proven,
        tasks: Vec::new(),
        resources: Vec::<ResourceId>::new(),
        edges: Vec::new(),
        unknowns: Vec::new(),
        unless: Vec::new(),
        since_ns,
    }
}

/// Makes the finding `suspected`, for this reason.
pub(crate) fn suspect(finding: &mut Finding, unknown: &str) {
    finding.tier = Tier::Suspected;
    finding.unknowns.push(unknown.to_owned());
}
