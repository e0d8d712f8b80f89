//! The sampled holders of resources.

use super::ledger::Ledger;
use crate::cell_ref::CellRef;
use crate::holds::{HoldFacts, Holds};
use crate::resource_cell::{ResourceCell, count};
use crate::{clock, ids, image};
use insight_protocol::*;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

impl Ledger {
    /// Sends the differences from the last sample. At each message the sent holds are a subset of the holds of one instant.
    pub(super) fn sample_holds(&mut self, id: u64, cell: &ResourceCell, holds: &Holds) {
        let picture = holds.picture();
        // r[edge.closed.not-before-since]: the look before this one may be of the same collection.
        let at_ns = clock::now_ns();
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let created_ns = entry.created_ns;
        let before = std::mem::take(&mut entry.holds);
        let held: BTreeSet<u64> = picture.iter().map(|hold| hold.edge).collect();
        for edge in before.difference(&held) {
            let edge = self.replaced.remove(edge).unwrap_or(*edge);
            self.close_edge(edge, Some(EdgeOutcome::Released), at_ns);
        }
        // After the old holds are closed and before new ones are opened: they fit in the old capacity, and in the new one.
        self.update_held(id, cell, &picture, at_ns);
        let is_open = |ledger: &mut Ledger, hold: &HoldFacts| {
            before.contains(&hold.edge) || ledger.open_hold(id, hold.edge, hold, created_ns, false)
        };
        let open = picture.iter().filter(|hold| is_open(self, hold));
        let open = open.map(|hold| hold.edge).collect();
        if let Some(entry) = self.resources.get_mut(&id) {
            entry.holds = open;
        }
    }

    /// Opens the hold as `edge`. For a hold without a known task, sends only its units.
    fn open_hold(&mut self, resource: u64, edge: u64, hold: &HoldFacts, created_ns: u64, given_away: bool) -> bool {
        if !self.tasks.contains_key(&hold.task) {
            return false;
        }
        // The poll in which it was acquired may have begun before the resource existed.
        let since_ns = clock::time_ns(hold.since).max(created_ns);
        let (task, mode, units) = (TaskId(hold.task), hold.mode.protocol(), hold.units.min(MAX_ID));
        let message = with!(
            EdgeHold::new(EdgeId(edge), task, ResourceId(resource), mode, units, since_ns),
            // The guard of a static lock can be `'static`.
            transferable = given_away || hold.transferable || image::contains(hold.guard.lock_address()),
            location = hold.location.map(|location| self.stream.location(location)),
        );
        self.open_edge(edge, hold.task, resource, message.into())
    }

    fn update_held(&mut self, id: u64, cell: &ResourceCell, picture: &[HoldFacts], at_ns: u64) {
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let held = picture.iter().fold(0_u64, |sum, hold| sum.saturating_add(hold.units));
        let before = &entry.state;
        // Added permits may be taken before the capacity includes them.
        let capacity = count(&cell.capacity).map(|capacity| capacity.max(held)).filter(|capacity| *capacity <= MAX_ID);
        // If some are not counted, the number is unknown, and so is a number that was never sent.
        let is_counted = before.length.is_some() || !cell.uncounted.load(Ordering::Relaxed);
        let now = with!(before.clone(), capacity, length = is_counted.then_some(held.min(MAX_ID)));
        if now != *before {
            let capacity = now.capacity.filter(|_| now.capacity != before.capacity);
            self.stream.push(with!(now.clone(), capacity, at_ns));
            entry.state = now;
        }
    }

    /// The task has ended. If the guard that it acquired last is still alive, elsewhere or leaked, its hold is sent before
    /// the task's end: afterwards it could not be. The holder of an older hold that was never sampled stays unknown.
    pub(super) fn sample_hold_that_outlives(&mut self, task: u64) {
        let Some(entry) = self.tasks.get(&task) else { return };
        let Some((resource, index)) = entry.cell.as_ref().map(|cell| cell.last_hold()) else { return };
        let Some(cell) = self.resources.get(&resource).and_then(|entry| entry.cell.clone()) else { return };
        // Samples this whole resource, so that no new hold is sent together with an old one that is gone.
        match &cell.open_holds {
            Some(holds) if holds.at(index).is_some_and(|hold| hold.task == task) => {
                self.sample_holds(resource, &cell, holds);
            }
            None if cell.holder.load(Ordering::Acquire) == task => self.sample_hold(resource, &cell),
            _ => {}
        }
    }

