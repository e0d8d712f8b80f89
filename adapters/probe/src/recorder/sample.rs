//! What is sampled: the counters and waits of tasks, the handles and holders of resources.

use super::Recorder;
use super::coverage::Counted;
use crate::resource::{ResourceCell, Type, count};
use crate::slots::WaitFacts;
use crate::task::{HISTOGRAM, Kind, TaskCell};
use crate::wait::{Op, TIMER_WITH_WAKER, is_timer};
use crate::waiter::WaiterFacts;
use crate::{clock, ids, origin, waker};
use insight_protocol::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A look at all tasks and resources.
#[derive(Debug)]
pub(super) struct Sampling {
    at_ns: u64,
    /// Those that are left to be looked at.
    tasks: std::vec::IntoIter<u64>,
    resources: Option<std::vec::IntoIter<u64>>,
    /// What the executors counted; `None` if they were not asked.
    counted: Option<Vec<Counted>>,
    /// How long it has taken so far.
    took_ns: u64,
}

/// A wait as it was last sampled.
#[derive(Clone, Debug)]
pub(super) struct SampledWait {
    /// The id in the slot.
    slot: u64,
    /// That of the open edge; 0 once a timer has fired.
    edge: u64,
    /// What was last told of its operation: when it was granted, or 0; how often it was polled; whether lately.
    granted: u64,
    polls: u32,
    polled: Polled,
}

#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polled {
    Unseen,
    No,
    Yes,
}

impl SampledWait {
    fn new(slot: u64, edge: Option<u64>, told: WaiterFacts) -> SampledWait {
        let WaiterFacts { polls, polled, granted } = told;
        let polled = match polled {
            None => Polled::Unseen,
            Some(false) => Polled::No,
            Some(true) => Polled::Yes,
        };
        SampledWait { slot, edge: edge.unwrap_or(0), granted: granted.unwrap_or(0), polls, polled }
    }

    pub(super) fn edge(&self) -> Option<u64> {
        (self.edge != 0).then_some(self.edge)
    }

    /// What was not told is as it mostly is.
    fn told(&self) -> WaiterFacts {
        let polled = match self.polled {
            Polled::Unseen => None,
            Polled::No => Some(false),
            Polled::Yes => Some(true),
        };
        WaiterFacts { polls: self.polls, polled, granted: (self.granted != 0).then_some(self.granted) }
    }
}

/// The waits of a task. Most have one at most, which lies in place.
#[derive(Clone, Debug, Default)]
pub(super) enum SampledWaits {
    #[default]
    None,
    One(SampledWait),
    Many(Vec<SampledWait>),
}

impl SampledWaits {
    pub(super) fn as_slice(&self) -> &[SampledWait] {
        match self {
            SampledWaits::None => &[],
            SampledWaits::One(wait) => std::slice::from_ref(wait),
            SampledWaits::Many(waits) => waits,
        }
    }

    fn push(&mut self, wait: SampledWait) {
        *self = match std::mem::take(self) {
            SampledWaits::None => SampledWaits::One(wait),
            SampledWaits::One(first) => SampledWaits::Many(vec![first, wait]),
            SampledWaits::Many(mut waits) => {
                waits.push(wait);
                SampledWaits::Many(waits)
            }
        };
    }
}

impl Recorder {
    pub(super) fn begin_to_sample(&self, at_ns: u64, counted: Option<Vec<Counted>>) -> Sampling {
        let tasks: Vec<u64> = self.tasks.keys().collect();
        Sampling { at_ns, tasks: tasks.into_iter(), resources: None, counted, took_ns: 0 }
    }

    /// Goes on until `out` has `enough` messages; whether there are more.
    pub(super) fn sample(&mut self, sampling: &mut Sampling, enough: usize, out: &mut Vec<Message>) -> bool {
        let start_ns = self.now_ns();
        let more = self.sample_some(sampling, enough, out);
        sampling.took_ns += self.now_ns() - start_ns;
        if !more {
            let at_ns = sampling.at_ns;
            self.tell_coverage(sampling.counted.as_deref(), at_ns, out);
            out.push(StreamHeartbeat { at_ns }.into());
            self.sample_at_ns = at_ns + (self.config.interval.as_nanos() as u64).max(sampling.took_ns * 20);
        }
        more
    }

    fn sample_some(&mut self, sampling: &mut Sampling, enough: usize, out: &mut Vec<Message>) -> bool {
        for id in sampling.tasks.by_ref() {
            self.sample_task(id, sampling.at_ns, sampling.counted.as_deref_mut().unwrap_or_default(), out);
            if out.len() >= enough {
                return true;
            }
        }
        // After the tasks: their waits may have made some.
        let keys = || self.resources.keys().collect::<Vec<u64>>().into_iter();
        let mut resources = sampling.resources.take().unwrap_or_else(keys);
        for id in resources.by_ref() {
            self.sample_resource(id, sampling.at_ns, out);
            if out.len() >= enough {
                sampling.resources = Some(resources);
                return true;
            }
        }
        false
    }

