//! The recorder's part: the choice of the tasks to capture.

use super::Capturable;
use super::budget::Budget;
use super::fresh::Fresh;
use super::made::Made;
use super::worker::{Batch, Worker};
use insight_model::{BeforeCapture, EdgeBody, Model, Release};
use insight_protocol::{SourceLocation, TaskId, TaskKind, TaskState};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Maximum number of tasks captured together.
const BATCH: usize = 8;
/// Maximum number of tasks considered at one tick.
const CONSIDERED: usize = 500;
/// Number of tasks with known awaits above which only tasks with a problem are captured: each takes one or two kilobytes.
const MOST_KEPT: usize = 10_000;
/// Time for which a task waits before it is captured, unless it has a problem.
const SETTLED: Duration = Duration::from_secs(1);
/// Minimum time between two captures of tasks with the same spawn location and equal waits.
const GROUP: Duration = Duration::from_secs(1);
/// Minimum time between two passes over all tasks.
const ROUND: Duration = Duration::from_secs(1);
/// Minimum time between two choices.
const CHOICE: Duration = Duration::from_millis(50);
/// Time within which the wake of an event comes that was there during the poll. A program may wake its tasks after other work, such as
/// writing to a disk.
const CONFIRMED: Duration = Duration::from_secs(2);
/// Time for which no task of a group is captured whose polls take long: such a poll holds up the other tasks of its thread.
const SLOW: Duration = Duration::from_secs(300);
/// Number of tasks of one spawn location whose executor was busy when they were asked, above which no other task of the location
/// is asked: it would have to wait, too.
const MOST_LATE: usize = 8;
/// Time for which the facts of a resource show that a wait could end, until the task of the wait is captured.
const READY: Duration = Duration::from_secs(1);

/// A task that made progress or panicked only because a capture polled it: nothing had woken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Released {
    /// The task before.
    pub(crate) before: BeforeCapture,
    pub(crate) release: Release,
    pub(crate) at_ns: u64,
}

/// The wait of a task, from one of its polls to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    polls: u64,
    /// A hash of its waits.
    edges: u64,
}

/// A task that was asked for a poll, and has not answered.
struct Asked<T> {
    task: Arc<T>,
    before: BeforeCapture,
    /// For [`READY`], the facts of its resource showed that its wait could end.
    ready: bool,
}

/// A released task that a wake may still explain.
struct Unconfirmed<T> {
    released: Released,
    task: Arc<T>,
    /// Its number of wakes in that poll.
    wakes: u64,
    found: Instant,
}

/// The captures of the program's tasks.
pub(crate) struct Captures<T> {
    worker: Worker<T>,
    budget: Budget,
    /// The tasks of the batch, and those of earlier batches whose executors have not polled them yet.
    asked: HashMap<TaskId, Asked<T>>,
    /// Number of the latter, by their spawn location.
    late: HashMap<Option<SourceLocation>, usize>,
    /// The tasks that are still to be considered in this pass.
    round: std::vec::IntoIter<TaskId>,
    next_round: Instant,
    fresh: Fresh,
    next_choice: Instant,
    /// The last captured wait of each task.
    captured: HashMap<TaskId, Wait>,
    /// The time of each group's last capture.
    groups: HashMap<u64, Instant>,
    files: Arc<BTreeSet<String>>,
    /// Number of locations when `files` was made.
    locations: usize,
    /// The tasks with a wait that could end, and the time at which that was found.
    ready: HashMap<TaskId, (Wait, Instant)>,
    /// The spawn locations of tasks whose polls take long, and the time at which that was found.
    slow: HashMap<SourceLocation, Instant>,
    unconfirmed: Vec<Unconfirmed<T>>,
    released: Vec<Released>,
}

