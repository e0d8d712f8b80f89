//! The confirmation of proven findings: whether other code has a handle that could resolve them.
//!
//! The model proves a finding by facts that cannot be otherwise. Two things are not among its facts: a guard may have left its task
//! through a lock that was leaked, and a join handle that cancels a task may be anywhere. So before a proven finding is published, we
//! send the cancellers of its tasks, and search the program's memory for the words of its guards and join handles. A copy outside of
//! the own futures of stuck tasks refutes. The model then decides again.

mod handles;
#[cfg(test)]
mod tests;

use crate::producer::Producer;
use crate::say;
use crate::search::{Found, FutureRange, Place, Search};
use handles::{Handle, Handles};
use insight_model::{Confirmation, EdgeBody, Finding, Model, Task, Watch};
use insight_probe::Word;
use insight_protocol::{EdgeId, MAX_CANCELLERS, Message, PartyRole, TaskCancellers, TaskId, TaskKind, TaskState, with};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Maximum number of words of one search.
const MOST_WORDS: usize = 1 << 16;

const NOT_ENDED: &str = "other code has a guard or a join handle of these tasks, for which insight still searches";
const UNAVAILABLE: &str =
    "other code has a guard or a join handle of these tasks, for which insight cannot search here";
const NOT_FOUND: &str =
    "A search of the program's memory found no guard of these locks and no join handle of these tasks in other code.";

/// The findings that are being confirmed, and the searches for their handles.
#[derive(Default)]
pub(crate) struct Confirm {
    /// Maximum time for which a finding is held back.
    hold_back: Duration,
    /// `None` until the first search, and if the system allows none.
    search: Option<Box<dyn Search>>,
    unavailable: bool,
    /// Hold nothing back: the stream ends.
    ending: bool,
    findings: BTreeMap<Parts, Candidate>,
    handles: Handles,
    /// The cancellers that were sent, of tasks that live.
    sent: BTreeMap<TaskId, TaskCancellers>,
    running: Option<Running>,
    /// The roots that counted as idle in a search during which they, or tasks that their threads may poll, were polled.
    unsteady: BTreeSet<TaskId>,
    /// The answer about a finding has changed.
    changed: bool,
}

/// The identity of a finding: its tasks and its edges.
type Parts = (Vec<TaskId>, Vec<EdgeId>);

#[derive(Clone, Debug)]
struct Candidate {
    since: Instant,
    state: State,
    /// It is no longer held back.
    late: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Sought,
    /// No handle was found elsewhere.
    Confirmed,
    /// This code can cancel one of the tasks.
    Doubted(String),
}

/// A search that has begun.
#[derive(Debug)]
struct Running {
    words: Vec<(Handle, Word)>,
    /// The tasks that have been stuck since it began.
    stuck: BTreeSet<TaskId>,
    /// The idle roots, with their numbers of polls.
    roots: BTreeMap<TaskId, Option<u64>>,
    /// Its result, and the time at which it was there. A sample after that time shows whether anything has changed meanwhile.
    found: Option<(Found, u64)>,
    /// Recording was turned off meanwhile.
    outdated: bool,
}

impl Confirm {
    pub(crate) fn new(hold_back: Duration) -> Confirm {
        Confirm { hold_back, ..Confirm::default() }
    }

    /// The confirmation of a finding.
    pub(crate) fn answer(&self, finding: &Finding) -> Confirmation {
        let candidate = self.findings.get(&parts(finding));
        if self.unavailable {
            return Confirmation::Suspected { unless: UNAVAILABLE.to_owned() };
        }
        match candidate.map(|it| (&it.state, it.late)) {
            Some((State::Confirmed, _)) => Confirmation::Confirmed { because: Some(NOT_FOUND.to_owned()) },
            Some((State::Doubted(unless), _)) => Confirmation::Suspected { unless: unless.clone() },
            Some((State::Sought, true)) => Confirmation::Suspected { unless: NOT_ENDED.to_owned() },
            Some(_) | None if self.ending => Confirmation::Suspected { unless: NOT_ENDED.to_owned() },
            Some(_) | None => Confirmation::HeldBack { unless: NOT_ENDED.to_owned() },
        }
    }

    /// Whether an answer has changed since the last call.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Holds nothing back from now on.
    pub(crate) fn end(&mut self) {
        (self.ending, self.changed) = (true, true);
    }

