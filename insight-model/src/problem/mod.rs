//! The kinds of problems. Each has a module with its question, words, severity and thresholds.
//!
//! [`ALL`] lists the kinds. SPEC.md's table, the pages of the documentation and the lists of the checks derive from it. A new
//! kind is a module, its `mod` line, and its line in that list.

mod knot;
mod story;

mod channel_cycle;
mod channel_full;
mod deadlock;
mod forgotten_party;
mod futurelock;
mod lock_across_join;
pub(crate) mod lost_wakeup;
mod read_behind_writer;
mod self_deadlock;

mod blocking_pool_exhausted;
mod large_future;
mod lock_held_long;
mod never_yields;
pub(crate) mod runtime_blocked;
mod spins;
mod task_leak;
mod waker_storm;
pub(crate) mod worker_blocked;

pub(crate) use knot::Knot;
pub(crate) use story::Texts;

use crate::DEFAULT_SETTLE_NS;
use crate::health::{Candidate, Look, Memory, Window};
use insight_protocol::{ProblemKind, Severity, TaskId};
use std::fmt;
use story::Story;

/// A threshold that nothing reaches: its kind is not looked for.
pub const OFF: u64 = u64::MAX;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// Makes the list of the kinds, and the thresholds of those that have any.
macro_rules! kinds {
    ($($module:ident $(($limits:ident))?,)+) => {
        /// Every kind that this crate finds: first the kinds of stuck tasks, from the general to the particular. The last one
        /// that fits gives a problem its kind.
        pub static ALL: &[&About] = &[$(&$module::ABOUT),+];

        /// The thresholds of each kind.
        pub mod thresholds {
            $($(pub use super::$module::$limits;)?)+
        }

        /// From when on something is too long, too much or too large. Spans are in nanoseconds.
        ///
        /// A threshold cannot be right for every program. The defaults are where hardly any program that is well comes to,
        /// not where a fault begins: an alarm that is not one costs more than a fault that is told a little later, or not.
        ///
        /// ```
        /// use insight_model::health::{OFF, Thresholds};
        ///
        /// let mut thresholds = Thresholds::default();
        /// thresholds.lock_held_long.held_ns = 1_000_000_000;
        /// thresholds.large_future.bytes = OFF;
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Thresholds {
            /// For how long something must have been seen to be so before it is a finding. Default: that of a deadlock,
            /// [`DEFAULT_SETTLE_NS`]. Of the time between two checks at most half of this counts: a process that was
            /// stopped, by a debugger or with its machine, has not been in one poll all that while.
            pub settle_ns: u64,
            /// Over how long rates are taken. Default: 5 s. A burst of work of a healthy program, a start or a garbage
            /// collection of its caches, is over by then, and a person still waits for an answer.
            pub window_ns: u64,
            /// What was raised at a rate or share of `x` is cleared below this percentage of `x`. Default: 80, which is
            /// more than what a steady rate differs from one window to the next, and less than a change that is meant.
            pub clear_percent: u64,
            $($(#[doc = concat!("Thresholds of `", stringify!($module), "`.")] pub $module: thresholds::$limits,)?)+
        }

        impl Default for Thresholds {
            fn default() -> Thresholds {
                Thresholds {
                    settle_ns: DEFAULT_SETTLE_NS,
                    window_ns: 5 * SECOND,
                    clear_percent: 80,
                    $($($module: thresholds::$limits::default(),)?)+
                }
            }
        }
    };
}

kinds! {
    deadlock,
    channel_full,
    channel_cycle,
    forgotten_party,
    self_deadlock,
    lock_across_join,
    read_behind_writer,
    futurelock,
    lost_wakeup,
    worker_blocked(WorkerBlocked),
    runtime_blocked,
    blocking_pool_exhausted(BlockingPoolExhausted),
    never_yields(NeverYields),
    spins(Spins),
    waker_storm(WakerStorm),
    task_leak(TaskLeak),
    lock_held_long(LockHeldLong),
    large_future(LargeFuture),
}

/// The properties that all problems of a kind have.
#[non_exhaustive]
pub struct About {
    /// The kind.
    pub kind: ProblemKind,
    /// The severity of its problems.
    pub severities: Severities,
    /// The tiers of its problems.
    pub tiers: Tiers,
    /// Its sentence in the table of SPEC.md.
    pub says: &'static str,
    /// Its symptom, for the list on the documentation's first page: the words before the link to its page.
    pub symptom: &'static str,
    /// The text of that link.
    pub called: &'static str,
    pub(crate) question: Question,
}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("About").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl About {
    /// The name of its page of the documentation: that of the kind with `-` for `_`.
    pub fn page(&self) -> String {
        self.kind.as_str().replace('_', "-")
    }

    /// Whether a measure makes the problem: a span, a number or a size. Its tasks may run.
    pub fn is_measured(&self) -> bool {
        !matches!(self.question, Question::Stuck(_))
    }

    /// The severity at first.
    pub(crate) fn least(&self) -> Severity {
        match self.severities {
            Severities::Always(severity) | Severities::Grows { from: severity, .. } => severity,
        }
    }
}

/// The severity of a kind's problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severities {
    /// The same for all.
    Always(Severity),
    /// It becomes worse while it stands.
    Grows {
        /// The severity at first.
        from: Severity,
        /// The severity later.
        to: Severity,
        /// The time of the change, such as `from 30 s on`.
        when: &'static str,
    },
}

impl Severities {
    /// Whether a problem of the kind can have this severity.
    pub fn has(self, severity: Severity) -> bool {
        match self {
            Severities::Always(always) => severity == always,
            Severities::Grows { from, to, .. } => severity == from || severity == to,
        }
    }
}

impl fmt::Display for Severities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Severities::Always(severity) => write!(f, "`{severity}`"),
            Severities::Grows { from, to, when } => write!(f, "`{from}`; `{to}` {when}"),
        }
    }
}

