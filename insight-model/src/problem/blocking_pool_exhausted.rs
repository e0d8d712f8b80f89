//! `blocking_pool_exhausted`: closures wait for a thread, and none is begun.

use super::{About, SECOND, Severities, Tiers};
use crate::Task;
use crate::health::{Candidate, HealthFinding, Look, Subject, evidence, executor, words};
use insight_protocol::{ProblemKind, Severity, TaskState};
use std::collections::BTreeMap;

pub(super) static ABOUT: About = About {
    kind: ProblemKind::BlockingPoolExhausted,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Proven,
    says: "A closure is scheduled for long while others run.",
    symptom: "Closures wait for a thread",
    called: "the blocking pool is exhausted",
};

/// When closures have waited too long for a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingPoolExhausted {
    /// A blocking closure has been the first in the queue for so long, and none was begun. Default: 5 s. tokio begins a
    /// closure at once while it has a thread, and has 512. A small pool that is used as a throttle begins another one whenever
    /// one ends; files and names are looked up by the same pool, and 5 s without is the timeout of many who ask for them.
    pub queue_ns: u64,
}

impl Default for BlockingPoolExhausted {
    fn default() -> BlockingPoolExhausted {
        BlockingPoolExhausted { queue_ns: 5 * SECOND }
    }
}

const ADVICE: &str = "Give closures that last, such as a loop that reads a queue, a thread of their own by \
                      `std::thread::spawn`. Bound how many of the others are begun at once, or raise \
                      `max_blocking_threads`.";

pub(super) fn look(look: &Look, limits: &BlockingPoolExhausted, out: &mut Vec<Candidate>) {
    let mut pools: BTreeMap<Option<&str>, (Vec<&Task>, Vec<&Task>)> = BTreeMap::new();
    for &task in &look.blocking {
        let (waiting, begun) = pools.entry(executor(task)).or_default();
        match task.state() {
            Some(TaskState::Scheduled) => waiting.push(task),
            // One that waits for something blocks its thread as well.
            Some(TaskState::Running | TaskState::Idle) => begun.push(task),
            _ => {}
        }
    }
    let long_ns = limits.queue_ns;
    for (waiting, mut begun) in pools.into_values() {
        // The queue is first in, first out: as long as its first one is the same, none was begun.
        let Some(first) = waiting.iter().min_by_key(|task| (task.since_ns(), task.id)) else { continue };
        if begun.is_empty() {
            continue;
        }
        begun.sort_by_key(|task| (task.spawned_ns, task.id));
        let long = words::span(long_ns);
        let explanation = vec![
            format!(
                "{} has been the first of those that wait for a thread for more than {long}: none has become free.",
                words::task_at(first)
            ),
            format!("Of the same executor, {} blocking tasks have a thread: {}.", begun.len(), words::labels(&begun)),
        ];
        let mut finding = evidence(&ABOUT, first.since_ns());
        finding.tasks.push(first.id);
        let title = format!("blocking pool exhausted: {} is the first of those that wait for a thread", first.label());
        let finding =
            HealthFinding { finding, severity: ABOUT.least(), place: None, title, explanation, advice: ADVICE };
        out.push(Candidate {
            subject: Subject::Task(first.id),
            over: true,
            stands_ns: Some(long_ns),
            frozen: true,
            finding,
        });
    }
}
