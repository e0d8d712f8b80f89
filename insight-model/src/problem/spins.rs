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
    /// So many polls in a second. Default: 1,000. A timer wakes a task at most so often.
    pub polls_per_second: u64,
    /// At least this percentage of them by wakes of its own. Default: 95. A task of many parts, as of `FuturesUnordered`,
    /// wakes itself after each 32 of them, and is woken by them between.
    pub self_wakes_percent: u64,
    /// Its polls took so long at most, in the mean. Default: 10 µs. A computation that yields by waking itself has a reason
    /// to yield after a while, not after what yielding itself costs.
    pub poll_ns: u64,
    /// It ran or was scheduled for this percentage of a window: it is never idle. Default: 90.
    pub busy_percent: u64,
}

impl Default for Spins {
    fn default() -> Spins {
        Spins { polls_per_second: 1_000, self_wakes_percent: 95, poll_ns: 10_000, busy_percent: 90 }
    }
}

const ADVICE: &str = "Let the task wait for what it looks for: a channel, a `Notify`, a timer. A future that is not ready \
                      has its waker kept by what makes it ready, and does not wake itself.";

/// A task of which nothing else keeps a waker. Of one with parts, such as a `join!` of a sender and its receiver, the one
/// part wakes the task for the other, and so does a future that a thread runs for what it runs within.
pub(super) fn window(look: &Look, limits: &Spins, window: &Window, _: Option<&Window>) -> Option<Candidate> {
    let Window { task, did, length_ns, aided } = window;
    if *aided || !matches!(task.kind, TaskKind::Task | TaskKind::Local) {
        return None;
    }
    let polls = did.polls.max(1);
    let rate = window.per_second(did.polls);
    let own = percent(did.self_wakes, polls).min(100);
    let poll_ns = did.running_ns / polls;
    let over = levels(look, |level| {
        rate >= level(limits.polls_per_second).max(1)
        && own >= level(limits.self_wakes_percent)
        // Shorter is worse: the lower threshold is the longer time.
        && level(poll_ns) <= limits.poll_ns
        // It is never idle: at each time it runs, or has woken itself.
        && percent(did.running_ns.saturating_add(did.scheduled_ns), *length_ns) >= level(limits.busy_percent)
    })?;
    let explanation = vec![format!(
        "{} was polled {rate} times a second over {}, each time for {} in the mean, and {own} % of these polls it asked \
     for itself, by waking itself while it was polled.",
        words::task_at(task),
        words::span(*length_ns),
        words::span(poll_ns)
    )];
    let title = format!("spins: {} wakes itself again and again", task.label());
    Some(window.candidate(look, &ABOUT, over, title, explanation, ADVICE))
}
