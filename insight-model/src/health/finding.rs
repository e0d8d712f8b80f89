use crate::problem::{About, Texts};
use crate::{Finding, Model};
use insight_protocol::{EdgeId, Problem, ProblemId, ResourceId, Severity, SourceLocation, TaskId, Tier};

/// What [`Health`](super::Health) finds, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthFinding {
    /// What it is, and its evidence. Of what is about a place in the source, there are no tasks: they come and go.
    pub finding: Finding,
    /// The severity of the problem.
    pub severity: Severity,
    /// The place in the source that it is about. With the kind, the tasks and the resources it makes the problem.
    pub place: Option<SourceLocation>,
    /// One line.
    pub title: String,
    /// What was seen, one sentence an entry.
    pub explanation: Vec<String>,
    /// What to do, in two sentences.
    pub advice: &'static str,
}

impl HealthFinding {
    /// The problem as it is sent. `model` is the one that it was found in.
    pub fn problem(&self, model: &Model, id: ProblemId) -> Problem {
        let HealthFinding { finding, severity, title, explanation, advice, .. } = self;
        let (title, explanation) = (title.clone(), explanation.clone());
        finding.problem_in_words(model, id, Texts { severity: *severity, title, explanation, advice })
    }
}

/// What a finding is about: what makes it the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Task(TaskId),
    Hold(EdgeId),
    Place(SourceLocation),
}

/// What is a finding if it goes on to stand.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) subject: Subject,
    /// Over the threshold, and not only over the lower one below which it is cleared.
    pub(crate) over: bool,
    /// For how long it must be seen, if not for the settle time.
    pub(crate) stands_ns: Option<u64>,
    /// Its figures change all the time: they stay those of when it was raised.
    pub(crate) frozen: bool,
    pub(crate) finding: HealthFinding,
}

/// The evidence of a finding that is about no task or resource yet.
pub(crate) fn evidence(about: &About, since_ns: u64) -> Finding {
    Finding {
        kind: about.kind.clone(),
        tier: Tier::Proven,
        tasks: Vec::new(),
        resources: Vec::<ResourceId>::new(),
        edges: Vec::new(),
        unknowns: Vec::new(),
        since_ns,
    }
}

/// Makes the finding `suspected`, for this reason.
pub(crate) fn suspect(finding: &mut Finding, unknown: &str) {
    finding.tier = Tier::Suspected;
    finding.unknowns.push(unknown.to_owned());
}
