//! Polls that do not return, and the spawn locations of their tasks.

use super::finding::{Candidate, HealthFinding, Subject};
use super::look::{Look, executor};
use super::queue::behind;
use crate::Task;
use crate::problem::{runtime_blocked, worker_blocked};
use insight_protocol::{SourceLocation, TaskId, TaskKind};
use std::collections::BTreeMap;

/// Maximum number of places in memory.
const MOST_PLACES: usize = 1_000;

/// The places whose tasks have blocked a worker lately.
///
/// When a poll that blocks a worker ends, the next task is often from the same place and blocks the worker too. One
/// problem for each task would end before a user can read it. So a problem names the task only while a single poll was
/// observed. When a second poll of the same place blocks a worker, the problem names the place. It stays open until no
/// task of the place has blocked a worker for two windows.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocked {
    places: BTreeMap<SourceLocation, Place>,
    /// The long polls of the last look: the time of the look that found each first, and the time for which it was
    /// observed. One look alone is not enough, since a pause may have come before it.
    seen: BTreeMap<Poll, (u64, u64)>,
}

/// A task, and the begin of its poll.
type Poll = (TaskId, u64);

#[derive(Clone, Debug)]
struct Place {
    first: Poll,
    /// The problem of the place, since the second poll was observed.
    again: Option<HealthFinding>,
    seen_ns: u64,
}

impl Blocked {
    /// `step_ns` is the time since the last look, with the limit that applies to all findings.
    pub(super) fn look(&mut self, look: &Look, step_ns: u64, out: &mut Vec<Candidate>) {
        let mut polls = Vec::new();
        long_polls(look, &mut polls, out);
        // For each place, the longest time for which one of its present polls was observed.
        let mut over: BTreeMap<SourceLocation, u64> = BTreeMap::new();
        let last = std::mem::take(&mut self.seen);
        for &(task, _) in &polls {
            let Some(place) = task.origin.location.as_ref().map(|it| &it.place) else { continue };
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
                let of_place = |it: &&Task| it.origin.location.as_ref().is_some_and(|it| it.place == *place);
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
            let place = task.origin.location.as_ref().and_then(|it| self.places.get(&it.place));
            if place.is_none_or(|place| place.again.is_none()) {
                out.push(candidate);
            }
        }
        for (at, place) in &self.places {
            let (subject, seen_ns) = (Subject::Place(at.clone()), over.get(at));
            // The time for which a poll was observed before the place had a problem counts, too.
            let settle_ns = seen_ns.filter(|seen_ns| **seen_ns >= look.limits.settle_ns).map(|_| 0);
            let candidate = |finding| Candidate { subject, over: seen_ns.is_some(), settle_ns, frozen: true, finding };
            out.extend(place.again.clone().map(candidate));
        }
    }

    /// Whether the place of this task has a problem, so a problem about its polls would repeat it.
    pub(super) fn is_of_place(&self, task: &Task) -> bool {
        let place = task.origin.location.as_ref().and_then(|it| self.places.get(&it.place));
        place.is_some_and(|place| place.again.is_some())
    }
}

/// Appends tasks that do not return from their polls while others wait for a thread to `polls`, and other candidates to
/// `out`.
fn long_polls<'a>(look: &Look<'a>, polls: &mut Vec<(&'a Task, Candidate)>, out: &mut Vec<Candidate>) {
    for &task in &look.long_polls {
        // The poll of a future that a thread runs may poll other tasks: those of a local set, or of an executor that is
        // itself a future. Then one of these tasks blocks, or there are only many of them.
        let latest = look.latest_poll_ns.get(&executor(task));
        if task.origin.kind == TaskKind::BlockOn && latest.is_some_and(|latest| *latest >= task.since_ns()) {
            continue;
        }
        let behind = behind(look, task);
        if behind.is_empty() {
            // A thread that runs its own future blocks no other task: an async `main` may compute.
            let alone = look.for_ns(task.since_ns()) >= look.limits.alone_ns;
            if alone && task.origin.kind != TaskKind::BlockOn {
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
