//! `futurelock`: a task waits behind an operation that was begun and is no longer polled.

use super::knot::Knot;
use super::story::{Story, and, is_unpolled, sentence};
use super::{About, Severities, Stuck, Tiers};
use insight_protocol::{ProblemKind, ResourceId, Severity};
use std::collections::BTreeSet;

pub(super) static ABOUT: About = About {
    kind: ProblemKind::Futurelock,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A task waits behind an operation that was begun and is no longer polled.",
    symptom: "A future has its turn and is no longer polled",
    called: "futurelock",
};

pub(super) static STUCK: Stuck = Stuck { is, title, sentence, advice: |_| ADVICE };

const ADVICE: &str = "Poll the operation to its end, or drop it, before you wait for something else: move it into the `select!`, or spawn it. Do not `.await` in a branch while a `&mut` future of the same `select!` is alive.";

fn is(knot: &Knot) -> bool {
    knot.waits().any(|(wait, _)| is_unpolled(wait))
}

fn title(story: &Story) -> String {
    match story.finding.tasks.len() {
        1 => format!(
            "futurelock: {} waits behind its own operation on {}, which it does not poll",
            story.first(),
            story.labels_of_all()
        ),
        count => {
            format!("futurelock: {count} tasks wait behind an operation on {} that is not polled", unpolled(story))
        }
    }
}

/// The resources of the operations that are not polled.
fn unpolled(story: &Story) -> String {
    let resources: BTreeSet<ResourceId> =
        story.edges().filter(|edge| is_unpolled(edge)).map(|edge| edge.resource).collect();
    and(resources.into_iter().map(|id| story.model.resource_label(id)).collect())
}