    fn sample_task(&mut self, id: u64, at_ns: u64, counted: &mut [Counted], out: &mut Vec<Message>) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        let Some(cell) = entry.cell.clone() else { return Counted::count_ended(counted) };
        Counted::count(counted, &cell);
        let counters = (!cell.partial).then(|| Counters::of(&cell));
        // Before the waits: an operation that was polled in the last of so many polls has noted that.
        let polls = cell.polls.load(Ordering::Acquire);
        let mut waits = std::mem::take(&mut self.waits);
        cell.waits.for_each(polls, |wait, waiter| waits.push((wait, waiter)));
        // After the waits: of a timer that was seen to be waited for, the waker was there before.
        let wakers = waker::foreign_count(&cell);
        let timers = waits.iter().filter(|(wait, _)| is_timer(wait.awaited)).count() as u64;
        // Of one that a combinator polls, with wakers of its own, no clone is counted here.
        let own =
            |(wait, waiter): &&(WaitFacts, WaiterFacts)| wait.awaited == TIMER_WITH_WAKER && waiter.polled.is_some();
        let wakers_of_timers = waits.iter().filter(own).count() as u64;
        // A future that keeps a timer and polls it no more, as after a `select!`, does not wait for it once it has fired.
        let fired = wakers <= wakers_of_timers && !cell.partial;
        if let Some(counters) = counters {
            let told = ToldStats {
                polls: counters.polls as u32,
                wakes: counters.wakes as u32,
                since: counters.since,
                idle_ns: entry.told.idle_ns,
                foreign_wakers: u32::try_from(wakers.saturating_sub(timers + wakers_of_timers)).unwrap_or(u32::MAX),
                state: Some(counters.state),
                lost_waker: counters.state == State::Idle && has_lost_its_waker(&cell, counters.polls),
            };
            if entry.told != told {
                // The rest of two sums of rounded times: it may come out a nanosecond shorter than before.
                let idle_ns = counters.idle_ns(&cell).max(told.idle_ns);
                entry.told = ToldStats { idle_ns, ..told };
                out.push(counters.stats(id, &cell, &entry.told, at_ns).into());
            }
        }
        let before = std::mem::take(&mut entry.waits);
        for sampled in before.as_slice() {
            let over = |wait: &WaitFacts| wait.edge != sampled.slot || (fired && is_timer(wait.awaited));
            if let Some(edge) = sampled.edge() {
                if waits.iter().all(|(wait, _)| over(wait)) {
                    self.close_edge(edge, None, at_ns, out);
                }
            }
        }
        let mut open = SampledWaits::default();
        // What is not told is this.
        let usual = WaiterFacts::default();
        for (wait, waiter) in waits.drain(..) {
            let slot = wait.edge;
            let known = before.as_slice().iter().find(|before| before.slot == slot);
            let sampled = match known.map(|known| (known.edge(), known.told())) {
                _ if fired && is_timer(wait.awaited) => SampledWait::new(slot, None, usual),
                Some((Some(edge), told)) => {
                    let told = self.tell_waiter(edge, waiter, told, at_ns, out);
                    SampledWait::new(slot, Some(edge), told)
                }
                // It waits again, in the same slot; the edge of before was closed.
                Some((None, _)) => {
                    let edge = ids::next_edge();
                    let edge = self.open_wait(id, edge, &wait, at_ns, out).then_some(edge);
                    SampledWait::new(slot, edge, usual)
                }
                None if self.open_wait(id, slot, &wait, at_ns, out) => {
                    // Mostly it is over by the next sample: what is as it mostly is can be told then.
                    let unusual = waiter.granted.is_some() || waiter.polled == Some(false);
                    let told = if unusual { self.tell_waiter(slot, waiter, usual, at_ns, out) } else { usual };
                    SampledWait::new(slot, Some(slot), told)
                }
                None => continue,
            };
            open.push(sampled);
        }
        self.waits = waits;
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        entry.waits = open;
        if cell.partial && entry.edges == 0 && cell.forget_if_unused() {
            self.tasks.remove(&id);
            out.push(TaskCompleted { id: TaskId(id), outcome: Outcome::Unseen, at_ns }.into());
        }
    }

    /// Tells what is seen of a pending operation, where that differs from what was told; what is told then.
    fn tell_waiter(
        &self,
        edge: u64,
        waiter: WaiterFacts,
        told: WaiterFacts,
        at_ns: u64,
        out: &mut Vec<Message>,
    ) -> WaiterFacts {
        // It may have been closed with its resource.
        if !self.edges.contains_key(&edge) || told == waiter {
            return told;
        }
        let WaiterFacts { polls, polled, granted } = waiter;
        let polls = (polls != 0).then_some(u64::from(polls));
        let granted_ns = granted.map(clock::time_ns);
        out.push(EdgeUpdated { id: EdgeId(edge), polls, polled, granted_ns, at_ns }.into());
        waiter
    }

    fn open_wait(&mut self, task: u64, edge: u64, wait: &WaitFacts, at_ns: u64, out: &mut Vec<Message>) -> bool {
        let op = Op::from_byte(wait.operation);
        // In a poll that goes on: it was not there at the last look.
        let since_ns = if wait.since == 0 { at_ns } else { clock::time_ns(wait.since) };
        let Some(resource) = self.awaited_resource(wait, since_ns, out) else { return false };
        // One that the recorder makes is there since the wait of which it was seen first, and not since the first wait.
        let created_ns = self.resources.get(&resource).map_or(0, |entry| entry.created_ns);
        let since_ns = since_ns.max(created_ns);
        let location = wait.location.filter(|at| !op.is_located_by_poll() || origin::is_of_program(at.file()));
        let message = EdgeWait {
            id: EdgeId(edge),
            task: TaskId(task),
            resource: ResourceId(resource),
            operation: op.protocol(),
            reason: self.interned.string(op.reason(), out),
            need: wait.need,
            location: location.map(|location| self.interned.location(location, out)),
            since_ns,
        };
        self.open_edge(edge, task, resource, message.into(), out)
    }

    fn sample_resource(&mut self, id: u64, at_ns: u64, out: &mut Vec<Message>) {
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let Some(cell) = entry.cell.clone() else { return };
        if let Some(name) = cell.name.get().filter(|_| !entry.named) {
            entry.named = true;
            let name = Some(self.interned.string(name, out));
            out.push(ResourceUpdated { id: ResourceId(id), name, at_ns, ..ResourceUpdated::default() }.into());
        }
        let Some(entry) = self.resources.get_mut(&id) else { return };
        if matches!(cell.kind, Type::Mutex(_) | Type::OnceCell) {
            return self.sample_hold(id, &cell, out);
        }
        if let Some(holds) = &cell.open_holds {
            return self.sample_holds(id, &cell, holds, out);
        }
        let handles = |count: &AtomicU64| cell.kind.has_ends().then(|| count.load(Ordering::Relaxed));
        let before = &entry.state;
        let now = ResourceUpdated {
            capacity: count(&cell.capacity),
            length: count(&cell.length),
            senders: handles(&cell.senders),
            weak_senders: handles(&cell.weak_senders),
            receivers: handles(&cell.receivers),
            outside_senders: handles(&cell.outside_senders),
            outside_receivers: handles(&cell.outside_receivers),
            ..before.clone()
        };
        if now != *before {
            let capacity = now.capacity.filter(|_| now.capacity != before.capacity);
            out.push(ResourceUpdated { capacity, at_ns, ..now.clone() }.into());
            entry.state = now;
        }
    }

    pub(super) fn sample_hold(&mut self, id: u64, cell: &ResourceCell, out: &mut Vec<Message>) {
        let Some(entry) = self.resources.get(&id) else { return };
        let (before, created_ns) = (entry.hold, entry.created_ns);
        let holder = cell.holder.load(Ordering::Acquire);
        let number = cell.holds.load(Ordering::Acquire);
        if before.is_some_and(|(_, last)| last == number && holder != 0) {
            return;
        }
        if let Some((edge, _)) = before {
            // r[edge.closed.not-before-since]: the look before this one may be of the same collection.
            self.close_edge(edge, Some(EdgeOutcome::Released), self.now_ns(), out);
        }
        let mut hold = None;
        if holder != 0 {
            let edge = ids::next_edge();
            // SAFETY: a `&'static Location`, stored before the holder was.
            let location = unsafe { cell.held_at.load(Ordering::Relaxed).as_ref() };
            let message = EdgeHold {
                id: EdgeId(edge),
                task: TaskId(holder),
                resource: ResourceId(id),
                mode: HoldMode::Exclusive,
                units: 1,
                transferable: cell.transferable.load(Ordering::Relaxed),
                location: location.map(|location| self.interned.location(location, out)),
                // The poll in which it was acquired may have begun before the resource was there.
                since_ns: clock::time_ns(cell.held_since.load(Ordering::Relaxed)).max(created_ns),
            };
            // What was read is one hold only if no other one has begun meanwhile.
            let unchanged =
                cell.holds.load(Ordering::Relaxed) == number && cell.holder.load(Ordering::Relaxed) == holder;
            if unchanged && self.open_edge(edge, holder, id, message.into(), out) {
                hold = Some((edge, number));
            }
        }
        if let Some(entry) = self.resources.get_mut(&id) {
            entry.hold = hold;
        }
    }
}

