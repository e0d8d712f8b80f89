//! `channel_full`: the receiver of a full channel waits for its sender, not only through channels.

use super::knot::{Knot, sends};
use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers, deadlock};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::ChannelFull,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A channel is full, and its receiver waits for its sender, not only through channels.",
    symptom: "A task waits for room in a channel",
    called: "the channel is full",
};

pub(super) static STUCK: Stuck = Stuck { is, title: deadlock::title, sentence, advice };

/// [`channel_cycle`](super::channel_cycle) is asked first. So a task waits for something other than a channel, too.
fn is(knot: &Knot) -> bool {
    !knot.is_alone() && knot.waits().any(|(_, operation)| sends(operation))
}

fn advice(story: &Story) -> &'static str {
    if story.has_locks() { deadlock::BEFORE_A_CHANNEL } else { deadlock::SEND_FROM_ANOTHER }
}
