//! Samples the counters and waits of tasks, and the handles and holders of resources.

use super::coverage::Counted;
use super::ledger::Ledger;
use super::stats::{SentStats, has_lost_its_waker};
use super::waits::{SampledWait, SampledWaits};
use crate::resource_cell::{Sampled, count, in_range};
use crate::slots::WaitFacts;
use crate::times::State;
use crate::wait::{Op, TIMER_WITH_WAKER, is_timer};
use crate::waiter::WaiterFacts;
use crate::{clock, ids, origin};
use insight_protocol::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// One sample of all tasks and resources.
#[derive(Debug)]
pub(super) struct Sampling {
    pub(super) at_ns: u64,
    /// The tasks or resources that are still to be sampled.
    tasks: std::vec::IntoIter<u64>,
    resources: Option<std::vec::IntoIter<u64>>,
    /// The executors' counts; `None` if they were not asked.
    pub(super) counted: Option<Vec<Counted>>,
    /// Its duration so far.
    pub(super) took_ns: u64,
}

impl Ledger {
    pub(super) fn begin_to_sample(&self, at_ns: u64, counted: Option<Vec<Counted>>) -> Sampling {
        let tasks: Vec<u64> = self.tasks.keys().collect();
        Sampling { at_ns, tasks: tasks.into_iter(), resources: None, counted, took_ns: 0 }
    }

    /// Continues until the stream has `enough` messages. Returns whether there are more.
    pub(super) fn sample(&mut self, sampling: &mut Sampling, enough: usize) -> bool {
        for id in sampling.tasks.by_ref() {
            self.sample_task(id, sampling.at_ns, sampling.counted.as_deref_mut().unwrap_or_default());
            if self.stream.len() >= enough {
                return true;
            }
        }
        // After the tasks, whose waits may have made resources.
        let keys = || self.resources.keys().collect::<Vec<u64>>().into_iter();
        let mut resources = sampling.resources.take().unwrap_or_else(keys);
        for id in resources.by_ref() {
            self.sample_resource(id, sampling.at_ns);
            if self.stream.len() >= enough {
                sampling.resources = Some(resources);
                return true;
            }
        }
        false
    }

