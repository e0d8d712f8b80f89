//! `blocking_pool_exhausted`: closures wait for a thread, and none of them starts.

use super::{About, SECOND, Severities, Tiers};
use crate::health::{Candidate, HealthFinding, Look, Subject, evidence, executor, words};
use crate::{Model, Task};
use insight_protocol::{ProblemKind, Severity, TaskState};
use std::collections::BTreeMap;

pub(super) static ABOUT: About = About {
    kind: ProblemKind::BlockingPoolExhausted,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Proven,
    says: "A closure waits for a thread for a long time, while others run.",
    symptom: "Closures wait for a thread",
    called: "the blocking pool is exhausted",
};

/// When closures have waited too long for a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingPoolExhausted {
    /// Time for which one blocking closure has been the first in the queue, so no closure has started. Default: 5 s.
    /// tokio starts a closure at once while one of its 512 threads is free. In a small pool that limits the load, a
    /// closure starts whenever another one ends. The same pool reads files and looks up host names, and 5 s is a usual
    /// timeout of these.
    pub queue_ns: u64,
}

impl Default for BlockingPoolExhausted {
    fn default() -> BlockingPoolExhausted {
        BlockingPoolExhausted { queue_ns: 5 * SECOND }
    }
}

const ADVICE: &str = "Run closures that last, such as a loop that reads a queue, on their own threads with \
                      `std::thread::spawn`. Limit the number of other closures that run at once, or raise \
                      `max_blocking_threads`.";

pub(super) fn look(look: &Look, limits: &BlockingPoolExhausted, out: &mut Vec<Candidate>) {
    let mut pools: BTreeMap<Option<&str>, (Vec<&Task>, Vec<&Task>)> = BTreeMap::new();
    for &task in &look.blocking {
        let (waiting, running) = pools.entry(executor(task)).or_default();
        match task.state() {
            Some(TaskState::Scheduled) => waiting.push(task),
            // A closure that waits for something keeps its thread, too.
            Some(TaskState::Running | TaskState::Idle) => running.push(task),
            _ => {}
        }
    }
    let long_ns = limits.queue_ns;
    for (waiting, mut running) in pools.into_values() {
        // The queue is first in, first out. While its first closure is the same, no closure has started.
        let Some(first) = waiting.iter().min_by_key(|task| (task.since_ns(), task.id)) else { continue };
        if running.is_empty() {
            continue;
        }
        running.sort_by_key(|task| (task.spawned_ns, task.id));
        let long = words::span(long_ns);
        let explanation = vec![
            format!(
                "{} has been the first in the queue for a thread for more than {long}: no thread has become free.",
                words::task_at(look.model, first)
            ),
            threads(look.model, &running),
        ];
        let mut finding = evidence(&ABOUT, first.since_ns());
        finding.tasks.push(first.id);
        let label = look.model.task_label(first.id);
        let title = format!("blocking pool exhausted: {label} waits for a thread, and none becomes free");
        let finding =
            HealthFinding { finding, severity: ABOUT.least(), place: None, title, explanation, advice: ADVICE };
        out.push(Candidate {
            subject: Subject::Task(first.id),
            over: true,
            settle_ns: Some(long_ns),
            frozen: true,
            finding,
        });
    }
}

/// ``2 blocking tasks of the same executor have a thread: task 1 (a) and task 2 (b).``
fn threads(model: &Model, running: &[&Task]) -> String {
    let (tasks, have) = if running.len() == 1 { ("task", "has") } else { ("tasks", "have") };
    let (count, names) = (running.len(), words::labels(model, running));
    format!("{count} blocking {tasks} of the same executor {have} a thread: {names}.")
}