/// r[task.lost-waker.true]: of an idle task that was polled so often.
fn has_lost_its_waker(cell: &TaskCell, polls: u64) -> bool {
    let polled = matches!(cell.kind, Kind::Task | Kind::Local | Kind::BlockOn) && cell.told().is_none();
    // A wake is noted before its waker is gone, so who finds none left and no wake can be sure that there was none.
    // And that a future is being dropped is noted before its wakers go.
    polled
        && waker::count(cell) <= 1
        && cell.left_waker.load(Ordering::Relaxed)
        && !cell.other_wakers.load(Ordering::Relaxed)
        && cell.woken_at.load(Ordering::Relaxed) == 0
        && !cell.is_running()
        && cell.polls.load(Ordering::Relaxed) == polls
}

/// What a task does.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Scheduled,
    Running,
}

/// What was last told of a task's counters, as far as it tells whether there is something to tell again: each of the other
/// counters is written before one of these is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ToldStats {
    /// The lower half: between two looks neither comes round to where it was.
    polls: u32,
    wakes: u32,
    /// Since when it is in its state, in ticks.
    since: u64,
    idle_ns: u64,
    foreign_wakers: u32,
    /// None before anything was told.
    state: Option<State>,
    lost_waker: bool,
}

/// A task's counters, as they were at one time.
struct Counters {
    state: State,
    since: u64,
    polls: u64,
    wakes: u64,
    self_wakes: u64,
    woken_by: u64,
    running: u64,
    scheduled: u64,
}

