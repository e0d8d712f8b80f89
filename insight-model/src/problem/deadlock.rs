//! `deadlock`: tasks that wait for each other, in no way that has its own name.

use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers};
use crate::resource_kind::{Ends, UnitKind};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::Deadlock,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "None of its tasks can make progress before another one of them does.",
    symptom: "Tasks wait for each other",
    called: "deadlock",
};

pub(super) static STUCK: Stuck = Stuck { is: |_| true, title, sentence, advice };

pub(super) const BEFORE_A_CHANNEL: &str =
    "Drop the guard before you wait on a channel: the task at the other end needs the lock.";
pub(super) const SEND_FROM_ANOTHER: &str = "Do not wait to send in a task that must also receive. Send from another task, or use `try_send` and handle a full channel.";
pub(super) const SEND_FIRST: &str =
    "Let one of them send before it receives. Or drop a sender that is no longer used, so that the receive ends.";
pub(super) const LOCK_ONCE: &str = "Drop the guard before you lock again, or pass it to the code that needs it.";
pub(super) const ALL_PERMITS: &str =
    "Acquire all the permits that a task needs at once. Or release the first ones before you wait for more.";
pub(super) const BEFORE_A_JOIN: &str =
    "Drop the guard before you wait for the end of a task: that task needs the lock to end.";

/// The title of a deadlock, also for other kinds that are forms of it. Their sentences show the form.
pub(super) fn title(story: &Story) -> String {
    match story.finding.tasks.len() {
        1 => format!("deadlock cycle: {} waits for itself through {}", story.first(), story.labels_of_all()),
        count => format!("deadlock cycle: {count} tasks wait for each other over {}", story.kinds()),
    }
}

pub(super) fn advice(story: &Story) -> &'static str {
    let alone = story.finding.tasks.len() == 1;
    match (story.has_locks(), story.has_channels(), story.has(|kind| kind.ends == Ends::Joined)) {
        (true, false, false) if only_permits(story) => ALL_PERMITS,
        (true, false, false) if alone => LOCK_ONCE,
        (true, false, false) => {
            "Lock them in the same order everywhere. Or drop the first guard before you wait for the next lock."
        }
        (true, true, _) => BEFORE_A_CHANNEL,
        (true, false, true) => BEFORE_A_JOIN,
        (false, true, _) if story.sends() && alone => {
            "Send from another task than the one that receives. Or use `try_send` and handle a full channel."
        }
        (false, true, _) if story.sends() => SEND_FROM_ANOTHER,
        (false, true, _) => SEND_FIRST,
        _ => "Do not let a task wait for the end of a task that waits for it.",
    }
}

/// Whether permits are needed, and no lock.
pub(super) fn only_permits(story: &Story) -> bool {
    story.has(|kind| kind.units == UnitKind::Permits) && !story.has(|kind| kind.units.is_lock())
}
