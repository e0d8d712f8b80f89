//! `lock_across_join`: a task holds a lock and waits for the end of a task that needs it.

use super::knot::Knot;
use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers, deadlock};
use insight_protocol::{Operation, ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::LockAcrossJoin,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A task holds a lock and waits for the end of a task that needs it.",
    symptom: "A task holds a lock and waits for the end of a task that needs it",
    called: "a lock held across a join",
};

pub(super) static STUCK: Stuck = Stuck { is, title: deadlock::title, sentence, advice };

fn is(knot: &Knot) -> bool {
    knot.waits()
        .any(|(join, operation)| *operation == Operation::Join && knot.locks().any(|hold| hold.task == join.task))
}

fn advice(story: &Story) -> &'static str {
    if story.has_channels() { deadlock::BEFORE_A_CHANNEL } else { deadlock::BEFORE_A_JOIN }
}
