//! `lost_wakeup`: a task waits, and nothing is left that could wake it.

use super::story::Story;
use super::{About, Severities, Stuck, Tiers};
use crate::health::words;
use crate::{Finding, Model};
use insight_protocol::{ProblemKind, Severity, TaskId, Tier};

pub(crate) static ABOUT: About = About {
    kind: ProblemKind::LostWakeup,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A task waits, and nothing is left that could wake it.",
    symptom: "A task waits and nothing is left that could wake it",
    called: "a lost wake-up",
};

pub(super) static STUCK: Stuck = Stuck { is: |_| false, title, sentence, advice: |_| ADVICE };

pub(crate) const ADVICE: &str = "Find the future that the task waits for, and check its waker. A future that returns `Pending` must keep the waker of the last poll, and wake it when the future can make progress, also when the other side is dropped.";

/// The finding about a task whose wake-up was lost.
pub(crate) fn finding(model: &Model, id: TaskId) -> Finding {
    Finding {
        kind: ABOUT.kind.clone(),
        tier: Tier::Proven,
        tasks: vec![id],
        resources: Vec::new(),
        edges: Vec::new(),
        unknowns: Vec::new(),
        unless: Vec::new(),
        since_ns: model.tasks.get(&id).map_or(0, |task| task.since_ns()),
    }
}

fn title(story: &Story) -> String {
    let at = story.finding.tasks.first().and_then(|&task| own_line(story, task)).unwrap_or_default();
    format!("lost wake-up: {} waits{at}, and nothing is left that could wake it", story.first())
}

fn sentence(story: &Story, task: TaskId) -> String {
    let label = story.model.task_label(task);
    let waits = words::first_wait(story.model, task).map_or(String::new(), |waits| format!("{label} waits {waits}. "));
    format!("{waits}The last waker of {label} was dropped without a wake: the task will not be polled again.")
}

/// " at src/main.rs:9": the first line of the task's first await, if it is known.
fn own_line(story: &Story, task: TaskId) -> Option<String> {
    let leaf = story.model.awaits(task)?.awaits.leaves.first()?;
    Some(format!(" at {}", leaf.line()?.location.as_ref()?.line()))
}
