use crate::{Finding, Model};
use insight_protocol::{EdgeId, Problem, ProblemId, ProblemKind, ResourceId, SourceLocation, TaskId, Tier};

/// What [`Health`](super::Health) finds, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthFinding {
    /// What it is, and its evidence. Of what is about a place in the source, there are no tasks: they come and go.
    pub finding: Finding,
    /// The place in the source that it is about. With the kind, the tasks and the resources it makes the problem.
    pub place: Option<SourceLocation>,
    /// One line.
    pub title: String,
    /// What was seen, one sentence an entry.
    pub explanation: Vec<String>,
    /// What to do, in two sentences.
    pub advice: &'static str,
    /// Where to read more.
    pub docs: &'static str,
}

impl HealthFinding {
    /// The problem as it is sent. `model` is the one that it was found in.
    pub fn problem(&self, model: &Model, id: ProblemId) -> Problem {
        Problem {
            title: self.title.clone(),
            explanation: self.explanation.clone(),
            advice: self.advice.to_owned(),
            docs: self.docs.to_owned(),
            ..self.finding.problem(model, id)
        }
    }
}

/// What a finding is about: what makes it the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Task(TaskId),
    Hold(EdgeId),
    Place(SourceLocation),
}

/// What is a finding if it goes on to stand.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) subject: Subject,
    /// Over the threshold, and not only over the lower one below which it is cleared.
    pub(super) over: bool,
    /// For how long it must be seen, if not for the settle time.
    pub(super) stands_ns: Option<u64>,
    /// Its figures change all the time: they stay those of when it was raised.
    pub(super) frozen: bool,
    pub(super) finding: HealthFinding,
}

/// The evidence of a finding that is about no task or resource yet.
pub(super) fn evidence(kind: ProblemKind, since_ns: u64) -> Finding {
    Finding {
        kind,
        tier: Tier::Proven,
        tasks: Vec::new(),
        resources: Vec::<ResourceId>::new(),
        edges: Vec::new(),
        unknowns: Vec::new(),
        since_ns,
    }
}

/// Makes the finding `suspected`, for this reason.
pub(super) fn suspect(finding: &mut Finding, unknown: &str) {
    finding.tier = Tier::Suspected;
    finding.unknowns.push(unknown.to_owned());
}