/// The recorder's facts for a choice.
pub(crate) struct Choice<'a> {
    pub(crate) model: &'a Model,
    /// The tasks of open problems.
    pub(crate) of_problems: Vec<TaskId>,
    /// The tasks whose foreign wakers alone hide a problem. Each needs a capture of its own.
    pub(crate) doubted: Vec<TaskId>,
    /// Tasks without a problem are captured, too.
    pub(crate) all: bool,
    /// The producer's time.
    pub(crate) now_ns: u64,
    pub(crate) now: Instant,
}

impl<T: Capturable + Sync> Captures<T> {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Captures<T>> {
        Ok(Captures::with(Worker::start()?))
    }

    fn with(worker: Worker<T>) -> Captures<T> {
        Captures {
            worker,
            budget: Budget::new(Instant::now()),
            asked: HashMap::new(),
            late: HashMap::new(),
            round: Vec::new().into_iter(),
            next_round: Instant::now(),
            fresh: Fresh::new(Instant::now()),
            next_choice: Instant::now(),
            captured: HashMap::new(),
            groups: HashMap::new(),
            files: Arc::default(),
            locations: 0,
            ready: HashMap::new(),
            slow: HashMap::new(),
            unconfirmed: Vec::new(),
            released: Vec::new(),
        }
    }

    /// The results of the last batch or of late polls, if they are there.
    pub(crate) fn made(&mut self, now: Instant) -> Vec<Made> {
        self.confirm(now);
        let Some(done) = self.worker.done() else { return Vec::new() };
        self.budget.pay(done.cost);
        for id in &done.slow {
            let place = self.asked.get(id).and_then(|asked| asked.before.place().cloned());
            self.slow.extend(place.map(|place| (place, now)));
        }
        for made in done.made.iter().filter(|made| made.released) {
            if let Some(Asked { task, before, ready }) = self.asked.remove(&made.task) {
                let release = match (made.panicked, ready) {
                    (true, _) => Release::Panic,
                    (false, true) => Release::ReadyWait,
                    (false, false) => Release::Progress,
                };
                let released = Released { before, release, at_ns: made.at_ns };
                self.unconfirmed.push(Unconfirmed { released, task, wakes: made.wakes, found: now });
            }
        }
        done.over.iter().for_each(|id| drop(self.asked.remove(id)));
        if !self.worker.is_busy() {
            self.late.clear();
            self.asked.values().for_each(|it| *self.late.entry(it.before.place().cloned()).or_default() += 1);
        }
        done.made
    }

    /// Keeps each released task that no wake explains. If an event came just during the poll, then its wake has come by now.
    fn confirm(&mut self, now: Instant) {
        for unconfirmed in std::mem::take(&mut self.unconfirmed) {
            if now.saturating_duration_since(unconfirmed.found) < CONFIRMED {
                self.unconfirmed.push(unconfirmed);
            } else if unconfirmed.task.wakes() == unconfirmed.wakes {
                self.released.push(unconfirmed.released);
            }
        }
    }

    /// The tasks that a capture has released since the last call.
    pub(crate) fn take_released(&mut self) -> Vec<Released> {
        std::mem::take(&mut self.released)
    }

    #[cfg(test)]
    pub(crate) fn is_capturing(&self) -> bool {
        self.worker.is_busy()
    }

