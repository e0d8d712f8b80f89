//! `channel_full`: who receives from a full channel waits for who sends, not only through channels.

use super::knot::{Knot, sends};
use super::story::{Story, sentence};
use super::{About, Severities, Stuck, Tiers, deadlock};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::ChannelFull,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "A channel is full, and who receives from it waits, not only through channels, for who sends.",
    symptom: "A task waits for room in a channel",
    called: "the channel is full",
};

pub(super) static STUCK: Stuck = Stuck { is, title: deadlock::title, sentence, advice };

/// Asked after [`channel_cycle`](super::channel_cycle): so a task waits for something other than a channel too.
fn is(knot: &Knot) -> bool {
    !knot.is_alone() && knot.waits().any(|(_, operation)| sends(operation))
}

fn advice(story: &Story) -> &'static str {
    if story.has_locks() { deadlock::BEFORE_A_CHANNEL } else { deadlock::SEND_FROM_ANOTHER }
}
