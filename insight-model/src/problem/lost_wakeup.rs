//! `lost_wakeup`: a task waits, and nothing is left that could wake it.

use super::story::Story;
use super::{About, Severities, Stuck, Tiers};
use crate::{Finding, Model};
use insight_protocol::{ProblemKind, Severity, TaskId, Tier};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::LostWakeup,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Proven,
    says: "A task waits, and nothing is left that could wake it.",
    symptom: "A task waits and nothing is left that could wake it",
    called: "a lost wake-up",
};

pub(super) static STUCK: Stuck = Stuck { is: |_| false, title, sentence, advice: |_| ADVICE };

const ADVICE: &str = "Find the future that the task waits for: it returned `Pending` and dropped its waker. Keep the waker of the last poll, and wake it when the future can make progress, also when the other side is dropped.";

/// The finding about a task whose wake-up was lost.
pub(crate) fn finding(model: &Model, id: TaskId) -> Finding {
    Finding {
        kind: ABOUT.kind.clone(),
        tier: Tier::Proven,
        tasks: vec![id],
        resources: Vec::new(),
        edges: Vec::new(),
        unknowns: Vec::new(),
        since_ns: model.tasks.get(&id).map_or(0, |task| task.since_ns()),
    }
}

fn title(story: &Story) -> String {
    format!("lost wake-up: {} waits, and nothing is left that could wake it", story.first())
}

fn sentence(story: &Story, task: TaskId) -> String {
    format!(
        "The last waker of {} was dropped without a wake: the task will not be polled again.",
        story.model.task_label(task)
    )
}
