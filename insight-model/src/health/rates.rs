//! What each task does over a window: the kinds that are about a rate are asked at its end.

use super::finding::{Candidate, HealthFinding, Subject, evidence};
use super::{Look, executor};
use crate::Task;
use crate::problem::{self, About, Question};
use insight_protocol::{ProblemKind, TaskId, TaskKind, TaskState};
use std::collections::{BTreeMap, BTreeSet};

/// How many tasks are followed, those with the lowest ids: more are not busy at a time.
const MOST_FOLLOWED: usize = 20_000;

/// The counters of busy tasks at the begin of a window, and what the last one said.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    began_ns: Option<u64>,
    before: Vec<(TaskId, Counters)>,
    /// Those that something else than themselves could wake, at any look of the window.
    aided: BTreeSet<TaskId>,
    verdicts: BTreeMap<(ProblemKind, TaskId), Candidate>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    pub(crate) polls: u64,
    pub(crate) wakes: u64,
    pub(crate) self_wakes: u64,
    pub(crate) running_ns: u64,
    pub(crate) scheduled_ns: u64,
}

impl Counters {
    fn of(task: &Task, now_ns: u64) -> Option<Counters> {
        let stats = task.counters()?;
        let times = task.times(now_ns)?;
        Some(Counters {
            polls: stats.polls,
            wakes: stats.wakes,
            self_wakes: stats.self_wakes,
            running_ns: times.running_ns,
            scheduled_ns: times.scheduled_ns,
        })
    }

    fn since(self, before: Counters) -> Counters {
        Counters {
            polls: self.polls.saturating_sub(before.polls),
            wakes: self.wakes.saturating_sub(before.wakes),
            self_wakes: self.self_wakes.saturating_sub(before.self_wakes),
            running_ns: self.running_ns.saturating_sub(before.running_ns),
            scheduled_ns: self.scheduled_ns.saturating_sub(before.scheduled_ns),
        }
    }

    /// How long it waited for a thread before a poll, in the mean; the poll that it waits for now is one.
    pub(crate) fn delay_ns(self) -> u64 {
        self.scheduled_ns / (self.polls + 1)
    }
}

/// What one task did in a window.
pub(crate) struct Window<'a> {
    pub(crate) task: &'a Task,
    pub(crate) did: Counters,
    pub(crate) length_ns: u64,
    /// Whether something other than the task could wake it, at some look of the window.
    pub(crate) aided: bool,
}

impl Window<'_> {
    /// A number of events in the window, as a rate a second.
    pub(crate) fn per_second(&self, count: u64) -> u64 {
        (u128::from(count) * 1_000_000_000 / u128::from(self.length_ns.max(1))) as u64
    }

    /// The candidate about this task, which lasts until the end of the next window. `over` comes from [`levels`].
    pub(crate) fn candidate(
        &self,
        look: &Look,
        about: &About,
        over: bool,
        title: String,
        explanation: Vec<String>,
        advice: &'static str,
    ) -> Candidate {
        let mut finding = evidence(about, look.now_ns.saturating_sub(self.length_ns));
        finding.tasks.push(self.task.id);
        let finding = HealthFinding { finding, severity: about.least(), place: None, title, explanation, advice };
        // It has stood for the window.
        Candidate { subject: Subject::Task(self.task.id), over, stands_ns: Some(0), frozen: true, finding }
    }
}

impl Rates {
    pub(super) fn look(&mut self, look: &Look, step_ns: u64, out: &mut Vec<Candidate>) {
        self.aided.extend(&look.aided);
        let length_ns = self.began_ns.map_or(0, |began| look.for_ns(began));
        // In the middle of a window nobody looked: the program may have been stopped.
        let paused = step_ns > look.thresholds.window_ns / 2;
        if self.began_ns.is_none() || paused {
            self.begin(look);
        } else if length_ns >= look.thresholds.window_ns {
            self.judge(look, length_ns);
            self.begin(look);
        }
        let tasks = &look.model.tasks;
        self.verdicts.retain(|(_, id), _| tasks.get(id).is_some_and(|task| task.outcome().is_none()));
        out.extend(self.verdicts.values().cloned());
    }

    fn begin(&mut self, look: &Look) {
        self.began_ns = Some(look.now_ns);
        self.before.clear();
        self.aided.clear();
        for task in look.model.tasks.values() {
            if task.kind == TaskKind::Blocking || task.outcome().is_some() || self.before.len() >= MOST_FOLLOWED {
                continue;
            }
            // What has done nothing for a window is idle; but nothing is told of a task in the middle of a poll either.
            let lately = task.packed().is_some_and(|stats| look.for_ns(stats.at_ns()) <= look.thresholds.window_ns);
            let idle = matches!(task.state(), None | Some(TaskState::Idle));
            if lately || !idle {
                self.before.extend(Counters::of(task, look.now_ns).map(|counters| (task.id, counters)));
            }
        }
    }

    fn judge(&mut self, look: &Look, length_ns: u64) {
        let windows: Vec<Window> = self
            .before
            .iter()
            .filter_map(|(id, before)| {
                let task = look.model.tasks.get(id).filter(|task| task.outcome().is_none())?;
                let did = Counters::of(task, look.now_ns)?.since(*before);
                Some(Window { task, did, length_ns, aided: self.aided.contains(id) })
            })
            .collect();
        // Of each executor the task that waited longest for a thread, and the next, should the first be the one at fault.
        let mut delayed: BTreeMap<Option<&str>, Vec<&Window>> = BTreeMap::new();
        for window in &windows {
            let most = delayed.entry(executor(window.task)).or_default();
            most.push(window);
            most.sort_by_key(|window| (std::cmp::Reverse(window.did.delay_ns()), window.task.id));
            most.truncate(2);
        }
        let mut verdicts = BTreeMap::new();
        for window in &windows {
            let most = delayed.get(&executor(window.task)).into_iter().flatten();
            let other = most.copied().find(|other| other.task.id != window.task.id);
            for about in problem::ALL {
                let Question::Window(question) = about.question else { continue };
                if let Some(candidate) = question(look, window, other) {
                    verdicts.insert((about.kind.clone(), window.task.id), candidate);
                }
            }
        }
        self.verdicts = verdicts;
    }
}

/// Whether it is over its thresholds, or else over the lower ones at which it is cleared: `true`, `false` or neither.
pub(crate) fn levels(look: &Look, reached: impl Fn(&dyn Fn(u64) -> u64) -> bool) -> Option<bool> {
    let clear = look.thresholds.clear_percent.min(100);
    if reached(&|threshold| threshold) {
        Some(true)
    } else {
        reached(&|threshold| (u128::from(threshold) * u128::from(clear) / 100) as u64).then_some(false)
    }
}

pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 100 / u128::from(whole.max(1))) as u64
}