impl Counters {
    fn of(cell: &TaskCell) -> Counters {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (state, since) = loop {
            let poll_start = cell.poll_start.load(Ordering::Acquire);
            if poll_start != 0 {
                break (State::Running, poll_start);
            }
            let poll_end = cell.poll_end.load(Ordering::Acquire);
            let woken_at = cell.woken_at.load(Ordering::Acquire);
            // The three belong together if no poll has begun or ended meanwhile.
            if cell.poll_start.load(Ordering::Acquire) != 0 || load(&cell.poll_end) != poll_end {
                continue;
            }
            break match woken_at {
                0 => (State::Idle, poll_end),
                woken_at => (State::Scheduled, woken_at.max(poll_end)),
            };
        };
        // Those first after which the others are written.
        let polls = cell.polls.load(Ordering::Acquire);
        let self_wakes = load(&cell.self_wakes);
        Counters {
            state,
            since,
            polls,
            wakes: load(&cell.wakes) + self_wakes,
            self_wakes,
            woken_by: load(&cell.woken_by),
            running: load(&cell.running),
            scheduled: load(&cell.scheduled),
        }
    }

    /// The rest of its life until it came into its state.
    fn idle_ns(&self, cell: &TaskCell) -> u64 {
        let lived_ns =
            clock::time_ns(self.since).saturating_sub(clock::time_ns(cell.spawned_at.load(Ordering::Relaxed)));
        lived_ns.saturating_sub(clock::duration_ns(self.running) + clock::duration_ns(self.scheduled))
    }

    fn stats(&self, id: u64, cell: &TaskCell, told: &ToldStats, at_ns: u64) -> TaskStats {
        TaskStats {
            id: TaskId(id),
            state: Some(match self.state {
                State::Idle => TaskState::Idle,
                State::Scheduled => TaskState::Scheduled,
                State::Running => TaskState::Running,
            }),
            since_ns: clock::time_ns(self.since),
            polls: self.polls,
            wakes: self.wakes,
            self_wakes: self.self_wakes,
            woken_by: (self.woken_by != 0).then_some(TaskId(self.woken_by)),
            running_ns: clock::duration_ns(self.running),
            scheduled_ns: clock::duration_ns(self.scheduled),
            idle_ns: told.idle_ns,
            foreign_wakers: u64::from(told.foreign_wakers),
            lost_waker: told.lost_waker,
            poll_ns_log2: histogram(cell),
            at_ns,
        }
    }
}

fn histogram(cell: &TaskCell) -> Vec<u64> {
    let counts = cell.poll_times();
    let used = counts.iter().rposition(|count| *count != 0).map_or(0, |last| last + 1 + HISTOGRAM.start as usize);
    (0..HISTOGRAM.start).map(|_| 0).chain(counts).take(used).collect()
}
