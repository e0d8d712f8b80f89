//! `spins`: a task is polled again and again, because it wakes itself.

use super::{About, Severities, Tiers};
use crate::health::{Candidate, Look, Window, levels, percent, words};
use insight_protocol::{ProblemKind, Severity, TaskKind};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::Spins,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Proven,
    says: "A task is polled again and again, because it wakes itself.",
    symptom: "A task works for nothing",
    called: "it spins",
};

/// When a task wakes itself too often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spins {
    /// Number of its polls in a second. Default: 1,000. A timer wakes a task at most this often.
    pub polls_per_second: u64,
    /// The share of these polls that followed a wake by the task itself, in percent. Default: 95. A task with many
    /// parts, such as a `FuturesUnordered`, wakes itself after each 32 parts, and its parts wake it in between.
    pub self_wakes_percent: u64,
    /// Maximum average length of its polls. Default: 10 µs. A computation that wakes itself to yield usually runs
    /// longer before it yields, since a yield costs time, too.
    pub poll_ns: u64,
    /// The share of a window in which it ran or was scheduled, in percent. Default: 90. A spinning task is never idle.
    pub busy_percent: u64,
}

impl Default for Spins {
    fn default() -> Spins {
        Spins { polls_per_second: 1_000, self_wakes_percent: 95, poll_ns: 10_000, busy_percent: 90 }
    }
}

const ADVICE: &str = "Let the task wait on a channel, a `Notify` or a timer. A future that is not ready must not wake \
                      itself: give its waker to the code that makes it ready.";

/// Only about a task whose waker nothing else keeps. In a task with parts, such as a `join!` of a sender and its
/// receiver, one part wakes the task for the other part. A future that a thread runs wakes the task that it runs in.
pub(super) fn window(look: &Look, limits: &Spins, window: &Window, _: Option<&Window>) -> Option<Candidate> {
    let Window { task, did, length_ns, aided } = window;
    if *aided || !matches!(task.origin.kind, TaskKind::Task | TaskKind::Local) {
        return None;
    }
    let polls = did.polls.max(1);
    let rate = window.per_second(did.polls);
    let own = percent(did.self_wakes, polls).min(100);
    let poll_ns = did.running_ns / polls;
    let over = levels(look, |level| {
        rate >= level(limits.polls_per_second).max(1)
        && own >= level(limits.self_wakes_percent)
        // A shorter poll is worse, so the lower threshold is a longer time.
        && level(poll_ns) <= limits.poll_ns
        // It is never idle: it runs, or it has woken itself.
        && percent(did.running_ns.saturating_add(did.scheduled_ns), *length_ns) >= level(limits.busy_percent)
    })?;
    let explanation = vec![format!(
        "{} was polled {rate} times a second over {}, for {} on average, and {own} % of these polls followed a wake by \
         the task itself.",
        words::task_at(look.model, task),
        words::span(*length_ns),
        words::span(poll_ns)
    )];
    let title = format!("spins: {} wakes itself again and again", look.model.task_label(task.id));
    Some(window.candidate(look, &ABOUT, over, title, explanation, ADVICE))
}
