//! The kinds of problems. Each has a module with its question, words, severity and thresholds.
//!
//! [`ALL`] lists the kinds. SPEC.md's table, the pages of the documentation and the lists of the checks derive from it. A new
//! kind is a module, its `mod` line, and its line in that list.

mod about;
mod limits;

mod knot;
mod story;
mod stuck;
mod wire;

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
pub(crate) mod released_by_capture;
pub(crate) mod runtime_blocked;
mod spins;
mod task_leak;
mod waker_storm;
pub(crate) mod worker_blocked;

pub use about::{About, Severities, Tiers};
pub use limits::{DEFAULT_SETTLE_NS, OFF};

pub(crate) use knot::Knot;
pub(crate) use wire::Texts;

use crate::health::{AnyMemory, Candidate, Limited, Look, Window};
use crate::{Finding, Model};
use insight_protocol::{Problem, ProblemId, ProblemKind, Severity};
use limits::{MS, SECOND};
use story::Story;
use stuck::Stuck;

/// Makes the list of the kinds, and the thresholds of the kinds that have some.
macro_rules! kinds {
    ($($module:ident $(($limits:ident))?: $question:ident,)+) => {
        /// Every kind that this crate finds. The kinds of stuck tasks come first, from the general to the particular:
        /// the last one that fits gives a problem its kind.
        pub static ALL: &[&About] = &[$(&$module::ABOUT),+];

        /// The kinds, each with its question.
        pub(crate) static KINDS: &[Kind] =
            &[$(Kind { about: &$module::ABOUT, question: question!($question $module) }),+];

        /// The thresholds of each kind.
        pub mod thresholds {
            $($(pub use super::$module::$limits;)?)+
        }

        /// The limits above which something is too long, too much or too large. Times are in nanoseconds.
        ///
        /// A threshold cannot be right for every program. The defaults are values that hardly any healthy program reaches. They
        /// are not the point at which a fault begins: a false alarm costs more than a late report, or none.
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
            /// Time for which a fact must be observed before it is a finding. Default: as for a deadlock,
            /// [`DEFAULT_SETTLE_NS`]. At most half of this counts between two checks, since a debugger may have stopped
            /// the process.
            pub settle_ns: u64,
            /// Length of the window over which rates are computed. Default: 5 s. A burst of work of a healthy program, such as
            /// its start, is over by then, and a person still waits for an answer.
            pub window_ns: u64,
            /// A problem that was raised at a rate or share of `x` is resolved below this percentage of `x`. Default: 80. That is
            /// more than a steady rate differs between two windows, and less than an intended change.
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

/// The question of a module: it gets its own thresholds, and no others.
macro_rules! question {
    (stuck $module:ident) => {
        Question::Stuck(&$module::STUCK)
    };
    (look $module:ident) => {
        Question::Look(|look, limits, out| $module::look(look, &limits.$module, out))
    };
    (window $module:ident) => {
        Question::Window(|look, limits, window, other| $module::window(look, &limits.$module, window, other))
    };
    (memory $module:ident) => {
        Question::Memory(|| {
            Box::new(Limited::<$module::Kept, Thresholds> {
                memory: Default::default(),
                limits: |limits| &limits.$module,
            })
        })
    };
    (long_poll $module:ident) => {
        Question::LongPoll
    };
    (release $module:ident) => {
        Question::Release
    };
}

kinds! {
    deadlock: stuck,
    channel_full: stuck,
    channel_cycle: stuck,
    forgotten_party: stuck,
    self_deadlock: stuck,
    lock_across_join: stuck,
    read_behind_writer: stuck,
    futurelock: stuck,
    lost_wakeup: stuck,
    released_by_capture: release,
    worker_blocked(WorkerBlocked): long_poll,
    runtime_blocked: long_poll,
    blocking_pool_exhausted(BlockingPoolExhausted): look,
    never_yields(NeverYields): window,
    spins(Spins): window,
    waker_storm(WakerStorm): window,
    task_leak(TaskLeak): memory,
    lock_held_long(LockHeldLong): look,
    large_future(LargeFuture): memory,
}

/// A kind and its question.
pub(crate) struct Kind {
    pub(crate) about: &'static About,
    pub(crate) question: Question,
}

/// The way to recognise a kind.
pub(crate) enum Question {
    /// Asked of stuck tasks.
    Stuck(&'static Stuck),
    /// Asked at each check of the health.
    Look(fn(&Look, &Thresholds, &mut Vec<Candidate>)),
    /// As `Look`, with a memory of earlier checks.
    Memory(fn() -> Box<dyn AnyMemory<Thresholds>>),
    /// Asked about each active task at the end of a window. The second window is of another task of the same executor:
    /// the task that waited longest for a thread.
    Window(fn(&Look, &Thresholds, &Window, Option<&Window>) -> Option<Candidate>),
    /// Asked by `health/polls.rs`, which follows the polls that do not return.
    LongPoll,
    /// Asked by `releases.rs`, which learns of the releases.
    Release,
}

/// The properties of a kind; `None` if this crate does not find it.
pub fn about(kind: &ProblemKind) -> Option<&'static About> {
    ALL.iter().copied().find(|about| about.kind == *kind)
}

/// Whether a measure makes problems of this kind: a time, a number or a size. Their tasks may run. `false` for unknown kinds.
pub fn is_measured(kind: &ProblemKind) -> bool {
    let kind = KINDS.iter().find(|it| it.about.kind == *kind);
    kind.is_some_and(|kind| !matches!(kind.question, Question::Stuck(_)))
}

/// Returns the kind of a knot.
pub(crate) fn kind(knot: &Knot) -> ProblemKind {
    let fits = |kind: &&Kind| matches!(kind.question, Question::Stuck(stuck) if (stuck.is)(knot));
    KINDS.iter().rev().find(fits).map_or(ProblemKind::Deadlock, |kind| kind.about.kind.clone())
}

/// The words of this kind. A kind without words has those of a deadlock.
fn stuck(kind: &ProblemKind) -> &'static Stuck {
    match KINDS.iter().find(|it| it.about.kind == *kind) {
        Some(Kind { question: Question::Stuck(stuck), .. }) => stuck,
        _ => &deadlock::STUCK,
    }
}

impl Finding {
    /// The wire form of the problem: complete in itself, and in words. `model` is the model of the finding.
    pub fn problem(&self, model: &Model, id: ProblemId) -> Problem {
        let (story, stuck) = (Story { model, finding: self }, stuck(&self.kind));
        let mut title = (stuck.title)(&story);
        if let Some((first, more)) = self.unknowns.split_first() {
            title += &format!(" (suspected: {first}{})", and_more(more.len()));
        } else if let Some((first, more)) = self.unless.split_first() {
            title += &format!(", unless {first}{}", and_more(more.len()));
        }
        let texts = Texts {
            severity: about(&self.kind).map_or(Severity::Hang, About::least),
            title,
            explanation: story.explanation(stuck.sentence),
            advice: (stuck.advice)(&story),
        };
        self.problem_in_words(model, id, texts)
    }
}

/// "; and 2 more".
fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!("; and {more} more") }
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
        assert!(ALL.is_sorted_by_key(|about| is_measured(&about.kind)));
    }

    #[test]
    fn each_kind_has_its_words() {
        for about in ALL {
            let is_sentence = |text: &str| text.ends_with('.') && text.starts_with(char::is_uppercase);
            assert!(is_sentence(about.says), "{about:?}: {}", about.says);
            // A colon and the link follow them.
            assert!(!about.symptom.is_empty() && !about.symptom.ends_with('.'), "{about:?}: {}", about.symptom);
            assert!(!about.called.is_empty(), "{about:?}");
        }
    }
}
