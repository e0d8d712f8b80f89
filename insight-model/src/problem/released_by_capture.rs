//! `released_by_capture`: a task made progress only because a capture polled it.

use super::{About, Severities, Tiers};
use insight_protocol::{ProblemKind, Severity};

pub(crate) static ABOUT: About = About {
    kind: ProblemKind::ReleasedByCapture,
    severities: Severities::Always(Severity::Notice),
    tiers: Tiers::Suspected,
    says: "A task made progress only because a capture polled it.",
    symptom: "A task continues as soon as insight looks at it",
    called: "a capture released it",
};

pub(crate) const ADVICE: &str = "If it happens once, an event probably came at the same moment. If it comes back, look for a future that \
     returns `Pending` and loses its waker.";

/// For a task that panicked.
pub(crate) const ADVICE_ON_PANIC: &str = "A future must allow a poll that nothing asked for. Correct the future that panics, or run the program with \
     `INSIGHT_AWAITS=off`.";
