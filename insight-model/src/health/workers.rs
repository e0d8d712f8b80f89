//! `worker_blocked` and `runtime_blocked`: a poll that does not return.

use super::finding::{Candidate, HealthFinding, Subject, evidence, suspect};
use super::{Look, executor, words};
use crate::{Edge, EdgeBody, Task, Waiter};
use insight_protocol::{ProblemKind, SourceLocation, TaskId, TaskKind};
use std::collections::BTreeMap;

const WORKER_ADVICE: &str = "Move what blocks or computes for long into `spawn_blocking`, or use the async kind of the \
                             operation. A profiler or a debugger shows the line that runs.";
const RUNTIME_ADVICE: &str = "Await the inner future instead of blocking on it. Where the code around it cannot be \
                              async, run that code in `spawn_blocking`.";

/// How many places are remembered.
const MOST_PLACES: usize = 1_000;

/// Where tasks were spawned that blocked a worker lately.
///
/// A poll that blocks ends, and the task that is behind it is often of the same kind, and blocks the worker in its turn. By
/// the task of the moment that is one problem after the other, each of them over before it is read. So it is a problem of
/// that task only as long as one poll is all that was seen; of several at once, or of one after the other, the place is to
/// blame at which these tasks are spawned, and it stands until none of them has blocked a worker for two windows: what
/// comes back once a minute is said each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocked {
    places: BTreeMap<SourceLocation, Place>,
    /// The polls that the last look found: when they were found first, since one look alone may be the one after a pause,
    /// and for how long they have been seen.
    seen: BTreeMap<Poll, (u64, u64)>,
}

/// Of which task, and since when.
type Poll = (TaskId, u64);

#[derive(Clone, Debug)]
struct Place {
    first: Poll,
    /// Another one was seen: the problem of the place, as of when that was.
    again: Option<HealthFinding>,
    seen_ns: u64,
}

impl Blocked {
    /// `step_ns` is the time since the last look, of which no more counts than of any other finding.
    pub(super) fn look(&mut self, look: &Look, step_ns: u64, out: &mut Vec<Candidate>) {
        let mut polls = Vec::new();
        long_polls(look, &mut polls, out);
        // For how long the polls have been seen that are too long now.
        let mut over: BTreeMap<SourceLocation, u64> = BTreeMap::new();
        let last = std::mem::take(&mut self.seen);
        for &(task, _) in &polls {
            let Some(place) = task.location.as_ref().map(|it| &it.place) else { continue };
            let poll = (task.id, task.since_ns());
            let (since_ns, seen_ns) =
                last.get(&poll).map_or((look.now_ns, 0), |(since_ns, seen_ns)| (*since_ns, seen_ns + step_ns));
            self.seen.insert(poll, (since_ns, seen_ns));
            if since_ns == look.now_ns || (self.places.len() >= MOST_PLACES && !self.places.contains_key(place)) {
                continue;
            }
            let new = || Place { first: poll, again: None, seen_ns: look.now_ns };
            let known = self.places.entry(place.clone()).or_insert_with(new);
            known.seen_ns = look.now_ns;
            if known.again.is_none() && known.first != poll {
                let of_place = |it: &&Task| it.location.as_ref().is_some_and(|it| it.place == *place);
                let mut tasks: Vec<&Task> = polls.iter().map(|(task, _)| *task).filter(of_place).collect();
                tasks.extend(
                    look.model.tasks.get(&known.first.0).filter(|first| tasks.iter().all(|it| it.id != first.id)),
                );
                known.again = Some(again(look, place, task, tasks, known.first.1.min(poll.1)));
            }
            let longest = over.entry(place.clone()).or_default();
            *longest = seen_ns.max(*longest);
        }
        self.places.retain(|_, place| look.for_ns(place.seen_ns) <= 2 * look.thresholds.window_ns);
        for (task, candidate) in polls {
            let place = task.location.as_ref().and_then(|it| self.places.get(&it.place));
            if place.is_none_or(|place| place.again.is_none()) {
                out.push(candidate);
            }
        }
        for (at, place) in &self.places {
            let (subject, seen_ns) = (Subject::Place(at.clone()), over.get(at));
            // It is said of the place from the second look on: what was seen of its poll before counts too.
            let stands_ns = seen_ns.filter(|seen_ns| **seen_ns >= look.thresholds.settle_ns).map(|_| 0);
            let candidate = |finding| Candidate { subject, over: seen_ns.is_some(), stands_ns, frozen: true, finding };
            out.extend(place.again.clone().map(candidate));
        }
    }

    /// Whether tasks that are spawned there block workers again and again: what else is said of their polls is the same.
    pub(super) fn is_of_place(&self, task: &Task) -> bool {
        let place = task.location.as_ref().and_then(|it| self.places.get(&it.place));
        place.is_some_and(|place| place.again.is_some())
    }
}

/// The problem of a place, of which `task` is in a long poll now, and these have been.
fn again<'a>(
    look: &Look<'a>,
    place: &SourceLocation,
    task: &Task,
    mut tasks: Vec<&'a Task>,
    since_ns: u64,
) -> HealthFinding {
    let long = words::span(look.thresholds.worker_blocked_ns);
    let at = format!("{}:{}", place.file, place.line);
    tasks.sort_unstable_by_key(|task| task.id);
    let mut explanation = vec![format!(
        "Tasks that are spawned at {at} keep their threads, at once or one after the other, each time in a poll that lasts for \
         more than {long}. It was seen of {}.",
        words::labels(&tasks)
    )];
    explanation.extend(queue(&behind(look, task), &long));
    HealthFinding {
        finding: evidence(ProblemKind::WorkerBlocked, since_ns),
        place: Some(place.clone()),
        title: format!(
            "worker blocked: tasks that are spawned at {at} do not return from their polls, and tasks queue"
        ),
        explanation,
        advice: WORKER_ADVICE,
        docs: "/docs/worker-blocked",
    }
}

