//! `waker_storm`: a task is woken far more often than it is polled.

use super::{About, Severities, Tiers};
use crate::health::{Candidate, Look, Window, levels, words};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::WakerStorm,
    severities: Severities::Always(Severity::Notice),
    tiers: Tiers::Proven,
    says: "A task is woken far more often than it is polled.",
    symptom: "A task is woken again and again before it is polled",
    called: "a waker storm",
};

/// When a task is woken too often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WakerStorm {
    /// Number of wakes for each poll. Default: 100. A `join!` of many parts that are ready at once has one wake for
    /// each part, but only once.
    pub wakes_per_poll: u64,
    /// Number of wakes in a second. Default: 10,000, which takes about a thousandth of one processor. A program does
    /// not reach this rate only because its work is cut into small parts.
    pub wakes_per_second: u64,
}

impl Default for WakerStorm {
    fn default() -> WakerStorm {
        WakerStorm { wakes_per_poll: 100, wakes_per_second: 10_000 }
    }
}

const ADVICE: &str = "Wake once for many events: put them into a queue, and wake only if the queue was empty. Check \
                      that a hand-written future does not wake before anything has changed.";

pub(super) fn window(look: &Look, limits: &WakerStorm, window: &Window, _: Option<&Window>) -> Option<Candidate> {
    let Window { task, did, length_ns, .. } = window;
    let each = did.wakes / did.polls.max(1);
    let rate = window.per_second(did.wakes);
    let over = levels(look, |level| {
        each >= level(limits.wakes_per_poll).max(1) && rate >= level(limits.wakes_per_second).max(1)
    })?;
    let mut explanation = vec![format!(
        "{} was woken {rate} times a second over {}, {each} times for each of its polls.",
        words::task_at(look.model, task),
        words::span(*length_ns)
    )];
    if let Some(by) = task.counters().and_then(|stats| stats.woken_by) {
        explanation.push(format!("The task that woke it last is {}.", look.model.task_label(by)));
    }
    let title = format!("waker storm: {} is woken far more often than it is polled", look.model.task_label(task.id));
    Some(window.candidate(look, &ABOUT, over, title, explanation, ADVICE))
}