    /// Chooses tasks, and has them captured.
    pub(crate) fn choose(&mut self, choice: Choice<'_>, task: impl Fn(TaskId) -> Option<T>) {
        let Choice { model, of_problems, doubted, all, now_ns, now } = choice;
        if self.worker.is_busy() || now < self.next_choice {
            return;
        }
        self.next_choice = now + CHOICE;
        let most = self.budget.left(now).min(BATCH);
        if most == 0 {
            return;
        }
        let mut tasks = Vec::new();
        for (id, alone) in of_problems.into_iter().map(|id| (id, false)).chain(doubted.into_iter().map(|id| (id, true)))
        {
            if tasks.len() < most {
                tasks.extend(self.consider(model, id, alone, now_ns, now, &task));
            }
        }
        if all && model.number_of_awaits() < MOST_KEPT {
            let settled_ns = u64::try_from(SETTLED.as_nanos()).unwrap_or(u64::MAX);
            let mut considered = 0;
            self.fresh.look(model, settled_ns, now);
            while tasks.len() < most && considered < CONSIDERED {
                // A new task and another one, in turn.
                let mut next = |fresh: bool| match fresh {
                    true => Some((self.fresh.next(model, settled_ns, now_ns)?, true)),
                    false => Some((self.next_in_round(model, now)?, false)),
                };
                let is_first = considered % 2 == 0;
                let Some((id, is_fresh)) = next(is_first).or_else(|| next(!is_first)) else { break };
                considered += 1;
                let Some(subject) = model.tasks.get(&id) else { continue };
                if now_ns.saturating_sub(subject.since_ns()) >= settled_ns {
                    let chosen = self.consider(model, id, false, now_ns, now, &task);
                    if chosen.is_some() && is_fresh {
                        self.fresh.count(subject);
                    }
                    tasks.extend(chosen);
                }
            }
        }
        if !tasks.is_empty() {
            self.budget.take(tasks.len());
            let files = self.files(model);
            self.worker.begin(Batch { tasks, files });
        }
    }

    /// The next task of a pass over all tasks.
    fn next_in_round(&mut self, model: &Model, now: Instant) -> Option<TaskId> {
        if let Some(id) = self.round.next() {
            return Some(id);
        }
        if now < self.next_round {
            return None;
        }
        self.next_round = now + ROUND;
        self.captured.retain(|id, _| model.tasks.contains_key(id));
        self.ready.retain(|id, (before, _)| wait(model, *id, u64::MAX).is_some_and(|now| now == *before));
        self.slow.retain(|_, at| now.saturating_duration_since(*at) < SLOW);
        self.groups.retain(|_, at| now.saturating_duration_since(*at) < GROUP);
        self.round = model.tasks.keys().collect::<Vec<_>>().into_iter();
        self.round.next()
    }

    /// Returns the task to ask it for a poll, if its awaits are unknown and it can be captured. With `alone`, no other task represents
    /// it.
    fn consider(
        &mut self,
        model: &Model,
        id: TaskId,
        alone: bool,
        now_ns: u64,
        now: Instant,
        task: impl Fn(TaskId) -> Option<T>,
    ) -> Option<(TaskId, Arc<T>)> {
        let wait = wait(model, id, now_ns)?;
        let is_known = if alone { model.has_own_awaits(id) } else { model.awaits(id).is_some() };
        if self.captured.get(&id) == Some(&wait) || self.asked.contains_key(&id) || is_known {
            return None;
        }
        let place = model.tasks.get(&id).and_then(|task| Some(&task.origin.location.as_ref()?.place));
        if place.is_some_and(|place| self.slow.contains_key(place)) || self.is_late(place) {
            return None;
        }
        let ready = self.is_settled(model, id, wait, now)?;
        let group = model.awaits_group(id).filter(|_| !alone);
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < GROUP;
        if group.is_some_and(|group| self.groups.get(&group).is_some_and(is_recent)) {
            return None;
        }
        self.groups.extend(group.map(|group| (group, now)));
        self.captured.insert(id, wait);
        let task = Arc::new(task(id)?);
        self.asked.insert(id, Asked { task: Arc::clone(&task), before: model.before_capture(id), ready });
        Some((id, task))
    }

    /// Whether the executor of the tasks of this spawn location is busy, by the tasks that it has not polled yet.
    fn is_late(&self, place: Option<&SourceLocation>) -> bool {
        !self.late.is_empty() && self.late.get(&place.cloned()).is_some_and(|late| *late >= MOST_LATE)
    }

