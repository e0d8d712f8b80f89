//! `channel_cycle`: tasks that wait for each other through channels alone.

use super::knot::Knot;
use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers, deadlock};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::ChannelCycle,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "Tasks wait for each other through channels alone.",
    symptom: "Tasks wait for each other through channels alone",
    called: "a cycle of channels",
};

pub(super) static STUCK: Stuck = Stuck { is, title: deadlock::title, sentence, advice };

fn is(knot: &Knot) -> bool {
    !knot.is_alone() && knot.waits().all(|(wait, _)| knot.is_channel(wait.resource))
}

fn advice(story: &Story) -> &'static str {
    if story.sends() { deadlock::SEND_FROM_ANOTHER } else { deadlock::SEND_FIRST }
}
