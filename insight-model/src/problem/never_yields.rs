//! `never_yields`: a task runs nearly all the time, in long polls, and others are delayed.

use super::{About, MS, Severities, Tiers};
use crate::health::{Candidate, Look, Window, levels, percent, words};
use insight_protocol::{ProblemKind, Severity, TaskKind};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::NeverYields,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Proven,
    says: "A task runs nearly all the time, in long polls, and others are delayed.",
    symptom: "A task keeps its thread nearly all the time, and others are late",
    called: "it never yields",
};

/// When the polls of a task take too much of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeverYields {
    /// It ran for this percentage of a window. Default: 90.
    pub busy_percent: u64,
    /// Its polls took so long in the mean. Default: 100 ms, a thousand times what tokio asks of a poll, and what a person
    /// notices. A computation that yields now and then stays far below.
    pub poll_ns: u64,
    /// Another task of the same executor waited for a thread for so long, in the mean of its polls. Default: 100 ms. Where
    /// there are threads enough, or in `block_in_place`, nobody waits, and nothing is said.
    pub delay_ns: u64,
}

impl Default for NeverYields {
    fn default() -> NeverYields {
        NeverYields { busy_percent: 90, poll_ns: 100 * MS, delay_ns: 100 * MS }
    }
}

const ADVICE: &str = "Move the computation into `spawn_blocking`, or onto threads of its own. Where it must stay, let it \
                      yield after each small part, by `yield_now().await`.";

pub(super) fn window(look: &Look, limits: &NeverYields, window: &Window, other: Option<&Window>) -> Option<Candidate> {
    let Window { task, did, length_ns, .. } = window;
    let other = other?;
    if !matches!(task.kind, TaskKind::Task | TaskKind::Local) {
        return None;
    }
    // The poll that it is in now is one, and a window in which none ended is a worker that is blocked.
    let poll_ns = did.running_ns / (did.polls + 1);
    let busy = percent(did.running_ns, *length_ns);
    let over = levels(look, |level| {
        did.polls > 0
            && busy >= level(limits.busy_percent)
            && poll_ns >= level(limits.poll_ns)
            && other.did.delay_ns() >= level(limits.delay_ns)
    })?;
    let explanation = vec![
        format!(
            "{} ran for {busy} % of {}, in polls of {} in the mean.",
            words::task_at(task),
            words::span(*length_ns),
            words::span(poll_ns)
        ),
        format!(
            "Meanwhile {} of the same executor waited {} for a thread before each of its polls.",
            other.task.label(),
            words::span(other.did.delay_ns())
        ),
    ];
    let title = format!("never yields: {} runs nearly all the time, in long polls", task.label());
    Some(window.candidate(look, &ABOUT, over, title, explanation, ADVICE))
}
