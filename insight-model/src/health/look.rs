use crate::{Edge, EdgeBody, Model, Task};
use insight_protocol::{Capability, Operation, TaskId, TaskKind, TaskState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The limits that decide which tasks a look collects. Each is documented with the thresholds of its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) settle_ns: u64,
    pub(crate) window_ns: u64,
    pub(crate) clear_percent: u64,
    /// `worker_blocked.poll_ns`
    pub(crate) poll_ns: u64,
    /// `worker_blocked.alone_ns`
    pub(crate) alone_ns: u64,
    /// `spins.polls_per_second`
    pub(crate) self_wakes: u64,
    /// `large_future.bytes`
    pub(crate) future_bytes: u64,
}

/// One look at all tasks. It collects the tasks that several kinds ask about.
pub(crate) struct Look<'a> {
    pub(crate) model: &'a Model,
    pub(crate) limits: Limits,
    /// The time up to which the model is complete.
    pub(crate) now_ns: u64,
    /// The tasks in a long poll.
    pub(crate) long_polls: Vec<&'a Task>,
    /// The tasks of each executor that have been scheduled for long.
    pub(crate) queued: BTreeMap<Option<&'a str>, Vec<&'a Task>>,
    /// The futures that `block_on` runs within a task.
    pub(crate) nested: Vec<&'a Task>,
    /// The closures for threads of their own.
    pub(crate) blocking: Vec<&'a Task>,
    /// The tasks with a large future.
    pub(crate) large: Vec<&'a Task>,
    /// The time at which the latest open poll of each executor began. Futures of `block_on` do not count.
    pub(crate) latest_poll_ns: BTreeMap<Option<&'a str>, u64>,
    /// The tasks that wake themselves, and that something else may also wake.
    pub(crate) aided: Vec<TaskId>,
}

impl<'a> Look<'a> {
    pub(super) fn new(model: &'a Model, limits: Limits) -> Look<'a> {
        let mut look = Look {
            model,
            limits,
            now_ns: model.told_ns,
            long_polls: Vec::new(),
            queued: BTreeMap::new(),
            nested: Vec::new(),
            blocking: Vec::new(),
            large: Vec::new(),
            latest_poll_ns: BTreeMap::new(),
            aided: Vec::new(),
        };
        let blind = model.header.as_ref().is_some_and(|it| !it.capabilities.contains(&Capability::ForeignWakers));
        let long_ns = limits.poll_ns.min(limits.alone_ns);
        for task in model.tasks.values() {
            if task.outcome().is_some() || task.origin.partial {
                continue;
            }
            if task.origin.kind == TaskKind::Blocking {
                look.blocking.push(task);
                continue;
            }
            if task.origin.kind == TaskKind::BlockOn && task.parent().is_some() {
                look.nested.push(task);
            }
            if task.origin.future_bytes.is_some_and(|bytes| bytes >= limits.future_bytes) {
                look.large.push(task);
            }
            let spins = task.packed().filter(|stats| stats.self_wakes() >= limits.self_wakes);
            if spins.is_some_and(|stats| blind || stats.foreign_wakers || waits(model, task)) {
                look.aided.push(task.id);
            }
            if task.state() == Some(TaskState::Running) && task.origin.kind != TaskKind::BlockOn {
                let latest = look.latest_poll_ns.entry(executor(task)).or_default();
                *latest = task.since_ns().max(*latest);
            }
            match task.state() {
                Some(TaskState::Running) if look.for_ns(task.since_ns()) >= long_ns => look.long_polls.push(task),
                Some(TaskState::Scheduled) if look.for_ns(task.since_ns()) >= limits.poll_ns => {
                    look.queued.entry(executor(task)).or_default().push(task);
                }
                _ => {}
            }
        }
        look
    }

    /// The time since `since_ns`.
    pub(crate) fn for_ns(&self, since_ns: u64) -> u64 {
        self.now_ns.saturating_sub(since_ns)
    }
}

/// Whether the task waits for anything but a timer.
fn waits(model: &Model, task: &Task) -> bool {
    let sleeps = |edge: &Edge| matches!(edge.body, EdgeBody::Wait { operation: Operation::Sleep, .. });
    model.edges_of_task(task.id).any(|edge| matches!(edge.body, EdgeBody::Wait { .. }) && !sleeps(edge))
}

pub(crate) fn executor(task: &Task) -> Option<&str> {
    task.origin.executor.as_ref().map(Arc::as_ref)
}