    pub(super) fn sample_hold(&mut self, id: u64, cell: &ResourceCell) {
        self.sample_hold_again(id, cell, false);
    }

    /// With `given_away`, opens an open hold again, as a transferable one.
    fn sample_hold_again(&mut self, id: u64, cell: &ResourceCell, mut given_away: bool) {
        let Some(entry) = self.resources.get(&id) else { return };
        let (before, created_ns) = (entry.hold, entry.created_ns);
        let holder = cell.holder.load(Ordering::Acquire);
        let number = cell.holds.load(Ordering::Acquire);
        let is_same = before.is_some_and(|(_, last)| last == number && holder != 0);
        if is_same && !given_away {
            return;
        }
        given_away &= is_same;
        if let Some((edge, _)) = before {
            let outcome = (!given_away).then_some(EdgeOutcome::Released);
            // r[edge.closed.not-before-since]: the look before this one may be of the same collection.
            self.close_edge(edge, outcome, clock::now_ns());
        }
        let mut hold = None;
        if holder != 0 {
            let edge = ids::next_edge();
            // SAFETY: a `&'static Location`, stored before the holder was.
            let location = unsafe { cell.held_at.load(Ordering::Relaxed).as_ref() };
            // The poll in which it was acquired may have begun before the resource existed.
            let since_ns = clock::time_ns(cell.held_since.load(Ordering::Relaxed)).max(created_ns);
            let keeps = |task: &CellRef| cell.acquirer().is_kept_by(task);
            let kept = self.tasks.get(&holder).and_then(|entry| entry.cell.as_ref()).is_some_and(keeps);
            let message = with!(
                EdgeHold::new(EdgeId(edge), TaskId(holder), ResourceId(id), HoldMode::Exclusive, 1, since_ns),
                transferable = given_away || !kept || image::contains(cell.lock_address()),
                location = location.map(|location| self.stream.location(location)),
            );
            // The fields belong to one hold only if no other one has begun meanwhile.
            let unchanged =
                cell.holds.load(Ordering::Relaxed) == number && cell.holder.load(Ordering::Relaxed) == holder;
            if unchanged && self.open_edge(edge, holder, id, message.into()) {
                hold = Some((edge, number));
            }
        }
        if let Some(entry) = self.resources.get_mut(&id) {
            entry.hold = hold;
        }
    }

    /// Opens an open hold again, as a transferable one. r[edge.hold.transferable]
    pub(super) fn make_transferable(&mut self, hold: u64) {
        let Some(resource) = self.edges.get(&hold).map(|edge| edge.resource()) else { return };
        let Some(entry) = self.resources.get(&resource) else { return };
        let (open, created_ns, cell) = (entry.hold, entry.created_ns, entry.cell.clone());
        let Some(cell) = cell else { return };
        match (&cell.open_holds, open) {
            (Some(holds), _) => {
                let Some(facts) = holds.picture().into_iter().find(|open| self.edge_of(open) == hold) else { return };
                self.close_edge(hold, None, clock::now_ns());
                let edge = ids::next_edge();
                if self.open_hold(resource, edge, &facts, created_ns, true) {
                    self.replaced.insert(facts.edge, edge);
                }
            }
            (None, Some((edge, _))) if edge == hold => self.sample_hold_again(resource, &cell, true),
            (None, _) => {}
        }
    }

    /// The edge of a sampled hold in the stream.
    pub(super) fn edge_of(&self, hold: &HoldFacts) -> u64 {
        self.replaced.get(&hold.edge).copied().unwrap_or(hold.edge)
    }
}
