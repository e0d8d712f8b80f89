//! `task_leak`: more and more tasks are spawned at some place in the source, and do not end.

use super::{About, OFF, SECOND, Severities, Tiers};
use crate::health::{Candidate, HealthFinding, Look, Memory, Subject, evidence, suspect, words};
use crate::location::line;
use insight_protocol::{ProblemKind, Severity, SourceLocation};
use std::collections::{BTreeMap, VecDeque};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::TaskLeak,
    severities: Severities::Always(Severity::Degraded),
    tiers: Tiers::Suspected,
    says: "More and more tasks are spawned at one place and do not end.",
    symptom: "Memory grows",
    called: "more and more tasks do not end",
};

/// When the tasks of one place become too many.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskLeak {
    /// Time for which the number of tasks must have grown. Default: 5 min. The start of a program is over by then, and
    /// usually also a rush of clients.
    pub window_ns: u64,
    /// Number of additional tasks. Default: 1,000. The number must also have doubled, since a few hundred more
    /// connections are usual during a day. [`OFF`]: tasks are not counted.
    pub tasks: u64,
}

impl Default for TaskLeak {
    fn default() -> TaskLeak {
        TaskLeak { window_ns: 300 * SECOND, tasks: 1_000 }
    }
}

const ADVICE: &str = "End the waits of these tasks, with a timeout or by dropping the other end, or abort tasks that are \
                      no longer needed. If there is only too much work at a time, limit the number of spawned tasks.";

/// Number of parts of the window. The lowest count of each part is kept, and must grow from part to part.
const PARTS: usize = 10;
/// Number of counts in one part. If looks are rarer, there are fewer, but at least one.
const LOOKS: u32 = 5;

/// Maximum number of places in memory.
const MOST_PLACES: usize = 10_000;
/// A place with fewer live tasks is not counted.
const LEAST_TASKS: u64 = 16;

#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    places: BTreeMap<SourceLocation, Counts>,
    next_ns: u64,
    /// The time of the first look in the present part.
    part_ns: u64,
    looks: u32,
}

/// The number of live tasks that were spawned at one place.
#[derive(Clone, Debug, Default)]
struct Counts {
    /// The lowest counts of the last parts, in order. One more than [`PARTS`], since growth is between two parts.
    parts: VecDeque<u64>,
    /// The count at which the present growth began.
    base: u64,
    /// The lowest count of the present part so far.
    lowest: Option<u64>,
    since_ns: u64,
    now: u64,
}

impl Memory for Kept {
    type Limits = TaskLeak;

    fn look(&mut self, look: &Look, limits: &TaskLeak, out: &mut Vec<Candidate>) {
        if limits.tasks == OFF {
            return;
        }
        if look.now_ns >= self.next_ns {
            self.count(look, limits);
            self.next_ns = look.now_ns.saturating_add(limits.window_ns / (PARTS as u64 * u64::from(LOOKS)));
        }
        for (at, counts) in &self.places {
            if let Some(verdict) = counts.verdict(look, limits) {
                out.push(candidate(look, limits, at, counts, verdict));
            }
        }
    }
}

impl Kept {
    fn count(&mut self, look: &Look, limits: &TaskLeak) {
        let mut live: BTreeMap<&SourceLocation, u64> = BTreeMap::new();
        for task in look.model.tasks.values().filter(|task| task.outcome().is_none() && !task.origin.partial) {
            if let Some(location) = &task.origin.location {
                *live.entry(&location.place).or_default() += 1;
            }
        }
        live.retain(|_, count| *count >= LEAST_TASKS);
        self.places.retain(|at, _| live.contains_key(at));
        if self.looks == 0 {
            self.part_ns = look.now_ns;
        }
        self.looks += 1;
        let part_length_ns = look.now_ns.saturating_sub(self.part_ns);
        let part_over = self.looks >= LOOKS || part_length_ns >= limits.window_ns / PARTS as u64;
        if part_over {
            self.looks = 0;
        }
        for (at, count) in live {
            if !self.places.contains_key(at) {
                if self.places.len() >= MOST_PLACES {
                    continue;
                }
                self.places.insert(at.clone(), Counts { since_ns: look.now_ns, ..Counts::default() });
            }
            let Some(counts) = self.places.get_mut(at) else { continue };
            counts.now = count;
            let lowest = counts.lowest.map_or(count, |lowest| lowest.min(count));
            counts.lowest = Some(lowest);
            if part_over {
                counts.lowest = None;
                if counts.parts.back().is_none_or(|before| lowest <= *before) {
                    counts.base = lowest;
                }
                counts.parts.push_back(lowest);
                if counts.parts.len() > PARTS + 1 {
                    counts.parts.pop_front();
                }
            }
        }
    }
}

impl Counts {
    /// `None` if it is no problem. Otherwise whether it is above the thresholds, and the counts at the begin and at the
    /// end of the window. Below the thresholds, an open problem stays open.
    fn verdict(&self, look: &Look, limits: &TaskLeak) -> Option<(bool, u64, u64)> {
        let (&first, &last) = (self.parts.front()?, self.parts.back()?);
        if self.parts.len() <= PARTS {
            return None;
        }
        let growth = last.saturating_sub(first);
        let grows = self.parts.iter().zip(self.parts.iter().skip(1)).all(|(before, after)| before < after);
        let over = grows && growth >= limits.tasks && last >= self.base.saturating_mul(2);
        // It ends when tasks have ended, or when no task was added for a whole window.
        let highest = self.parts.iter().copied().max().unwrap_or(0);
        let lower = highest.saturating_mul(look.limits.clear_percent.min(100)) / 100;
        let stays = growth > 0 && self.now >= lower && last >= lower && last >= limits.tasks / 2;
        stays.then_some((over, first, last))
    }
}

/// `verdict` is the result of [`Counts::verdict`].
fn candidate(
    look: &Look,
    limits: &TaskLeak,
    at: &SourceLocation,
    counts: &Counts,
    verdict: (bool, u64, u64),
) -> Candidate {
    let (over, first, last) = verdict;
    let place = line(at);
    let window = words::span(limits.window_ns);
    let mut explanation = vec![format!(
        "The number of live tasks spawned at {place} has grown from {first} to {last} in {window}, without a break."
    )];
    if over {
        let of_place = |place: &&crate::Task| place.origin.location.as_ref().is_some_and(|it| it.place == *at);
        if let Some(oldest) = look.model.tasks.values().filter(of_place).min_by_key(|task| (task.spawned_ns, task.id)) {
            let (label, wait) = (look.model.task_label(oldest.id), words::first_wait(look.model, oldest.id));
            explanation.push(match wait {
                Some(wait) => format!("The oldest of them is {label}, which waits {wait}."),
                None => format!("The oldest of them is {label}."),
            });
        }
    }
    let mut finding = evidence(&ABOUT, counts.since_ns);
    suspect(&mut finding, "these tasks may end later: perhaps only the program's load grows");
    let title = format!("task leak: more and more tasks are spawned at {place} and do not end");
    let (severity, place) = (ABOUT.least(), Some(at.clone()));
    let finding = HealthFinding { finding, severity, place, title, explanation, advice: ADVICE };
    // The window is its settle time.
    Candidate { subject: Subject::Place(at.clone()), over, settle_ns: Some(0), frozen: true, finding }
}