    /// Drops all state, because the state of the program is about to be dropped.
    pub(crate) fn forget(&mut self) {
        let running = self.running.take().map(|running| Running { outdated: true, ..running });
        let (search, unavailable) = (self.search.take(), self.unavailable);
        *self = Confirm { search, unavailable, running, ..Confirm::new(self.hold_back) };
    }

    /// Continues after a check of the watch. Appends facts for the model. Another check is needed if there are any, or if an answer has
    /// changed.
    pub(crate) fn step<P: Producer>(
        &mut self,
        model: &Model,
        watch: &Watch,
        producer: &mut P,
        now: Instant,
        out: &mut Vec<Message>,
    ) {
        if self.ending {
            return;
        }
        self.take_found(producer.now_ns(), now);
        if watch.to_confirm().next().is_none() && self.sent.is_empty() {
            self.findings.clear();
            self.handles.clear();
            self.running = self.running.take().filter(|running| running.found.is_none());
            if let Some(running) = &mut self.running {
                running.outdated = true;
            }
            return;
        }
        self.update_findings(watch, now);
        self.evaluate(model, watch, producer, out);
        self.send_cancellers(model, watch, producer, out);
        if !out.is_empty() {
            // The model decides again first.
            return;
        }
        let missing = self.confirm_findings(model, watch, producer);
        if !missing.is_empty() && !self.unavailable {
            self.begin(missing, model, watch, producer, now);
        }
    }

    fn update_findings(&mut self, watch: &Watch, now: Instant) {
        let mut before = std::mem::take(&mut self.findings);
        for finding in watch.to_confirm() {
            let parts = parts(finding);
            let new = Candidate { since: now, state: State::Sought, late: false };
            let mut candidate = before.remove(&parts).unwrap_or(new);
            let late = now.saturating_duration_since(candidate.since) >= self.hold_back;
            self.changed |= late && !candidate.late;
            candidate.late |= late;
            self.findings.insert(parts, candidate);
        }
    }

    /// Takes the result of a search that has ended.
    fn take_found(&mut self, now_ns: u64, now: Instant) {
        let (Some(search), Some(running)) = (&mut self.search, &mut self.running) else { return };
        if running.found.is_none() {
            running.found = search.found(now).map(|found| (found, now_ns));
            if search.is_unavailable() {
                self.set_unavailable();
            }
        }
    }

    fn set_unavailable(&mut self) {
        (self.unavailable, self.changed, self.running) = (true, true, None);
    }

    /// Applies the results of a search, once a sample shows that nothing has changed meanwhile.
    fn evaluate<P: Producer>(&mut self, model: &Model, watch: &Watch, producer: &mut P, out: &mut Vec<Message>) {
        let stuck = watch.stuck();
        self.handles.unstuck(stuck, model);
        let Some(running) = &mut self.running else { return };
        running.stuck.retain(|task| stuck.contains(task));
        let Some((_, found_ns)) = running.found else { return };
        if model.told_ns < found_ns {
            return;
        }
        let Some(Running { words, stuck, roots, found: Some((found, _)), outdated, .. }) = self.running.take() else {
            return;
        };
        let has_dead = found.copies.iter().flat_map(|it| &it.copies).any(|it| matches!(it.place, Place::DeadStack(_)));
        let polled = roots.iter().filter(|(id, polls)| model.tasks.get(id).and_then(|task| task.polls()) != **polls);
        let mut unsteady: Vec<TaskId> = polled.map(|(id, _)| *id).collect();
        // A root's thread may poll other tasks, below the frames of the root. In a long poll, that stack is in use.
        if model.tasks.values().any(|task| is_in_poll_since(task, found_ns)) {
            unsteady = roots.keys().copied().collect();
        }
        if outdated || (has_dead && !unsteady.is_empty()) {
            self.unsteady.extend(unsteady);
            return;
        }
        // Other stuck tasks may make progress by code that is not observed, and would drop a guard.
        let tasks = watch.to_confirm().flat_map(|finding| &finding.tasks).copied();
        let tasks: BTreeSet<TaskId> = tasks.filter(|task| stuck.contains(task)).collect();
        let is_there = |hold: EdgeId| model.edges.get(&hold).is_some_and(|edge| tasks.contains(&edge.task));
        for ((handle, word), copies) in words.into_iter().zip(&found.copies) {
            match handle {
                Handle::Guard(hold) if !is_there(hold) || producer.guard_word(hold) != Some(word) => {}
                Handle::Guard(hold) if copies.refutes(&tasks) => producer.make_transferable(hold, out),
                Handle::Guard(_) | Handle::Join(_) => self.handles.insert(handle, word, copies, &stuck),
            }
        }
    }

