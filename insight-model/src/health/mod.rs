//! What is not stuck and not well either: blocked threads, spinning tasks, leaks, locks that are held for long.
//!
//! Where [`diagnose`](crate::diagnose) asks what can never go on, these are questions of measure, and each has its
//! [`Thresholds`]. The facts are observed as those of a deadlock are; that it is too much is a judgement, which the texts
//! say together with the figure.

mod finding;
mod polls;
mod rates;
pub(crate) mod words;

pub use crate::problem::{OFF, Thresholds, thresholds};
pub use finding::HealthFinding;

pub(crate) use finding::{Candidate, Subject, evidence, suspect};
pub(crate) use polls::{behind, queue};
pub(crate) use rates::{Window, levels, percent};

use crate::problem::{self, Question};
use crate::{Edge, EdgeBody, Model, Task};
use insight_protocol::{Capability, Operation, ProblemKind, TaskId, TaskKind, TaskState};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// How many findings of one kind there are at most: the first ones say what is wrong with the others too.
const MOST_OF_A_KIND: usize = 50;

type Key = (ProblemKind, Subject);

/// What a program's health has been: what was over its threshold and for how long, and the rates of before.
///
/// ```
/// use insight_model::health::{Health, Thresholds};
/// use insight_model::Model;
///
/// let model = Model::default();
/// let mut health = Health::default();
/// // Whenever messages were folded in:
/// assert!(health.check(&model, &Thresholds::default()).is_empty());
/// ```
///
/// It has no clock: time is [`Model::told_ns`], up to when the facts of the model have stood. Each check takes one look at
/// each task and each resource. Its memory is bounded, and does not grow with time.
#[derive(Clone, Debug)]
pub struct Health {
    told_ns: Option<u64>,
    /// What is over its threshold, and how long that has been seen.
    stood: BTreeMap<Key, u64>,
    standing: BTreeMap<Key, HealthFinding>,
    blocked: polls::Blocked,
    rates: rates::Rates,
    memories: Vec<Box<dyn Memory>>,
}

/// The memory of a kind from one check to the next.
pub(crate) trait Memory: Debug + Send + Sync {
    fn look(&mut self, look: &Look, out: &mut Vec<Candidate>);

    fn copy(&self) -> Box<dyn Memory>;
}

impl Clone for Box<dyn Memory> {
    fn clone(&self) -> Box<dyn Memory> {
        (**self).copy()
    }
}

impl Default for Health {
    fn default() -> Health {
        let memory = |about: &&problem::About| match about.question {
            Question::Memory(new) => Some(new()),
            _ => None,
        };
        Health {
            told_ns: None,
            stood: BTreeMap::new(),
            standing: BTreeMap::new(),
            blocked: polls::Blocked::default(),
            rates: rates::Rates::default(),
            memories: problem::ALL.iter().filter_map(memory).collect(),
        }
    }
}

impl Health {
    /// Looks at the model as it is now: the findings that stand, by kind and then by what they are about.
    ///
    /// A finding stands once it was over its threshold for the settle time, and until it is below: for a rate, below a
    /// lower one. Its texts change only with what it names, not with time. A second check of the same model says the same.
    pub fn check(&mut self, model: &Model, thresholds: &Thresholds) -> Vec<HealthFinding> {
        let step_ns = self.told_ns.map_or(0, |last| model.told_ns.saturating_sub(last));
        self.told_ns = Some(model.told_ns);
        let look = Look::new(model, thresholds);
        let counted_ns = step_ns.min(thresholds.settle_ns / 2);
        let mut candidates = Vec::new();
        self.blocked.look(&look, counted_ns, &mut candidates);
        for about in problem::ALL {
            if let Question::Look(question) = about.question {
                question(&look, &mut candidates);
            }
        }
        self.memories.iter_mut().for_each(|memory| memory.look(&look, &mut candidates));
        self.rates.look(&look, step_ns, &mut candidates);
        // Of whose polls it is said that they are too long, it is not said again that they are long.
        let is_of_place = |id: &TaskId| model.tasks.get(id).is_some_and(|task| self.blocked.is_of_place(task));
        candidates.retain(|Candidate { finding, .. }| {
            finding.finding.kind != ProblemKind::NeverYields || !finding.finding.tasks.iter().any(is_of_place)
        });
        self.settle(candidates, counted_ns, thresholds.settle_ns);
        self.standing.values().cloned().collect()
    }

