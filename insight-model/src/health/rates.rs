//! `never_yields`, `spins` and `waker_storm`: what a task does over a window.

use super::finding::{Candidate, HealthFinding, Subject, evidence};
use super::{Look, executor, words};
use crate::Task;
use insight_protocol::{ProblemKind, TaskId, TaskKind, TaskState};
use std::collections::{BTreeMap, BTreeSet};

const NEVER_YIELDS_ADVICE: &str = "Move the computation into `spawn_blocking`, or onto threads of its own. Where it must \
                                   stay, let it yield after each small part, by `yield_now().await`.";
const SPINS_ADVICE: &str = "Let the task wait for what it looks for: a channel, a `Notify`, a timer. A future that is \
                            not ready has its waker kept by what makes it ready, and does not wake itself.";
const WAKER_STORM_ADVICE: &str = "Wake once for many events: put them into a queue, and wake when it was empty. Of a \
                                  future written by hand, look whether it wakes before anything has changed.";

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
struct Counters {
    polls: u64,
    wakes: u64,
    self_wakes: u64,
    running_ns: u64,
    scheduled_ns: u64,
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
    fn delay_ns(self) -> u64 {
        self.scheduled_ns / (self.polls + 1)
    }
}

/// What one task did in a window.
struct Window<'a> {
    task: &'a Task,
    did: Counters,
    length_ns: u64,
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
            let lately = task.seen().is_some_and(|stats| look.for_ns(stats.at_ns()) <= look.thresholds.window_ns);
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
                Some(Window { task, did, length_ns })
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
            let found = [
                other.and_then(|other| never_yields(look, window, other)),
                self.spins(look, window),
                storm(look, window),
            ];
            for candidate in found.into_iter().flatten() {
                verdicts.insert((candidate.finding.finding.kind.clone(), window.task.id), candidate);
            }
        }
        self.verdicts = verdicts;
    }

    /// A task of which nothing else keeps a waker. Of one with parts, such as a `join!` of a sender and its receiver, the one
    /// part wakes the task for the other, and so does a future that a thread runs for what it runs within.
    fn spins(&self, look: &Look, window: &Window) -> Option<Candidate> {
        let Window { task, did, length_ns } = window;
        if self.aided.contains(&task.id) || !matches!(task.kind, TaskKind::Task | TaskKind::Local) {
            return None;
        }
        let polls = did.polls.max(1);
        let rate = per_second(did.polls, *length_ns);
        let own = percent(did.self_wakes, polls).min(100);
        let poll_ns = did.running_ns / polls;
        let thresholds = look.thresholds;
        let over = levels(look, |level| {
            rate >= level(thresholds.spin_polls_per_second).max(1)
            && own >= level(thresholds.spin_self_wakes_percent)
            // Shorter is worse: the lower threshold is the longer time.
            && level(poll_ns) <= thresholds.spin_poll_ns
            // It is never idle: at each time it runs, or has woken itself.
            && percent(did.running_ns.saturating_add(did.scheduled_ns), *length_ns) >= level(thresholds.busy_percent)
        })?;
        let explanation = vec![format!(
            "{} was polled {rate} times a second over {}, each time for {} in the mean, and {own} % of these polls it asked \
         for itself, by waking itself while it was polled.",
            words::task_at(task),
            words::span(*length_ns),
            words::span(poll_ns)
        )];
        let title = format!("spins: {} wakes itself again and again", task.label());
        let texts = (title, explanation);
        Some(candidate(look, window, over, ProblemKind::Spins, texts, (SPINS_ADVICE, "/docs/spins")))
    }
}

/// Whether it is over its thresholds, or else over the lower ones at which it is cleared: `true`, `false` or neither.
fn levels(look: &Look, reached: impl Fn(&dyn Fn(u64) -> u64) -> bool) -> Option<bool> {
    let clear = look.thresholds.clear_percent.min(100);
    if reached(&|threshold| threshold) {
        Some(true)
    } else {
        reached(&|threshold| (u128::from(threshold) * u128::from(clear) / 100) as u64).then_some(false)
    }
}

fn never_yields(look: &Look, window: &Window, other: &Window) -> Option<Candidate> {
    let Window { task, did, length_ns } = window;
    if !matches!(task.kind, TaskKind::Task | TaskKind::Local) {
        return None;
    }
    // The poll that it is in now is one, and a window in which none ended is a worker that is blocked.
    let poll_ns = did.running_ns / (did.polls + 1);
    let busy = percent(did.running_ns, *length_ns);
    let thresholds = look.thresholds;
    let over = levels(look, |level| {
        did.polls > 0
            && busy >= level(thresholds.busy_percent)
            && poll_ns >= level(thresholds.long_poll_ns)
            && other.did.delay_ns() >= level(thresholds.delay_ns)
    })?;
    let explanation = vec![
        format!(
            "{} ran for {busy} % of {}, in polls of {} in the mean.",
            words::task_at(task),
            words::span(*length_ns),
            words::span(poll_ns)
        ),
        format!(
            "Meanwhile {} of the same executor waited {} for a thread before each of its polls.",
            other.task.label(),
            words::span(other.did.delay_ns())
        ),
    ];
    let title = format!("never yields: {} runs nearly all the time, in long polls", task.label());
    Some(candidate(
        look,
        window,
        over,
        ProblemKind::NeverYields,
        (title, explanation),
        (NEVER_YIELDS_ADVICE, "/docs/never-yields"),
    ))
}

fn storm(look: &Look, window: &Window) -> Option<Candidate> {
    let Window { task, did, length_ns } = window;
    let each = did.wakes / did.polls.max(1);
    let rate = per_second(did.wakes, *length_ns);
    let thresholds = look.thresholds;
    let over = levels(look, |level| {
        each >= level(thresholds.wakes_per_poll).max(1) && rate >= level(thresholds.wakes_per_second).max(1)
    })?;
    let mut explanation = vec![format!(
        "{} was woken {rate} times a second over {}, {each} times for each of its polls.",
        words::task_at(task),
        words::span(*length_ns)
    )];
    if let Some(by) = task.counters().and_then(|stats| stats.woken_by) {
        explanation.push(format!("The task that woke it last is {}.", look.model.task_label(by)));
    }
    let title = format!("waker storm: {} is woken far more often than it is polled", task.label());
    let texts = (title, explanation);
    Some(candidate(look, window, over, ProblemKind::WakerStorm, texts, (WAKER_STORM_ADVICE, "/docs/waker-storm")))
}

fn candidate(
    look: &Look,
    window: &Window,
    over: bool,
    kind: ProblemKind,
    (title, explanation): (String, Vec<String>),
    (advice, docs): (&'static str, &'static str),
) -> Candidate {
    let mut finding = evidence(kind, look.now_ns.saturating_sub(window.length_ns));
    finding.tasks.push(window.task.id);
    let finding = HealthFinding { finding, place: None, title, explanation, advice, docs };
    // It has stood for the window.
    Candidate { subject: Subject::Task(window.task.id), over, stands_ns: Some(0), frozen: true, finding }
}

fn percent(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 100 / u128::from(whole.max(1))) as u64
}

fn per_second(count: u64, length_ns: u64) -> u64 {
    (u128::from(count) * 1_000_000_000 / u128::from(length_ns.max(1))) as u64
}
