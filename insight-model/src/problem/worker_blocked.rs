//! `worker_blocked`: a poll does not return, and tasks of the same executor wait for a thread.

use super::{About, OFF, SECOND, Severities, Tiers};
use crate::Task;
use crate::health::{Candidate, HealthFinding, Look, Subject, behind, evidence, queue, words};
use crate::location::line;
use insight_protocol::{ProblemKind, Severity, SourceLocation};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::WorkerBlocked,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Proven,
    says: "A poll lasts long, and meanwhile tasks of the same executor are scheduled.",
    symptom: "Tasks wait for a thread that another task keeps",
    called: "worker blocked",
};

/// When a poll lasts too long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerBlocked {
    /// `worker_blocked`, `runtime_blocked`: length of a poll during which another task could have run for as long.
    /// Default: 1 s, ten thousand times the length that tokio recommends. A slow computation in the wrong place does
    /// not take that long, and waiting tasks have missed their timers, and their clients' timeouts.
    pub poll_ns: u64,
    /// Length of a poll, even if no task waits for a thread. Default: [`OFF`]. Such a poll harms no other task. A
    /// closure in `block_in_place` looks the same on the wire, is correct, and may last for any time.
    pub alone_ns: u64,
}

impl Default for WorkerBlocked {
    fn default() -> WorkerBlocked {
        WorkerBlocked { poll_ns: SECOND, alone_ns: OFF }
    }
}

const ADVICE: &str = "Move code that blocks or computes for a long time to `spawn_blocking`, or use an async version of the operation. \
                      A profiler or a debugger shows the running line.";

/// The problem of a place. `task` is in a long poll now, and `tasks` have been in one.
pub(crate) fn again<'a>(
    look: &Look<'a>,
    place: &SourceLocation,
    task: &Task,
    mut tasks: Vec<&'a Task>,
    since_ns: u64,
) -> HealthFinding {
    let long = words::span(look.limits.poll_ns);
    let at = line(place);
    tasks.sort_unstable_by_key(|task| task.id);
    let mut explanation = vec![
        format!(
            "Tasks spawned at {at} keep their threads again and again, each time for more than {long} in one poll."
        ),
        format!("This was observed for {}.", words::labels(look.model, &tasks)),
    ];
    explanation.extend(queue(look.model, &behind(look, task), &long));
    HealthFinding {
        finding: evidence(&ABOUT, since_ns),
        severity: ABOUT.least(),
        place: Some(place.clone()),
        title: format!("worker blocked: tasks spawned at {at} do not return from their polls, and other tasks wait"),
        explanation,
        advice: ADVICE,
    }
}

/// The problem of one task. `behind` are the tasks that could have run during the poll, if any.
pub(crate) fn candidate(look: &Look, task: &Task, behind: &[&Task]) -> Candidate {
    let alone = behind.is_empty();
    let long_ns = if alone { look.limits.alone_ns } else { look.limits.poll_ns };
    let long = words::span(long_ns);
    let mut explanation = vec![format!(
        "{} is in a poll that has lasted for more than {long}: it keeps its thread, and reaches no `.await`.",
        words::task_at(look.model, task)
    )];
    explanation.extend(queue(look.model, behind, &long));
    let mut finding = evidence(&ABOUT, task.since_ns());
    finding.tasks.push(task.id);
    let label = look.model.task_label(task.id);
    let title = match alone {
        true => format!("worker blocked: {label} has been in one poll for more than {long}"),
        false => format!("worker blocked: {label} does not return from its poll, and other tasks wait"),
    };
    let severity = ABOUT.least();
    let finding = HealthFinding { finding, severity, place: None, title, explanation, advice: ADVICE };
    Candidate { subject: Subject::Task(task.id), over: true, settle_ns: None, frozen: false, finding }
}
