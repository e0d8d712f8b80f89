//! The activity of one task in a window of time.

use super::finding::{Candidate, HealthFinding, Subject, evidence};
use super::look::Look;
use crate::Task;
use crate::problem::About;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    pub(crate) polls: u64,
    pub(crate) wakes: u64,
    pub(crate) self_wakes: u64,
    pub(crate) running_ns: u64,
    pub(crate) scheduled_ns: u64,
}

impl Counters {
    pub(super) fn of(task: &Task, now_ns: u64) -> Option<Counters> {
        let stats = task.counters()?;
        let times = task.times(now_ns)?;
        Some(Counters {
            polls: stats.polls,
            wakes: stats.wakes,
            self_wakes: stats.self_wakes,
            running_ns: times.running_ns,
            scheduled_ns: times.scheduled_ns,
        })
    }

    pub(super) fn since(self, before: Counters) -> Counters {
        Counters {
            polls: self.polls.saturating_sub(before.polls),
            wakes: self.wakes.saturating_sub(before.wakes),
            self_wakes: self.self_wakes.saturating_sub(before.self_wakes),
            running_ns: self.running_ns.saturating_sub(before.running_ns),
            scheduled_ns: self.scheduled_ns.saturating_sub(before.scheduled_ns),
        }
    }

    /// Average time that the task waited for a thread before a poll. The poll that it waits for now counts as one.
    pub(crate) fn delay_ns(self) -> u64 {
        self.scheduled_ns / (self.polls + 1)
    }
}

/// The activity of one task in a window.
pub(crate) struct Window<'a> {
    pub(crate) task: &'a Task,
    pub(crate) did: Counters,
    pub(crate) length_ns: u64,
    /// Whether something other than the task could wake it, at any look of the window.
    pub(crate) aided: bool,
}

impl Window<'_> {
    /// A number of events in the window, as a rate a second.
    pub(crate) fn per_second(&self, count: u64) -> u64 {
        (u128::from(count) * 1_000_000_000 / u128::from(self.length_ns.max(1))) as u64
    }

    /// The candidate about this task. It lasts until the end of the next window. `over` comes from [`levels`].
    pub(crate) fn candidate(
        &self,
        look: &Look,
        about: &About,
        over: bool,
        title: String,
        explanation: Vec<String>,
        advice: &'static str,
    ) -> Candidate {
        let mut finding = evidence(about, look.now_ns.saturating_sub(self.length_ns));
        finding.tasks.push(self.task.id);
        let finding = HealthFinding { finding, severity: about.least(), place: None, title, explanation, advice };
        // The window is its settle time.
        Candidate { subject: Subject::Task(self.task.id), over, settle_ns: Some(0), frozen: true, finding }
    }
}

/// `true` if the thresholds are reached, `false` if only the lower ones are at which a finding is resolved, `None` if
/// neither.
pub(crate) fn levels(look: &Look, reached: impl Fn(&dyn Fn(u64) -> u64) -> bool) -> Option<bool> {
    let clear = look.limits.clear_percent.min(100);
    if reached(&|threshold| threshold) {
        Some(true)
    } else {
        reached(&|threshold| (u128::from(threshold) * u128::from(clear) / 100) as u64).then_some(false)
    }
}

pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 100 / u128::from(whole.max(1))) as u64
}
