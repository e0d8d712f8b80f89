//! `read_behind_writer`: a reader waits behind a writer, and the writer waits for a reader that waits for the first
//! one.

use super::knot::Knot;
use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers};
use crate::resource_kind::UnitKind;
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::ReadBehindWriter,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A reader waits behind a writer, and the writer waits for a reader that waits for the first one.",
    symptom: "A task reads again while a writer waits",
    called: "a read behind a queued writer",
};

pub(super) static STUCK: Stuck = Stuck { is, title, sentence, advice: |_| ADVICE };

const ADVICE: &str =
    "Do not read-lock again while you have a guard: pass on the guard or the value. Or drop the guard before you wait.";

fn is(knot: &Knot) -> bool {
    knot.in_order.iter().any(|id| knot.kind_of(*id).is_some_and(|kind| kind.units == UnitKind::ReadWriteLock))
}

fn title(story: &Story) -> String {
    let behind = format!("behind a writer that waits for {}", story.labels_of_all());
    match story.finding.tasks.len() {
        1 => format!("deadlock cycle: {} waits to read {behind}", story.first()),
        count => format!("deadlock cycle: {count} tasks wait for each other {behind}"),
    }
}
