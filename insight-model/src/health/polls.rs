//! Polls that do not return, and the places at which their tasks were spawned.

use super::finding::{Candidate, HealthFinding, Subject};
use super::look::{Look, executor};
use super::queue::behind;
use crate::Task;
use crate::problem::{runtime_blocked, worker_blocked};
use insight_protocol::{SourceLocation, TaskId, TaskKind};
use std::collections::BTreeMap;

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
                known.again = Some(worker_blocked::again(look, place, task, tasks, known.first.1.min(poll.1)));
            }
            let longest = over.entry(place.clone()).or_default();
            *longest = seen_ns.max(*longest);
        }
        self.places.retain(|_, place| look.for_ns(place.seen_ns) <= 2 * look.limits.window_ns);
        for (task, candidate) in polls {
            let place = task.location.as_ref().and_then(|it| self.places.get(&it.place));
            if place.is_none_or(|place| place.again.is_none()) {
                out.push(candidate);
            }
        }
        for (at, place) in &self.places {
            let (subject, seen_ns) = (Subject::Place(at.clone()), over.get(at));
            // It is said of the place from the second look on: what was seen of its poll before counts too.
            let stands_ns = seen_ns.filter(|seen_ns| **seen_ns >= look.limits.settle_ns).map(|_| 0);
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
            let alone = look.for_ns(task.since_ns()) >= look.limits.alone_ns;
            if alone && task.kind != TaskKind::BlockOn {
                out.push(worker_blocked::candidate(look, task, &behind));
            }
            continue;
        }
        match runtime_blocked::candidate(look, task, &behind) {
            Some(blocked) => out.push(blocked),
            None => polls.push((task, worker_blocked::candidate(look, task, &behind))),
        }
    }
}