    fn sample_task(&mut self, id: u64, at_ns: u64, counted: &mut [Counted]) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        let Some(cell) = entry.cell.clone() else { return Counted::count_ended(counted) };
        Counted::count(counted, &cell);
        let counters = (!cell.is_partial()).then(|| cell.times().counters());
        // Read before the waits: an operation that was polled in the last of these polls has recorded that.
        let polls = cell.times().polls();
        let mut waits = std::mem::take(&mut self.waits);
        // In a poll that is not counted, the counters of its operations change for a moment.
        let was_uncounted = cell.is_uncounted();
        cell.waits().for_each(polls, |wait, waiter| waits.push((wait, waiter)));
        let uncounted = was_uncounted || cell.is_uncounted();
        // Read after the waits: if a wait on a timer was observed, the timer had its waker before.
        let wakers = cell.foreign_wakers();
        let timers = waits.iter().filter(|(wait, _)| is_timer(wait.awaited)).count() as u64;
        // We count no clones of the wakers of a combinator, which polls the timer with wakers of its own.
        let own =
            |(wait, waiter): &&(WaitFacts, WaiterFacts)| wait.awaited == TIMER_WITH_WAKER && waiter.polled.is_some();
        let wakers_of_timers = waits.iter().filter(own).count() as u64;
        // A future that keeps a timer without polling it, as after a `select!`, does not wait for it once it has fired.
        let fired = wakers <= wakers_of_timers && !cell.is_partial();
        if let Some(counters) = counters {
            let sent = SentStats {
                polls: counters.polls as u32,
                wakes: counters.wakes as u32,
                since: counters.since,
                idle_ns: entry.sent.idle_ns,
                foreign_wakers: u32::try_from(wakers.saturating_sub(timers + wakers_of_timers)).unwrap_or(u32::MAX),
                state: Some(counters.state),
                lost_waker: counters.state == State::Idle && has_lost_its_waker(&cell, counters.polls),
            };
            if entry.sent != sent {
                // The difference of two sums of rounded times: it may be a nanosecond shorter than before.
                let idle_ns = counters.idle_ns(&cell).max(sent.idle_ns);
                entry.sent = SentStats { idle_ns, ..sent };
                self.stream.push(counters.stats(id, &cell, &entry.sent, at_ns));
            }
        }
        let before = std::mem::take(&mut entry.waits);
        for sampled in before.as_slice() {
            let over = |wait: &WaitFacts| wait.edge != sampled.slot || (fired && is_timer(wait.awaited));
            if let Some(edge) = sampled.edge() {
                if waits.iter().all(|(wait, _)| over(wait)) {
                    self.close_edge(edge, None, at_ns);
                }
            }
        }
        let mut open = SampledWaits::default();
        // Facts that were not sent have these values.
        let usual = WaiterFacts::default();
        for (wait, waiter) in waits.drain(..) {
            let slot = wait.edge;
            let known = before.as_slice().iter().find(|before| before.slot == slot);
            let sampled = match known.map(|known| (known.edge(), known.sent())) {
                _ if fired && is_timer(wait.awaited) => SampledWait::new(slot, None, usual),
                Some((Some(edge), sent)) if uncounted => SampledWait::new(slot, Some(edge), sent),
                Some((Some(edge), sent)) => {
                    let waiter = WaiterFacts { polls: waiter.polls.max(sent.polls), ..waiter };
                    let sent = self.send_waiter(edge, waiter, sent, at_ns);
                    SampledWait::new(slot, Some(edge), sent)
                }
                // It waits again, in the same slot; the earlier edge was closed.
                Some((None, _)) => {
                    let edge = ids::next_edge();
                    let edge = self.open_wait(id, edge, &wait, at_ns).then_some(edge);
                    SampledWait::new(slot, edge, usual)
                }
                None if self.open_wait(id, slot, &wait, at_ns) => {
                    // Usually the wait is over by the next sample, so the usual values can be sent then.
                    let unusual = waiter.granted.is_some() || waiter.polled == Some(false);
                    let sent = if unusual { self.send_waiter(slot, waiter, usual, at_ns) } else { usual };
                    SampledWait::new(slot, Some(slot), sent)
                }
                None => continue,
            };
            open.push(sampled);
        }
        self.waits = waits;
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        entry.waits = open;
        if cell.is_partial() && entry.edges == 0 && cell.forget_if_unused() {
            self.tasks.remove(&id);
            self.stream.push(TaskCompleted::new(TaskId(id), Outcome::Unseen, at_ns));
        }
    }

    /// Sends the facts of a pending operation that differ from the sent ones. Returns the facts sent now.
    fn send_waiter(&mut self, edge: u64, waiter: WaiterFacts, sent: WaiterFacts, at_ns: u64) -> WaiterFacts {
        // It may have been closed with its resource.
        if !self.edges.contains_key(&edge) || sent == waiter {
            return sent;
        }
        let WaiterFacts { polls, polled, granted } = waiter;
        let polls = (polls != 0).then_some(u64::from(polls));
        let granted_ns = granted.map(clock::time_ns);
        self.stream.push(with!(EdgeUpdated::default(), id = EdgeId(edge), polls, polled, granted_ns, at_ns));
        waiter
    }

    fn open_wait(&mut self, task: u64, edge: u64, wait: &WaitFacts, at_ns: u64) -> bool {
        let op = Op::from_byte(wait.operation);
        // It was opened in a poll that has not ended, and was not there at the last sample.
        let since_ns = if wait.since == 0 { at_ns } else { clock::time_ns(wait.since) };
        let Some(resource) = self.awaited_resource(wait, since_ns) else { return false };
        // A resource that the recorder makes exists since the first sampled wait, which may not be the earliest one.
        let created_ns = self.resources.get(&resource).map_or(0, |entry| entry.created_ns);
        let since_ns = since_ns.max(created_ns);
        let location = wait.location.filter(|at| !op.is_located_by_poll() || origin::is_of_program(at.file()));
        let message = with!(
            EdgeWait::new(
                EdgeId(edge),
                TaskId(task),
                ResourceId(resource),
                op.protocol(),
                self.stream.string(op.reason()),
                wait.need.min(MAX_NUMBER),
                since_ns
            ),
            transferable = wait.transferable,
            location = location.map(|location| self.stream.location(location))
        );
        self.open_edge(edge, task, resource, message.into())
    }

    fn sample_resource(&mut self, id: u64, at_ns: u64) {
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let Some(cell) = entry.cell.clone() else { return };
        if let Some(name) = cell.name.get().filter(|_| !entry.named) {
            entry.named = true;
            let name = Some(self.stream.given_name(name));
            self.stream.push(with!(ResourceUpdated::default(), id = ResourceId(id), name, at_ns));
        }
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let has_handles = match (cell.kind.definition().sampled, &cell.open_holds) {
            (Sampled::Holder, _) => return self.sample_hold(id, &cell),
            (Sampled::Holders, Some(holds)) => return self.sample_holds(id, &cell, holds),
            (Sampled::Handles, _) => true,
            (Sampled::Level | Sampled::Holders, _) => false,
        };
        let handles = |count: &AtomicU64| has_handles.then(|| count.load(Ordering::Relaxed));
        let before = &entry.state;
        let now = with!(
            before.clone(),
            capacity = in_range(count(&cell.capacity)),
            length = in_range(count(&cell.length)),
            senders = handles(&cell.senders),
            weak_senders = handles(&cell.weak_senders),
            receivers = handles(&cell.receivers),
            outside_senders = handles(&cell.outside_senders),
            outside_receivers = handles(&cell.outside_receivers)
        );
        if now != *before {
            let capacity = now.capacity.filter(|_| now.capacity != before.capacity);
            self.stream.push(with!(now.clone(), capacity, at_ns));
            entry.state = now;
        }
    }
}
