//! `runtime_blocked`: a poll blocks its thread until a future is ready, and tasks of the same executor wait for a thread.

use super::{About, Severities, Tiers};
use crate::health::{Candidate, HealthFinding, Look, Subject, evidence, queue, suspect, words};
use crate::{Edge, EdgeBody, Task, Waiter};
use insight_protocol::{ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::RuntimeBlocked,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Both,
    says: "The same, of a poll that blocks its thread until a future is ready.",
    symptom: "A task keeps its thread by a `block_on`",
    called: "runtime blocked",
};

const ADVICE: &str = "Await the inner future instead of blocking on it. Where the code around it cannot be async, run that \
                      code in `spawn_blocking`.";

/// Asked before [`worker_blocked`](super::worker_blocked), which has the thresholds. `behind`: the tasks that could have run
/// meanwhile.
pub(crate) fn candidate(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    nested(look, task, behind).or_else(|| foreign_wait(look, task, behind))
}

/// A future that the thread runs to its end within the poll: it was begun in the poll, so the poll cannot go on before.
fn nested(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    let inner = look.nested.iter().find(|inner| {
        let old = look.for_ns(inner.spawned_ns) >= look.limits.poll_ns;
        inner.parent() == Some(task.id) && inner.spawned_ns >= task.since_ns() && old
    })?;
    let waits = look.model.waits_of_task(inner.id);
    let mut sentence = format!("It waits within its poll for {}, which `block_on` runs", inner.label());
    if let Some(location) = &inner.location {
        sentence += &format!(" at {}:{}", location.place.file, location.place.line);
    }
    sentence += &match waits.first() {
        Some(wait) => format!(", and which waits {}.", words::wait(look.model, wait)),
        None => ".".to_owned(),
    };
    let mut finding = evidence(&ABOUT, inner.spawned_ns);
    finding.tasks = vec![task.id, inner.id];
    finding.tasks.sort_unstable();
    finding.edges = waits.iter().map(|wait| wait.id).collect();
    finding.edges.sort_unstable();
    Some(runtime_blocked(look, task, behind, finding, sentence))
}

/// A wait of the task that began in its poll, by a waker that is not the task's: so does an executor of another library
/// that the poll runs, and so does a collection of futures beside which the poll goes on to compute.
fn foreign_wait(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    let unseen = |edge: &&&Edge| {
        matches!(edge.body, EdgeBody::Wait { .. })
            && matches!(edge.waiter(), Waiter { polled: None, granted_ns: None, .. })
            && edge.since_ns >= task.since_ns()
            && look.for_ns(edge.since_ns) >= look.limits.poll_ns
    };
    let waits = look.model.waits_of_task(task.id);
    let wait = waits.iter().find(unseen)?;
    let sentence = format!("In this poll it began to wait {}, by no waker of its own.", words::wait(look.model, wait));
    let mut finding = evidence(&ABOUT, wait.since_ns);
    finding.tasks.push(task.id);
    finding.resources.push(wait.resource);
    finding.edges.push(wait.id);
    suspect(&mut finding, "it is not seen whether the thread blocks at that wait, or runs other code of the same poll");
    if look.model.facts_lost() {
        suspect(&mut finding, "facts were lost on the way: the wait may have ended");
    }
    Some(runtime_blocked(look, task, behind, finding, sentence))
}

fn runtime_blocked(look: &Look, task: &Task, behind: &[&Task], finding: crate::Finding, sentence: String) -> Candidate {
    let long = words::span(look.limits.poll_ns);
    let mut explanation =
        vec![format!("{} is in a poll that has lasted for more than {long}.", words::task_at(task)), sentence];
    explanation.extend(queue(behind, &long));
    let title = format!("runtime blocked: {} blocks its thread until a future is ready, and tasks queue", task.label());
    let severity = ABOUT.least();
    let finding = HealthFinding { finding, severity, place: None, title, explanation, advice: ADVICE };
    Candidate { subject: Subject::Task(task.id), over: true, stands_ns: None, frozen: false, finding }
}
