//! The messages `task.polls`.

use super::Checker;
use insight_protocol::*;

impl Checker {
    pub(super) fn task_polls(&mut self, polls: &TaskPolls) {
        // r[detail.polls]: an unknown level may have them too.
        let detail = self.header.as_ref().map(|header| &header.detail);
        let below = detail.is_some_and(|detail| *detail == Detail::Structure);
        self.expect(!below, "detail.polls", "no task.polls at detail structure", || "task.polls".to_owned());
        // r[task.polls.columns]
        let TaskPolls { thread, tasks, after_ns, running_ns, at_ns, .. } = polls;
        let columns = [tasks.len(), after_ns.len(), running_ns.len()];
        let whole = columns.iter().all(|length| *length == tasks.len()) && (1..=MAX_POLLS).contains(&tasks.len());
        let actual = || format!("lengths of {columns:?}");
        self.expect(
            whole,
            "task.polls.columns",
            format_args!("three arrays of one length from 1 to {MAX_POLLS}"),
            actual,
        );
        // r[task.polls.first]
        let first = after_ns.first().copied().unwrap_or(0);
        self.expect(first == 0, "task.polls.first", "after_ns that begins with 0", || first.to_string());
        // r[task.polls.in-order]
        let last = self.polled_ns.get(thread).copied().unwrap_or(0);
        let actual = || format!("{at_ns} of thread {thread}");
        self.expect(*at_ns >= last, "task.polls.in-order", format_args!("at_ns of at least {last}"), actual);
        let end = after_ns.iter().fold(*at_ns, |end, after| end.saturating_add(*after));
        self.polled_ns.insert(*thread, end);
        let mut unknown = None;
        for id in tasks {
            match self.tasks.get_mut(id) {
                Some(task) if !task.completed => task.listed_polls += 1,
                // r[task.polls.after-end]
                _ if self.polls_may_follow.contains(id) => {}
                _ => unknown = Some(*id),
            }
        }
        if let Some(id) = unknown {
            let ended = self.ended_tasks.contains(id.0);
            let rule = if ended { "task.polls.after-end" } else { "order.introduced" };
            self.find(
                rule,
                "tasks that are alive, or have ended since the last heartbeat".into(),
                format!("task {id}"),
            );
        }
    }

    /// r[task.polls.counted]
    pub(super) fn expect_polls_counted(&mut self, stats: &TaskStats, listed: u64) {
        let TaskStats { id, polls, .. } = stats;
        let actual = || polls.to_string();
        self.expect(
            *polls >= listed,
            "task.polls.counted",
            format_args!("polls of at least {listed}, as task.polls has of task {id}"),
            actual,
        );
    }
}