    /// Whether the wait could end by the facts of its resource, and nothing ends it. `None` for the first second of this: the
    /// capture would take the evidence away.
    fn is_settled(&mut self, model: &Model, id: TaskId, wait: Wait, now: Instant) -> Option<bool> {
        if !model.has_ready_wait(id) {
            self.ready.remove(&id);
            return Some(false);
        }
        let (before, since) = self.ready.entry(id).or_insert((wait, now));
        if *before != wait {
            (*before, *since) = (wait, now);
        }
        (now.saturating_duration_since(*since) >= READY).then_some(true)
    }

    fn files(&mut self, model: &Model) -> Arc<BTreeSet<String>> {
        if self.locations != model.number_of_locations() {
            self.locations = model.number_of_locations();
            self.files = Arc::new(model.files().map(str::to_owned).collect());
        }
        Arc::clone(&self.files)
    }
}

/// The wait of an idle task that something can wake. `None` for any other task.
fn wait(model: &Model, id: TaskId, now_ns: u64) -> Option<Wait> {
    let task = model.tasks.get(&id)?;
    if task.origin.partial || task.origin.kind == TaskKind::Blocking || task.state() != Some(TaskState::Idle) {
        return None;
    }
    let counters = task.counters()?;
    let mut edges = DefaultHasher::new();
    let mut waits = 0;
    for edge in model.edges_of_task(id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })) {
        edge.id.hash(&mut edges);
        waits += 1;
    }
    let has_waker = counters.foreign_wakers > 0 || waits > 0;
    let begins_later = counters.since_ns > now_ns;
    let captured = has_waker && !counters.lost_waker && counters.polls > 0 && !begins_later;
    captured.then(|| Wait { polls: counters.polls, edges: edges.finish() })
}

#[cfg(test)]
mod tests {
    use super::super::worker::Done;
    use super::*;
    use crate::awaits;
    use insight_probe::Trace;
    use insight_protocol::{
        DefineLocation, DefineString, EdgeClosed, EdgeId, EdgeWait, LocationId, Operation, ResourceCreated, ResourceId,
        ResourceKind, ResourceUpdated, SnapshotBegin, SnapshotEnd, StringId, TaskAwaits, TaskSpawned, TaskStats, with,
    };
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{Receiver, SyncSender};

    /// A time at which tasks that wait since 0 have waited for long.
    const NOW_NS: u64 = 10_000_000_000;

    /// A task with a number of wakes.
    struct Woken(Arc<AtomicU64>);

    impl Capturable for Woken {
        fn capture(&self) -> Result<Box<dyn awaits::Asked>, Trace> {
            unreachable!("the test is the thread")
        }

