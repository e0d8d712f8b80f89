//! `self_deadlock`: a task waits for a lock or permits that it holds itself.

use super::knot::Knot;
use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers, deadlock};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::SelfDeadlock,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A task waits for a lock or permits that it holds itself.",
    symptom: "A task waits for a lock that it holds itself",
    called: "self-deadlock",
};

pub(super) static STUCK: Stuck = Stuck { is, title: deadlock::title, sentence, advice };

fn is(knot: &Knot) -> bool {
    knot.is_alone() && knot.waits().all(|(wait, _)| knot.locks().any(|hold| hold.resource == wait.resource))
}

fn advice(story: &Story) -> &'static str {
    if deadlock::only_permits(story) { deadlock::ALL_PERMITS } else { deadlock::LOCK_ONCE }
}
