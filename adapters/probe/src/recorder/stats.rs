//! The counters of a task, in the words of the protocol.

use crate::cell::TaskCell;
use crate::clock;
use crate::kind::Kind;
use crate::times::{Counters, HISTOGRAM, State};
use insight_protocol::*;

/// r[task.lost-waker.true]: for an idle task with this number of polls.
pub(super) fn has_lost_its_waker(cell: &TaskCell, polls: u64) -> bool {
    let polled = cell.kind() != Kind::Blocking && cell.reported().is_none();
    // A wake is recorded before its waker is dropped, so if we find neither a waker nor a wake, there was no wake.
    // And the drop of a future is recorded before its wakers are dropped.
    polled
        && cell.wakers().count() <= 1
        && cell.left_waker()
        && !cell.has_other_wakers()
        && cell.times().is_idle_after(polls)
}

/// The last sent counters of a task that show whether any counter has changed: each of the other counters is written before
/// one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SentStats {
    /// The lower half: it does not overflow to the same value between two samples.
    pub(super) polls: u32,
    pub(super) wakes: u32,
    /// The time at which it entered its state, in ticks.
    pub(super) since: u64,
    pub(super) idle_ns: u64,
    pub(super) foreign_wakers: u32,
    /// `None` before the first message.
    pub(super) state: Option<State>,
    pub(super) lost_waker: bool,
}

impl Counters {
    /// The rest of its life until it entered its state.
    pub(super) fn idle_ns(&self, cell: &TaskCell) -> u64 {
        let lived_ns = clock::time_ns(self.since).saturating_sub(clock::time_ns(cell.spawned_at()));
        lived_ns.saturating_sub(clock::duration_ns(self.running) + clock::duration_ns(self.scheduled))
    }

    pub(super) fn stats(&self, id: u64, cell: &TaskCell, sent: &SentStats, at_ns: u64) -> TaskStats {
        with!(
            TaskStats::default(),
            id = TaskId(id),
            state = Some(match self.state {
                State::Idle => TaskState::Idle,
                State::Scheduled => TaskState::Scheduled,
                State::Running => TaskState::Running,
            }),
            since_ns = clock::time_ns(self.since),
            polls = self.polls,
            wakes = self.wakes,
            self_wakes = self.self_wakes,
            woken_by = (self.woken_by != 0).then_some(TaskId(self.woken_by)),
            running_ns = clock::duration_ns(self.running),
            scheduled_ns = clock::duration_ns(self.scheduled),
            idle_ns = sent.idle_ns,
            foreign_wakers = u64::from(sent.foreign_wakers),
            lost_waker = sent.lost_waker,
            poll_ns_log2 = histogram(cell),
            at_ns
        )
    }
}

fn histogram(cell: &TaskCell) -> Vec<u64> {
    let counts = cell.times().poll_times();
    let used = counts.iter().rposition(|count| *count != 0).map_or(0, |last| last + 1 + HISTOGRAM.start as usize);
    (0..HISTOGRAM.start).map(|_| 0).chain(counts).take(used).collect()
}