    /// Sends the cancellers that have changed.
    fn send_cancellers<P: Producer>(&mut self, model: &Model, watch: &Watch, producer: &P, out: &mut Vec<Message>) {
        self.sent.retain(|id, _| is_alive(model, *id));
        let mut needed: BTreeSet<TaskId> = watch.to_confirm().flat_map(|finding| &finding.tasks).copied().collect();
        let mut left: Vec<TaskId> = needed.iter().copied().collect();
        let mut refreshed: BTreeSet<TaskId> = self.sent.keys().copied().collect();
        while let Some(id) = left.pop() {
            refreshed.remove(&id);
            if !is_alive(model, id) {
                continue;
            }
            let now = self.cancellers(id, model, producer);
            // A task that is stuck itself cancels only when it makes progress, or is cancelled: then it drops its handles.
            let tasks = now.tasks.iter().filter(|task| watch.stuck().contains(task) && needed.insert(**task));
            left.extend(tasks);
            self.send(now, out);
        }
        for id in refreshed {
            let now = self.cancellers(id, model, producer);
            self.send(now, out);
        }
        self.handles.retain(|handle| match handle {
            Handle::Guard(hold) => model.edges.contains_key(hold),
            Handle::Join(task) => model.tasks.contains_key(task),
        });
    }

    fn send(&mut self, now: TaskCancellers, out: &mut Vec<Message>) {
        let before = self.sent.get(&now.id);
        let is_same = |it: &TaskCancellers| it.others == now.others && it.tasks == now.tasks;
        if before.is_none_or(|it| !is_same(it)) && (before.is_some() || now.others || !now.tasks.is_empty()) {
            out.push(now.clone().into());
            self.sent.insert(now.id, now);
        }
    }

    /// The code that can cancel a task, as far as it is known.
    fn cancellers<P: Producer>(&self, id: TaskId, model: &Model, producer: &P) -> TaskCancellers {
        let known = producer.cancellers(id).unwrap_or_default();
        let mut tasks: BTreeSet<TaskId> = known.tasks.iter().copied().collect();
        tasks.extend(self.handles.holders(id));
        let count = tasks.len();
        tasks.retain(|task| is_alive(model, *task));
        // r[cancellers.alive], r[cancellers.bounded]
        let others =
            known.others || self.handles.is_elsewhere(id) || tasks.len() < count || tasks.len() > MAX_CANCELLERS;
        if tasks.len() > MAX_CANCELLERS {
            tasks.clear();
        }
        with!(TaskCancellers::default(), id, tasks = tasks.into_iter().collect(), others, at_ns = model.now_ns)
    }

    /// Confirms the findings whose handles were found nowhere else. Returns the handles that have to be sought.
    fn confirm_findings<P: Producer>(&mut self, model: &Model, watch: &Watch, producer: &P) -> Vec<(Handle, Word)> {
        // The thread that is in a root cannot cancel it.
        let is_root = |task: &TaskId| model.tasks.get(task).is_some_and(|task| task.origin.kind == TaskKind::BlockOn);
        let join = |task: TaskId| (Handle::Join(task), producer.join_word(task));
        let handles = &self.handles;
        let is_unknown = |handle: &(Handle, Word)| !handles.is_known(handle.0, handle.1);
        let mut missing: BTreeMap<Handle, Word> = BTreeMap::new();
        for finding in watch.to_confirm() {
            let tasks = self.with_cancellers(&finding.tasks);
            let state = if let Some(doubt) = tasks.iter().find_map(|task| self.doubt(*task, model, watch)) {
                State::Doubted(doubt)
            } else {
                let guard = |edge: &EdgeId| Some((Handle::Guard(*edge), producer.guard_word(*edge)?));
                let joins = tasks.iter().filter(|task| !is_root(task)).map(|task| join(*task));
                let unknown = finding.edges.iter().filter_map(guard).chain(joins).filter(is_unknown);
                match unknown.map(|(handle, word)| missing.insert(handle, word)).count() {
                    0 => State::Confirmed,
                    _ => State::Sought,
                }
            };
            if let Some(candidate) = self.findings.get_mut(&parts(finding)) {
                self.changed |= state != candidate.state;
                candidate.state = state;
            }
        }
        // Tasks that wait for the ends of these tasks probably have their join handles. One search is enough for those too.
        let joins: Vec<TaskId> = missing.keys().filter_map(Handle::joined).collect();
        let waiting = joins.into_iter().flat_map(|task| joiners(model, task));
        let waiting = waiting.filter(|task| watch.stuck().contains(task) && !is_root(task)).map(join);
        missing.extend(waiting.filter(is_unknown));
        missing.into_iter().take(MOST_WORDS).collect()
    }