/// The tiers of a kind's problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiers {
    /// All of them are proven.
    Proven,
    /// All of them are suspected.
    Suspected,
    /// Either is possible.
    Both,
}

impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tiers::Proven => "`proven`",
            Tiers::Suspected => "`suspected`",
            Tiers::Both => "both",
        })
    }
}

/// The way to recognise a kind.
pub(crate) enum Question {
    /// Asked of stuck tasks.
    Stuck(Stuck),
    /// Asked at each check of the health.
    Look(fn(&Look, &mut Vec<Candidate>)),
    /// As `Look`, with a memory of earlier checks.
    Memory(fn() -> Box<dyn Memory>),
    /// Asked about each active task at the end of a window. The second window is that of another task of the same executor:
    /// of the one that waited longest for a thread.
    Window(fn(&Look, &Window, Option<&Window>) -> Option<Candidate>),
    /// Asked by `health/polls.rs`, which follows the polls that do not return.
    LongPoll,
}

/// A kind of stuck tasks.
pub(crate) struct Stuck {
    /// Whether the knot is of this kind, if no later kind of the list fits.
    is: fn(&Knot) -> bool,
    /// One line.
    title: fn(&Story) -> String,
    /// The sentence about one of its tasks.
    sentence: fn(&Story, TaskId) -> String,
    /// One or two sentences.
    advice: fn(&Story) -> &'static str,
}

/// The properties of a kind; `None` if this crate does not find it.
pub fn about(kind: &ProblemKind) -> Option<&'static About> {
    ALL.iter().copied().find(|about| about.kind == *kind)
}

/// Whether a measure makes problems of this kind: see [`About::is_measured`]. `false` for unknown kinds.
pub fn is_measured(kind: &ProblemKind) -> bool {
    about(kind).is_some_and(About::is_measured)
}

/// Returns the kind of a knot.
pub(crate) fn kind(knot: &Knot) -> ProblemKind {
    let fits = |about: &&&About| matches!(&about.question, Question::Stuck(stuck) if (stuck.is)(knot));
    ALL.iter().rev().find(fits).map_or(ProblemKind::Deadlock, |about| about.kind.clone())
}

/// The words of this kind; those of a deadlock for a kind without any.
fn stuck(kind: &ProblemKind) -> &'static Stuck {
    let of = |about: &'static About| match &about.question {
        Question::Stuck(stuck) => Some(stuck),
        _ => None,
    };
    about(kind).and_then(of).or_else(|| of(&deadlock::ABOUT)).expect("a deadlock is a kind of stuck tasks")
}

/// The path of the page about problems of this kind.
fn page(kind: &ProblemKind) -> String {
    format!("/docs/{}", kind.as_str().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_of_the_protocol_is_in_the_list_once() {
        let listed: Vec<&str> = ALL.iter().map(|about| about.kind.as_str()).collect();
        let known = ProblemKind::KNOWN.to_vec();
        assert_eq!(listed.iter().collect::<BTreeSet<_>>(), known.iter().collect());
        assert_eq!(listed.len(), known.len());
    }

    #[test]
    fn stuck_kinds_come_first() {
        assert!(ALL.is_sorted_by_key(|about| about.is_measured()));
    }

    #[test]
    fn each_kind_has_its_words() {
        for about in ALL {
            let is_sentence = |text: &str| text.ends_with('.') && text.starts_with(char::is_uppercase);
            assert!(is_sentence(about.says), "{about:?}: {}", about.says);
            // They are followed by a colon, and by the link.
            assert!(!about.symptom.is_empty() && !about.symptom.ends_with('.'), "{about:?}: {}", about.symptom);
            assert!(!about.called.is_empty(), "{about:?}");
        }
    }
}
