use insight_protocol::{EdgeId, ProblemKind, ResourceId, TaskId, Tier};

/// A problem that the model shows: the smallest part of a program that explains it, with all the evidence and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of the problem.
    pub kind: ProblemKind,
    /// Its tier.
    pub tier: Tier,
    /// The tasks that wait for each other, by id. A task that only waits behind them is not listed.
    pub tasks: Vec<TaskId>,
    /// The resources that they wait for, by id.
    pub resources: Vec<ResourceId>,
    /// Their waits, and the holds and parties by which they could unblock each other, by id.
    pub edges: Vec<EdgeId>,
    /// The unknowns that could unblock them, in words; empty for a proven finding.
    pub unknowns: Vec<String>,
    /// The ways in which code outside of these tasks could unblock them, in words; empty for a proven finding.
    pub unless: Vec<String>,
    /// The time since which all of this has been true, in nanoseconds of the producer's clock.
    pub since_ns: u64,
}

impl Finding {
    /// Whether it is proven by tasks that wait for each other. A lost wake-up rests on its task alone.
    pub(crate) fn is_to_confirm(&self) -> bool {
        self.tier == Tier::Proven && self.kind != ProblemKind::LostWakeup
    }
}
