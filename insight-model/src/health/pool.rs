//! `blocking_pool_exhausted`: closures wait for a thread, and none is begun.

use super::finding::{Candidate, HealthFinding, Subject, evidence};
use super::{Look, executor, words};
use crate::Task;
use insight_protocol::{ProblemKind, TaskState};
use std::collections::BTreeMap;

const ADVICE: &str = "Give closures that last, such as a loop that reads a queue, a thread of their own by \
                      `std::thread::spawn`. Bound how many of the others are begun at once, or raise \
                      `max_blocking_threads`.";

pub(super) fn look(look: &Look, out: &mut Vec<Candidate>) {
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
    let long_ns = look.thresholds.blocking_queue_ns;
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
        let mut finding = evidence(ProblemKind::BlockingPoolExhausted, first.since_ns());
        finding.tasks.push(first.id);
        let title = format!("blocking pool exhausted: {} is the first of those that wait for a thread", first.label());
        let finding = HealthFinding {
            finding,
            place: None,
            title,
            explanation,
            advice: ADVICE,
            docs: "/docs/blocking-pool-exhausted",
        };
        out.push(Candidate {
            subject: Subject::Task(first.id),
            over: true,
            stands_ns: Some(long_ns),
            frozen: true,
            finding,
        });
    }
}
