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
    /// The share of a window in which it ran, in percent. Default: 90.
    pub busy_percent: u64,
    /// Average length of its polls. Default: 100 ms, a thousand times the length that tokio recommends. A person
    /// notices it, and a computation that yields now and then stays far below.
    pub poll_ns: u64,
    /// Average time for which another task of the same executor waited for a thread before a poll. Default: 100 ms. If
    /// there are enough threads, or with `block_in_place`, no task waits and there is no problem.
    pub delay_ns: u64,
}

impl Default for NeverYields {
    fn default() -> NeverYields {
        NeverYields { busy_percent: 90, poll_ns: 100 * MS, delay_ns: 100 * MS }
    }
}

const ADVICE: &str = "Move the computation to `spawn_blocking`, or to its own threads. If it must stay, call \
                      `yield_now().await` after each small part.";

pub(super) fn window(look: &Look, limits: &NeverYields, window: &Window, other: Option<&Window>) -> Option<Candidate> {
    let Window { task, did, length_ns, .. } = window;
    let other = other?;
    if !matches!(task.origin.kind, TaskKind::Task | TaskKind::Local) {
        return None;
    }
    // The present poll counts as one. If no poll has ended in the window, that is `worker_blocked`.
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
            "{} ran for {busy} % of {}, in polls of {} on average.",
            words::task_at(look.model, task),
            words::span(*length_ns),
            words::span(poll_ns)
        ),
        format!(
            "Meanwhile {} of the same executor waited {} for a thread before each poll, on average.",
            look.model.task_label(other.task.id),
            words::span(other.did.delay_ns())
        ),
    ];
    let title = format!("never yields: {} runs nearly all the time, in long polls", look.model.task_label(task.id));
    Some(window.candidate(look, &ABOUT, over, title, explanation, ADVICE))
}