    /// These tasks, and those that can cancel one of them, directly or through another one.
    fn with_cancellers(&self, tasks: &[TaskId]) -> BTreeSet<TaskId> {
        let mut all: BTreeSet<TaskId> = tasks.iter().copied().collect();
        let mut left = tasks.to_vec();
        while let Some(sent) = left.pop().map(|id| self.sent.get(&id)) {
            left.extend(sent.into_iter().flat_map(|sent| &sent.tasks).filter(|task| all.insert(**task)));
        }
        all
    }

    /// The code that can cancel a task and makes progress, in words.
    fn doubt(&self, id: TaskId, model: &Model, watch: &Watch) -> Option<String> {
        let sent = self.sent.get(&id)?;
        let task = model.task_label(id);
        if sent.others {
            return Some(format!("other code cancels {task}"));
        }
        let other = sent.tasks.iter().find(|other| !watch.stuck().contains(other))?;
        Some(format!("{} cancels {task} or ends its runtime", model.task_label(*other)))
    }

    fn begin<P: Producer>(
        &mut self,
        words: Vec<(Handle, Word)>,
        model: &Model,
        watch: &Watch,
        producer: &P,
        now: Instant,
    ) {
        let search = match &mut self.search {
            Some(search) => search,
            None => match producer.start_search() {
                Ok(search) => self.search.insert(search),
                Err(error) => {
                    say(&format!(
                        "proven problems are shown as suspected: cannot start a thread for their search: {error}"
                    ));
                    return self.set_unavailable();
                }
            },
        };
        if self.running.is_some() || !search.is_free(now) {
            return;
        }
        let (mut futures, mut roots) = (Vec::new(), BTreeMap::new());
        for task in model.tasks.values() {
            let Some(addresses) = producer.own_future(task.id) else { continue };
            let idle = task.state() == Some(TaskState::Idle) && !self.unsteady.contains(&task.id);
            if idle && task.origin.kind == TaskKind::BlockOn {
                roots.insert(task.id, task.polls());
            }
            futures.push(FutureRange { task: task.id, addresses, idle });
        }
        search.begin(words.iter().map(|(_, word)| *word).collect(), futures);
        self.running = Some(Running { words, stuck: watch.stuck().clone(), roots, found: None, outdated: false });
    }
}

/// The tasks that wait for the end of a task.
fn joiners(model: &Model, task: TaskId) -> impl Iterator<Item = TaskId> + '_ {
    let joined =
        model.edges_of_task(task).filter(|edge| matches!(&edge.body, EdgeBody::Party { role: PartyRole::Joined, .. }));
    let waits = joined.flat_map(|party| model.edges_of_resource(party.resource));
    waits.filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).map(|edge| edge.task)
}

/// Whether a poll of the task had begun before this time and has not ended. A blocking task and a root have threads of their own.
fn is_in_poll_since(task: &Task, time_ns: u64) -> bool {
    let is_polled = matches!(task.origin.kind, TaskKind::Task | TaskKind::Local);
    is_polled && task.state() == Some(TaskState::Running) && task.since_ns() < time_ns
}

fn is_alive(model: &Model, id: TaskId) -> bool {
    model.tasks.get(&id).is_some_and(|task| task.outcome().is_none())
}

fn parts(finding: &Finding) -> Parts {
    (finding.tasks.clone(), finding.edges.clone())
}
