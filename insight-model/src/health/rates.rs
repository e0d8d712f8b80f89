//! The activity of each task in a window. At its end, we ask the kinds that depend on a rate.

use super::finding::Candidate;
use super::look::{Look, executor};
use super::window::{Counters, Window};
use crate::problem::{KINDS, Question, Thresholds};
use insight_protocol::{ProblemKind, TaskId, TaskKind, TaskState};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of tasks that are measured in a window. Those with the lowest ids come first.
const MOST_FOLLOWED: usize = 20_000;

/// The counters of busy tasks at the begin of a window, and the candidates of the last window.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    began_ns: Option<u64>,
    before: Vec<(TaskId, Counters)>,
    /// The tasks that something else could wake, at any look of the window.
    aided: BTreeSet<TaskId>,
    verdicts: BTreeMap<(ProblemKind, TaskId), Candidate>,
}

impl Rates {
    pub(super) fn look(&mut self, look: &Look, thresholds: &Thresholds, step_ns: u64, out: &mut Vec<Candidate>) {
        self.aided.extend(&look.aided);
        let length_ns = self.began_ns.map_or(0, |began| look.for_ns(began));
        // There was no look for half a window, so the program may have been stopped.
        let paused = step_ns > look.limits.window_ns / 2;
        if self.began_ns.is_none() || paused {
            self.begin(look);
        } else if length_ns >= look.limits.window_ns {
            self.judge(look, thresholds, length_ns);
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
            if task.origin.kind == TaskKind::Blocking || task.outcome().is_some() || self.before.len() >= MOST_FOLLOWED
            {
                continue;
            }
            // A task without news for a window is idle, unless it is in a poll.
            let lately = task.packed().is_some_and(|stats| look.for_ns(stats.at_ns()) <= look.limits.window_ns);
            let idle = matches!(task.state(), None | Some(TaskState::Idle));
            if lately || !idle {
                self.before.extend(Counters::of(task, look.now_ns).map(|counters| (task.id, counters)));
            }
        }
    }

    fn judge(&mut self, look: &Look, thresholds: &Thresholds, length_ns: u64) {
        let windows: Vec<Window> = self
            .before
            .iter()
            .filter_map(|(id, before)| {
                let task = look.model.tasks.get(id).filter(|task| task.outcome().is_none())?;
                let did = Counters::of(task, look.now_ns)?.since(*before);
                Some(Window { task, did, length_ns, aided: self.aided.contains(id) })
            })
            .collect();
        // For each executor, the task that waited longest for a thread, and the second one in case the first is at
        // fault.
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
            for kind in KINDS {
                let Question::Window(question) = kind.question else { continue };
                if let Some(candidate) = question(look, thresholds, window, other) {
                    verdicts.insert((kind.about.kind.clone(), window.task.id), candidate);
                }
            }
        }
        self.verdicts = verdicts;
    }
}
