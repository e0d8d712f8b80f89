//! `worker_blocked`: a poll lasts, and tasks of the same executor wait for a thread.

use super::{About, OFF, SECOND, Severities, Tiers};
use crate::Task;
use crate::health::{Candidate, HealthFinding, Look, Subject, behind, evidence, queue, words};
use insight_protocol::{ProblemKind, Severity, SourceLocation};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::WorkerBlocked,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Proven,
    says: "A poll lasts, and tasks of the same executor are scheduled meanwhile.",
    symptom: "Tasks wait for a thread while another one keeps it",
    called: "worker blocked",
};

/// When a poll lasts too long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerBlocked {
    /// `worker_blocked`, `runtime_blocked`: a poll that has lasted so long, with a task that could run for as long. Default:
    /// 1 s. What tokio asks of a poll is 100 µs; ten thousand times that is no slow computation that happens to be in the
    /// wrong place, and what is queued has missed every timer and every client's patience.
    pub poll_ns: u64,
    /// A poll that has lasted so long, whether or not anything waits for it. Default: [`OFF`]. Nobody is harmed by it, since
    /// somebody harmed makes it the one above. And a closure in `block_in_place` looks the same on the wire, may last for as
    /// long as it likes, and is what a program does that is right.
    pub alone_ns: u64,
}

impl Default for WorkerBlocked {
    fn default() -> WorkerBlocked {
        WorkerBlocked { poll_ns: SECOND, alone_ns: OFF }
    }
}

const ADVICE: &str = "Move what blocks or computes for long into `spawn_blocking`, or use the async kind of the operation. \
                      A profiler or a debugger shows the line that runs.";

/// The problem of a place, of which `task` is in a long poll now, and these have been.
pub(crate) fn again<'a>(
    look: &Look<'a>,
    place: &SourceLocation,
    task: &Task,
    mut tasks: Vec<&'a Task>,
    since_ns: u64,
) -> HealthFinding {
    let long = words::span(look.limits.poll_ns);
    let at = format!("{}:{}", place.file, place.line);
    tasks.sort_unstable_by_key(|task| task.id);
    let mut explanation = vec![format!(
        "Tasks that are spawned at {at} keep their threads, at once or one after the other, each time in a poll that lasts for \
         more than {long}. It was seen of {}.",
        words::labels(&tasks)
    )];
    explanation.extend(queue(&behind(look, task), &long));
    HealthFinding {
        finding: evidence(&ABOUT, since_ns),
        severity: ABOUT.least(),
        place: Some(place.clone()),
        title: format!(
            "worker blocked: tasks that are spawned at {at} do not return from their polls, and tasks queue"
        ),
        explanation,
        advice: ADVICE,
    }
}

/// The problem of one task. `behind`: the tasks that could have run meanwhile, if any.
pub(crate) fn candidate(look: &Look, task: &Task, behind: &[&Task]) -> Candidate {
    let alone = behind.is_empty();
    let long_ns = if alone { look.limits.alone_ns } else { look.limits.poll_ns };
    let long = words::span(long_ns);
    let mut explanation = vec![format!(
        "{} is in a poll that has lasted for more than {long}: it keeps its thread, and reaches no `.await`.",
        words::task_at(task)
    )];
    explanation.extend(queue(behind, &long));
    let mut finding = evidence(&ABOUT, task.since_ns());
    finding.tasks.push(task.id);
    let title = match alone {
        true => format!("worker blocked: {} has been in one poll for more than {long}", task.label()),
        false => format!("worker blocked: {} does not return from its poll, and tasks queue", task.label()),
    };
    let severity = ABOUT.least();
    let finding = HealthFinding { finding, severity, place: None, title, explanation, advice: ADVICE };
    Candidate { subject: Subject::Task(task.id), over: true, stands_ns: None, frozen: false, finding }
}