/// The tasks that do not return from their polls while others queue, to `polls`; what else is found, to `out`.
fn long_polls<'a>(look: &Look<'a>, polls: &mut Vec<(&'a Task, Candidate)>, out: &mut Vec<Candidate>) {
    for &task in &look.long_polls {
        // Within the poll of a future that a thread runs, others may be polled: those of a set of local tasks, or of an
        // executor that is a future itself. Then it is one of them that blocks, or there are only many.
        let latest = look.latest_poll_ns.get(&executor(task));
        if task.kind == TaskKind::BlockOn && latest.is_some_and(|latest| *latest >= task.since_ns()) {
            continue;
        }
        let behind = behind(look, task);
        if behind.is_empty() {
            // A thread that runs its own future blocks nobody: an async `main` may compute.
            let alone = look.for_ns(task.since_ns()) >= look.thresholds.worker_blocked_alone_ns;
            if alone && task.kind != TaskKind::BlockOn {
                out.push(worker_blocked(look, task, &behind));
            }
            continue;
        }
        match nested(look, task, &behind).or_else(|| foreign_wait(look, task, &behind)) {
            Some(blocked) => out.push(blocked),
            None => polls.push((task, worker_blocked(look, task, &behind))),
        }
    }
}

/// The tasks of the same executor that could have run for as long as the threshold while `task` was in its poll; those
/// first that have waited longest.
///
/// What was scheduled long before the poll began waits for something else: a runtime that nobody runs, a set of local
/// tasks that is not polled.
fn behind<'a>(look: &Look<'a>, task: &Task) -> Vec<&'a Task> {
    let long_ns = look.thresholds.worker_blocked_ns;
    let began_ns = task.since_ns();
    if look.for_ns(began_ns) < long_ns {
        return Vec::new();
    }
    let queued = look.queued.get(&executor(task)).into_iter().flatten().copied();
    let mut behind: Vec<&Task> = queued.filter(|other| other.since_ns().saturating_add(long_ns) >= began_ns).collect();
    behind.sort_by_key(|other| (other.since_ns(), other.id));
    behind
}

fn worker_blocked(look: &Look, task: &Task, behind: &[&Task]) -> Candidate {
    let alone = behind.is_empty();
    let thresholds = look.thresholds;
    let long_ns = if alone { thresholds.worker_blocked_alone_ns } else { thresholds.worker_blocked_ns };
    let long = words::span(long_ns);
    let mut explanation = vec![format!(
        "{} is in a poll that has lasted for more than {long}: it keeps its thread, and reaches no `.await`.",
        words::task_at(task)
    )];
    explanation.extend(queue(behind, &long));
    let mut finding = evidence(ProblemKind::WorkerBlocked, task.since_ns());
    finding.tasks.push(task.id);
    let title = match alone {
        true => format!("worker blocked: {} has been in one poll for more than {long}", task.label()),
        false => format!("worker blocked: {} does not return from its poll, and tasks queue", task.label()),
    };
    let finding =
        HealthFinding { finding, place: None, title, explanation, advice: WORKER_ADVICE, docs: "/docs/worker-blocked" };
    Candidate { subject: Subject::Task(task.id), over: true, stands_ns: None, frozen: false, finding }
}

fn queue(behind: &[&Task], long: &str) -> Option<String> {
    let (have, they) = if behind.len() == 1 { ("has", "was") } else { ("have", "were") };
    let names = words::labels(behind);
    (!behind.is_empty())
        .then(|| format!("Meanwhile {names} of the same executor {have} waited for a thread for more than {long}, and {they} not polled."))
}

/// A future that the thread runs to its end within the poll: it was begun in the poll, so the poll cannot go on before.
fn nested(look: &Look, task: &Task, behind: &[&Task]) -> Option<Candidate> {
    let inner = look.nested.iter().find(|inner| {
        let old = look.for_ns(inner.spawned_ns) >= look.thresholds.worker_blocked_ns;
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
    let mut finding = evidence(ProblemKind::RuntimeBlocked, inner.spawned_ns);
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
            && look.for_ns(edge.since_ns) >= look.thresholds.worker_blocked_ns
    };
    let waits = look.model.waits_of_task(task.id);
    let wait = waits.iter().find(unseen)?;
    let sentence = format!("In this poll it began to wait {}, by no waker of its own.", words::wait(look.model, wait));
    let mut finding = evidence(ProblemKind::RuntimeBlocked, wait.since_ns);
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
    let long = words::span(look.thresholds.worker_blocked_ns);
    let mut explanation =
        vec![format!("{} is in a poll that has lasted for more than {long}.", words::task_at(task)), sentence];
    explanation.extend(queue(behind, &long));
    let title = format!("runtime blocked: {} blocks its thread until a future is ready, and tasks queue", task.label());
    let finding = HealthFinding {
        finding,
        place: None,
        title,
        explanation,
        advice: RUNTIME_ADVICE,
        docs: "/docs/runtime-blocked",
    };
    Candidate { subject: Subject::Task(task.id), over: true, stands_ns: None, frozen: false, finding }
}
