//! `runtime_blocked`: a poll blocks its thread until a future is ready, and tasks of the same executor wait for a thread.

use super::{About, Severities, Tiers};
use crate::health::{Candidate, HealthFinding, Look, Subject, evidence, queue, suspect, words};
use crate::{Edge, EdgeBody, Task, Waiter};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::RuntimeBlocked,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Both,
    says: "As `worker_blocked`, and the poll blocks its thread until a future is ready.",
    symptom: "A task keeps its thread with `block_on`",
    called: "runtime blocked",
};

const ADVICE: &str = "Await the inner future instead of blocking on it. If the code around it cannot be async, run that \
                      code in `spawn_blocking`.";

/// Asked before [`worker_blocked`](super::worker_blocked), which has the thresholds. `behind` are the tasks that could
/// have run during the poll.
pub(crate) fn candidate(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    nested(look, task, behind).or_else(|| foreign_wait(look, task, behind))
}

/// A future that the thread runs to its end within the poll. It began in the poll, so the poll cannot end before it.
fn nested(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    let inner = look.nested.iter().find(|inner| {
        let old = look.for_ns(inner.spawned_ns) >= look.limits.poll_ns;
        inner.parent() == Some(task.id) && inner.spawned_ns >= task.since_ns() && old
    })?;
    let waits = look.model.waits_of_task(inner.id);
    let mut sentence = format!("In this poll `block_on` runs {}", look.model.task_label(inner.id));
    if let Some(location) = &inner.origin.location {
        sentence += &format!(" at {}", location.line());
    }
    sentence += &match words::first_wait(look.model, inner.id) {
        Some(wait) => format!(", which waits {wait}."),
        None => ".".to_owned(),
    };
    let mut finding = evidence(&ABOUT, inner.spawned_ns);
    finding.tasks = vec![task.id, inner.id];
    finding.tasks.sort_unstable();
    finding.edges = waits.iter().map(|wait| wait.id).collect();
    finding.edges.sort_unstable();
    Some(runtime_blocked(look, task, behind, finding, sentence))
}

/// A wait of the task that began in its poll, with a waker that is not the task's. The poll runs an executor of another
/// library, or it polls a collection of futures and then computes.
fn foreign_wait(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    let unobserved = |edge: &&&Edge| {
        matches!(edge.body, EdgeBody::Wait { .. })
            && matches!(edge.waiter(), Waiter { polled: None, granted_ns: None, .. })
            && edge.since_ns >= task.since_ns()
            && look.for_ns(edge.since_ns) >= look.limits.poll_ns
    };
    let waits = look.model.waits_of_task(task.id);
    let wait = waits.iter().find(unobserved)?;
    let sentence =
        format!("In this poll the task began to wait {}, but not with its own waker.", words::wait(look.model, wait));
    let mut finding = evidence(&ABOUT, wait.since_ns);
    finding.tasks.push(task.id);
    finding.resources.push(wait.resource);
    finding.edges.push(wait.id);
    suspect(&mut finding, "the thread may run other code of the poll instead of blocking at that wait");
    if look.model.facts_lost() {
        suspect(&mut finding, "facts were lost: the wait may have ended");
    }
    Some(runtime_blocked(look, task, behind, finding, sentence))
}

fn runtime_blocked(look: &Look, task: &Task, behind: &[&Task], finding: crate::Finding, sentence: String) -> Candidate {
    let long = words::span(look.limits.poll_ns);
    let mut explanation = vec![
        format!("{} is in a poll that has lasted for more than {long}.", words::task_at(look.model, task)),
        sentence,
    ];
    explanation.extend(queue(look.model, behind, &long));
    let label = look.model.task_label(task.id);
    let title = format!("runtime blocked: {label} blocks its thread until a future is ready, and other tasks wait");
    let severity = ABOUT.least();
    let finding = HealthFinding { finding, severity, place: None, title, explanation, advice: ADVICE };
    Candidate { subject: Subject::Task(task.id), over: true, settle_ns: None, frozen: false, finding }
}