        fn wakes(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// The recorder's part, whose thread is the test.
    struct Hand {
        captures: Captures<Woken>,
        batches: Receiver<Batch<Woken>>,
        done: SyncSender<Done>,
        model: Model,
        begun: Instant,
        wakes: Arc<AtomicU64>,
        doubted: Vec<TaskId>,
        polls_slowly: Vec<TaskId>,
        /// The executor of these tasks is busy.
        polls_later: Vec<TaskId>,
    }

    impl Hand {
        fn new() -> Hand {
            let (worker, batches, done) = Worker::by_hand();
            let mut model = Model::default();
            model.apply(&SnapshotBegin::default().into());
            model.apply(&SnapshotEnd::new(0).into());
            for n in 1..=200 {
                model.apply(&DefineLocation::new(LocationId(n), "src/main.rs", n as u32, 1).into());
            }
            model.apply(&DefineString::new(StringId(1), "waiting").into());
            model.apply(&ResourceCreated::new(ResourceId(1), ResourceKind::Channel, 0).into());
            let mut captures = Captures::with(worker);
            let begun = Instant::now();
            (captures.next_round, captures.next_choice) = (begun, begun);
            captures.fresh = Fresh::new(begun);
            Hand {
                captures,
                batches,
                done,
                model,
                begun,
                wakes: Arc::default(),
                doubted: Vec::new(),
                polls_slowly: Vec::new(),
                polls_later: Vec::new(),
            }
        }

        /// An idle task with a foreign waker, spawned at a line.
        fn task(&mut self, id: u64, line: u64) -> TaskStats {
            let spawned = with!(TaskSpawned::default(), id = TaskId(id), location = Some(LocationId(line)));
            self.model.apply(&spawned.into());
            let stats = with!(
                TaskStats::default(),
                id = TaskId(id),
                state = Some(TaskState::Idle),
                polls = 1,
                foreign_wakers = 1
            );
            self.model.apply(&stats.clone().into());
            stats
        }

        fn wait(&mut self, edge: u64, task: u64) {
            let wait = EdgeWait::new(EdgeId(edge), TaskId(task), ResourceId(1), Operation::Recv, StringId(1), 1, 0);
            self.model.apply(&with!(wait, location = Some(LocationId(200))).into());
        }

        /// The tasks that are chosen at this time after the begin. They give nothing.
        fn choose(&mut self, ms: u64, all: bool, of_problems: &[u64]) -> Vec<u64> {
            self.choose_at_cost(ms, all, of_problems, Duration::ZERO)
        }

        fn choose_at_cost(&mut self, ms: u64, all: bool, of_problems: &[u64], cost: Duration) -> Vec<u64> {
            let now = self.begun + Duration::from_millis(ms);
            let of_problems = of_problems.iter().map(|id| TaskId(*id)).collect();
            let doubted = std::mem::take(&mut self.doubted);
            let choice = Choice { model: &self.model, of_problems, doubted, all, now_ns: NOW_NS, now };
            let wakes = &self.wakes;
            self.captures.choose(choice, |_| Some(Woken(Arc::clone(wakes))));
            let Ok(batch) = self.batches.try_recv() else { return Vec::new() };
            let mut chosen: Vec<u64> = batch.tasks.iter().map(|(id, _)| id.0).collect();
            chosen.sort_unstable();
            let over = batch.tasks.iter().map(|(id, _)| *id).filter(|id| !self.polls_later.contains(id)).collect();
            let slow = std::mem::take(&mut self.polls_slowly);
            self.done.send(Done { ends_batch: true, made: Vec::new(), over, slow, cost }).unwrap();
            assert_eq!(self.captures.made(now), []);
            chosen
        }
    }

    /// Each case: a task, and whether it is chosen while a client is attached, and as a task of a problem.
    #[test]
    fn idle_task_with_a_live_waker_and_without_awaits_is_chosen() {
        let check = |case: &str, expect: (bool, bool), make: &dyn Fn(&mut Hand)| {
            for (all, problems, expect) in
                [(true, &[][..], expect.0), (false, &[1][..], expect.1), (false, &[][..], false)]
            {
                let mut hand = Hand::new();
                make(&mut hand);
                assert_eq!(!hand.choose(0, all, problems).is_empty(), expect, "{case} {all} {problems:?}");
            }
        };
        let with_stats = |change: fn(TaskStats) -> TaskStats| {
            move |hand: &mut Hand| {
                let stats = change(hand.task(1, 1));
                hand.model.apply(&stats.into());
            }
        };
        check("idle", (true, true), &|hand| drop(hand.task(1, 1)));
        check(
            "idle for a short time",
            (false, true),
            &with_stats(|stats| with!(stats, since_ns = NOW_NS - 999_999_999)),
        );
        check("idle for a second", (true, true), &with_stats(|stats| with!(stats, since_ns = NOW_NS - 1_000_000_000)));
        check("running", (false, false), &with_stats(|stats| with!(stats, state = Some(TaskState::Running))));
        check("scheduled", (false, false), &with_stats(|stats| with!(stats, state = Some(TaskState::Scheduled))));
        check("never polled", (false, false), &with_stats(|stats| with!(stats, polls = 0)));
        check("no waker", (false, false), &with_stats(|stats| with!(stats, foreign_wakers = 0)));
        check("lost waker", (false, false), &with_stats(|stats| with!(stats, foreign_wakers = 0, lost_waker = true)));
        check("a wait only", (true, true), &|hand| {
            let stats = hand.task(1, 1);
            hand.model.apply(&with!(stats, foreign_wakers = 0).into());
            hand.wait(1, 1);
        });
        for (kind, partial) in [(TaskKind::Blocking, false), (TaskKind::Task, true)] {
            check("closure or library task", (false, false), &|hand| {
                hand.model.apply(&with!(TaskSpawned::default(), id = TaskId(1), kind = kind.clone(), partial).into());
                let stats = with!(
                    TaskStats::default(),
                    id = TaskId(1),
                    state = Some(TaskState::Idle),
                    polls = 1,
                    foreign_wakers = 1
                );
                hand.model.apply(&stats.into());
            });
        }
        check("known awaits", (false, false), &|hand| {
            drop(hand.task(1, 1));
            hand.model.apply(&with!(TaskAwaits::default(), id = TaskId(1), polls = 1).into());
        });
        check("represented", (false, false), &|hand| {
            drop((hand.task(1, 1), hand.task(2, 1)));
            (1..=2).for_each(|id| hand.wait(id, id));
            hand.model.apply(&with!(TaskAwaits::default(), id = TaskId(2), polls = 1).into());
            hand.captures.captured.insert(TaskId(2), wait(&hand.model, TaskId(2), NOW_NS).unwrap());
        });
    }

    #[test]
    fn each_wait_is_captured_once_even_if_that_gives_nothing() {
        let mut hand = Hand::new();
        let stats = hand.task(1, 1);
        assert_eq!(hand.choose(0, true, &[]), [1]);
        assert!((1..5).all(|second| hand.choose(second * 1000, true, &[1]).is_empty()));
        hand.model.apply(&with!(stats, polls = 2).into());
        assert_eq!(hand.choose(6000, true, &[]), [1], "it was polled");
        assert!(hand.choose(8000, true, &[]).is_empty());
        hand.wait(7, 1);
        assert_eq!(hand.choose(10_000, true, &[]), [1], "it waits for something else");
        hand.model.apply(&EdgeClosed::new(EdgeId(7), 1).into());
        hand.wait(8, 1);
        assert_eq!(hand.choose(12_000, true, &[]), [1], "it is another wait");
        assert!(hand.choose(14_000, true, &[1]).is_empty());
        // Ended tasks are forgotten.
        hand.model.apply(&EdgeClosed::new(EdgeId(8), 1).into());
        hand.model
            .apply(&insight_protocol::TaskCompleted::new(TaskId(1), insight_protocol::Outcome::Returned, 1).into());
        hand.choose(16_000, true, &[]);
        assert!(hand.captures.captured.is_empty());
    }

    #[test]
    fn one_task_of_a_group_is_captured_in_a_second() {
        let mut hand = Hand::new();
        (1..=3).for_each(|id| drop(hand.task(id, 1)));
        drop(hand.task(4, 2));
        (1..=4).for_each(|id| hand.wait(id, id));
        assert_eq!(hand.choose(0, true, &[3]), [3, 4], "the task of a problem comes first");
        assert!(hand.choose(900, true, &[1, 2]).is_empty());
        assert_eq!(hand.choose(1000, true, &[]), [1]);
        assert_eq!(hand.choose(2000, true, &[]), [2]);
        assert!(hand.choose(3000, true, &[]).is_empty());
    }

    #[test]
    fn captures_have_a_budget() {
        let mut hand = Hand::new();
        (1..=100).for_each(|id| drop(hand.task(id, id)));
        let chosen: Vec<usize> = (0..20).map(|n| hand.choose(n * 50, true, &[]).len()).collect();
        assert_eq!((chosen.iter().sum(), chosen.iter().max()), (50, Some(&8)), "{chosen:?}");
        assert_eq!(hand.choose(1000, true, &[]).len(), 8);
        assert_eq!(hand.choose(1049, true, &[]).len(), 0, "too early");
        assert_eq!(hand.choose_at_cost(1050, true, &[], Duration::from_secs(3)).len(), 8);
        assert_eq!(hand.choose(50_000, true, &[]).len(), 0, "it pays back");
        assert_eq!(hand.choose(102_000, true, &[]).len(), 8);
    }

    #[test]
    fn tasks_of_a_place_with_slow_polls_are_not_captured_again_for_a_while() {
        let mut hand = Hand::new();
        for (id, line) in [(1, 1), (2, 1), (3, 2)] {
            drop(hand.task(id, line));
        }
        hand.polls_slowly = vec![TaskId(1)];
        hand.captures.captured.insert(TaskId(2), wait(&hand.model, TaskId(2), NOW_NS).unwrap());
        assert_eq!(hand.choose(0, true, &[]), [1, 3]);
        hand.captures.captured.clear();
        assert_eq!(hand.choose(2000, true, &[2]), [3], "others are captured as before");
        hand.captures.captured.clear();
        assert_eq!(hand.choose(301_000, true, &[]), [1, 2, 3]);
    }

    #[test]
    fn a_task_is_considered_only_now_and_then() {
        let mut hand = Hand::new();
        (1..=1200).for_each(|id| drop(hand.task(id, 1)));
        (1..=1200).for_each(|id| hand.wait(id, id));
        hand.model.apply(&with!(TaskAwaits::default(), id = TaskId(1), polls = 1).into());
        assert!(hand.choose(0, true, &[]).is_empty());
        assert_eq!(hand.captures.round.len(), 1200 - CONSIDERED);
    }

    fn made(task: u64, panicked: bool) -> Made {
        Made {
            task: TaskId(task),
            polls: 1,
            leaves: Vec::new(),
            spans: Vec::new(),
            more: 0,
            complete: false,
            waits: false,
            at_ns: NOW_NS,
            released: true,
            panicked,
            wakes: 5,
            has_symbols: true,
        }
    }

    #[test]
    fn released_task_is_kept_unless_a_wake_explains_it() {
        for (woken_later, panicked, expect) in
            [(0, false, Some(Release::Progress)), (0, true, Some(Release::Panic)), (1, false, None)]
        {
            let mut hand = Hand::new();
            drop(hand.task(1, 1));
            hand.wait(1, 1);
            // The poll may come much later than the request.
            hand.polls_later = vec![TaskId(1)];
            assert_eq!(hand.choose(0, true, &[]), [1]);
            let at = |ms| hand.begun + Duration::from_millis(ms);
            hand.wakes.store(5, Ordering::Relaxed);
            let made = made(1, panicked);
            let over = vec![TaskId(1)];
            hand.done.send(Done { made: vec![made.clone()], over, ..Done::default() }).unwrap();
            assert_eq!(hand.captures.made(at(60_001)), std::slice::from_ref(&made));
            hand.wakes.fetch_add(woken_later, Ordering::Relaxed);
            hand.captures.made(at(61_999));
            assert_eq!(hand.captures.take_released(), [], "too early");
            hand.captures.made(at(62_001));
            let before = hand.model.before_capture(TaskId(1));
            let released: Vec<_> =
                expect.map(|release| Released { before, release, at_ns: NOW_NS }).into_iter().collect();
            assert_eq!(hand.captures.take_released(), released);
            assert_eq!(hand.captures.take_released(), []);
        }
    }

    #[test]
    fn place_with_a_busy_executor_is_left_alone_until_that_polls() {
        let mut hand = Hand::new();
        (1..=10).for_each(|id| drop(hand.task(id, 1)));
        drop(hand.task(11, 2));
        hand.polls_later = (1..=8).map(TaskId).collect();
        assert_eq!(hand.choose(0, true, &[]), (1..=8).collect::<Vec<_>>());
        assert_eq!(hand.choose(1000, true, &[9]), [11], "another place");
        assert!(hand.choose(2000, true, &[9]).is_empty());
        // One of them is polled.
        hand.done.send(Done { over: vec![TaskId(1)], ..Done::default() }).unwrap();
        hand.captures.made(hand.begun + Duration::from_millis(2500));
        assert_eq!(hand.choose(3000, true, &[]), [9, 10]);
    }

    /// A program polls many tasks again and again, so each pass over all tasks takes long.
    #[test]
    fn new_tasks_are_captured_beside_a_long_pass() {
        let mut hand = Hand::new();
        (1..=1000).for_each(|id| drop(hand.task(id, 1)));
        assert_eq!(hand.choose(0, true, &[]), (1..=8).collect::<Vec<_>>());
        let spawned_at = |hand: &mut Hand, id: u64, line: u64, at_ns: u64| {
            let (id, location) = (TaskId(id), Some(LocationId(line)));
            hand.model.apply(&with!(TaskSpawned::default(), id, location, at_ns).into());
            let state = Some(TaskState::Idle);
            let stats = with!(TaskStats::default(), id, state, polls = 1, foreign_wakers = 1, since_ns = at_ns);
            hand.model.apply(&stats.into());
        };
        // Many new tasks of one place, one of another place, and one that is too young.
        (1001..=1100).for_each(|id| spawned_at(&mut hand, id, 2, 1));
        spawned_at(&mut hand, 1101, 3, 2);
        spawned_at(&mut hand, 1102, 3, NOW_NS - 999_999_999);
        let chosen: Vec<u64> = (0..6).flat_map(|n| hand.choose(1000 + 50 * n, true, &[])).collect();
        let new: Vec<u64> = chosen.iter().copied().filter(|id| *id > 1000).collect();
        assert_eq!(new, [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1101], "{chosen:?}");
        assert!(chosen.contains(&9), "the pass continues: {chosen:?}");

        // Without a pass, new tasks have all turns.
        let mut hand = Hand::new();
        drop(hand.task(1, 1));
        assert_eq!((hand.choose(0, true, &[]), hand.choose(50, true, &[])), (vec![1], vec![]));
        (2..=9).for_each(|id| spawned_at(&mut hand, id, id, 1));
        hand.captures.next_round = hand.begun + Duration::from_secs(60);
        assert_eq!(hand.choose(1000, true, &[]), (2..=9).collect::<Vec<_>>());
    }

    #[test]
    fn wait_that_could_end_is_captured_after_a_second() {
        let mut hand = Hand::new();
        drop(hand.task(1, 1));
        hand.wait(1, 1);
        let length = |hand: &mut Hand, length| {
            let update = with!(ResourceUpdated::default(), id = ResourceId(1), length = Some(length));
            hand.model.apply(&update.into());
        };
        length(&mut hand, 1);
        assert!(hand.choose(0, true, &[1]).is_empty());
        assert!(hand.choose(900, true, &[1]).is_empty());
        // It was not ready in between.
        length(&mut hand, 0);
        hand.captures.groups.clear();
        assert_eq!(hand.choose(1000, true, &[1]), [1]);

        let mut hand = Hand::new();
        drop(hand.task(1, 1));
        hand.wait(1, 1);
        length(&mut hand, 1);
        assert!(hand.choose(0, true, &[1]).is_empty());
        assert!(hand.choose(999, true, &[1]).is_empty());
        assert_eq!(hand.choose(1050, true, &[1]), [1]);
    }

    #[test]
    fn doubted_task_is_captured_though_another_one_represents_it() {
        let mut hand = Hand::new();
        (1..=2).for_each(|id| drop(hand.task(id, 1)));
        (1..=2).for_each(|id| hand.wait(id, id));
        hand.model.apply(&with!(TaskAwaits::default(), id = TaskId(1), polls = 1).into());
        assert!(hand.choose(0, true, &[2]).is_empty());
        hand.doubted = vec![TaskId(1), TaskId(2)];
        assert_eq!(hand.choose(100, true, &[]), [2]);
    }
}