    fn settle(&mut self, candidates: Vec<Candidate>, step_ns: u64, settle_ns: u64) {
        let stood = std::mem::take(&mut self.stood);
        let mut standing = std::mem::take(&mut self.standing);
        let mut of_kind: BTreeMap<ProblemKind, usize> = BTreeMap::new();
        for Candidate { subject, over, stands_ns, frozen, finding } in candidates {
            let kind = finding.finding.kind.clone();
            let key = (kind.clone(), subject);
            let count = of_kind.entry(kind).or_default();
            let before = standing.remove(&key);
            if *count >= MOST_OF_A_KIND {
                continue;
            }
            if let Some(before) = before {
                *count += 1;
                self.standing.insert(key, if frozen { before } else { finding });
            } else if over {
                *count += 1;
                // The first look counts for nothing: it may have been the one after a pause.
                let seen_ns = stood.get(&key).map_or(0, |seen| seen + step_ns);
                if seen_ns >= stands_ns.unwrap_or(settle_ns) {
                    self.standing.insert(key, finding);
                } else {
                    self.stood.insert(key, seen_ns);
                }
            }
        }
    }
}

/// One look at all tasks, for those who look for something in particular.
pub(crate) struct Look<'a> {
    pub(crate) model: &'a Model,
    pub(crate) thresholds: &'a Thresholds,
    /// Up to when everything was told.
    pub(crate) now_ns: u64,
    /// The tasks in a poll that is long, if anything was queued.
    pub(crate) long_polls: Vec<&'a Task>,
    /// Those that could have run for long.
    pub(crate) queued: BTreeMap<Option<&'a str>, Vec<&'a Task>>,
    /// The futures that a thread runs within a task.
    pub(crate) nested: Vec<&'a Task>,
    /// Closures for threads of their own.
    pub(crate) blocking: Vec<&'a Task>,
    pub(crate) large: Vec<&'a Task>,
    /// When the latest poll of each executor began, of those that go on, of tasks that no thread runs by itself.
    pub(crate) latest_poll_ns: BTreeMap<Option<&'a str>, u64>,
    /// The tasks that wake themselves, and that something else may wake too.
    pub(crate) aided: Vec<TaskId>,
}

impl<'a> Look<'a> {
    fn new(model: &'a Model, thresholds: &'a Thresholds) -> Look<'a> {
        let mut look = Look {
            model,
            thresholds,
            now_ns: model.told_ns,
            long_polls: Vec::new(),
            queued: BTreeMap::new(),
            nested: Vec::new(),
            blocking: Vec::new(),
            large: Vec::new(),
            latest_poll_ns: BTreeMap::new(),
            aided: Vec::new(),
        };
        let blind = model.header.as_ref().is_some_and(|it| !it.capabilities.contains(&Capability::ForeignWakers));
        let long_ns = thresholds.worker_blocked.poll_ns.min(thresholds.worker_blocked.alone_ns);
        for task in model.tasks.values() {
            if task.outcome().is_some() || task.partial {
                continue;
            }
            if task.kind == TaskKind::Blocking {
                look.blocking.push(task);
                continue;
            }
            if task.kind == TaskKind::BlockOn && task.parent().is_some() {
                look.nested.push(task);
            }
            if task.future_bytes.is_some_and(|bytes| bytes >= thresholds.large_future.bytes) {
                look.large.push(task);
            }
            let spins = task.packed().filter(|stats| stats.self_wakes() >= thresholds.spins.polls_per_second);
            if spins.is_some_and(|stats| blind || stats.foreign_wakers || waits(model, task)) {
                look.aided.push(task.id);
            }
            if task.state() == Some(TaskState::Running) && task.kind != TaskKind::BlockOn {
                let latest = look.latest_poll_ns.entry(executor(task)).or_default();
                *latest = task.since_ns().max(*latest);
            }
            match task.state() {
                Some(TaskState::Running) if look.for_ns(task.since_ns()) >= long_ns => look.long_polls.push(task),
                Some(TaskState::Scheduled) if look.for_ns(task.since_ns()) >= thresholds.worker_blocked.poll_ns => {
                    look.queued.entry(executor(task)).or_default().push(task);
                }
                _ => {}
            }
        }
        look
    }

    /// How long something that began then has stood.
    pub(crate) fn for_ns(&self, since_ns: u64) -> u64 {
        self.now_ns.saturating_sub(since_ns)
    }
}

/// Whether it waits for something else than time.
fn waits(model: &Model, task: &Task) -> bool {
    let sleeps = |edge: &Edge| matches!(edge.body, EdgeBody::Wait { operation: Operation::Sleep, .. });
    model.edges_of_task(task.id).any(|edge| matches!(edge.body, EdgeBody::Wait { .. }) && !sleeps(edge))
}

pub(crate) fn executor(task: &Task) -> Option<&str> {
    task.executor.as_ref().map(Arc::as_ref)
}
