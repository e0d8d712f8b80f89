//! The sampled holders of resources.

use super::ledger::Ledger;
use crate::holds::{HoldFacts, Holds};
use crate::resource_cell::{ResourceCell, count};
use crate::{clock, ids};
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
            self.close_edge(*edge, Some(EdgeOutcome::Released), at_ns);
        }
        // After the old holds are closed and before new ones are opened: they fit in the old capacity, and in the new one.
        self.update_held(id, cell, &picture, at_ns);
        let open = picture.iter().filter(|hold| before.contains(&hold.edge) || self.open_hold(id, hold, created_ns));
        let open = open.map(|hold| hold.edge).collect();
        if let Some(entry) = self.resources.get_mut(&id) {
            entry.holds = open;
        }
    }

    /// For a hold without a known task, sends only its units.
    fn open_hold(&mut self, resource: u64, hold: &HoldFacts, created_ns: u64) -> bool {
        if !self.tasks.contains_key(&hold.task) {
            return false;
        }
        // The poll in which it was acquired may have begun before the resource existed.
        let since_ns = clock::time_ns(hold.since).max(created_ns);
        let (task, mode, units) = (TaskId(hold.task), hold.mode.protocol(), hold.units.min(MAX_ID));
        let message = with!(
            EdgeHold::new(EdgeId(hold.edge), task, ResourceId(resource), mode, units, since_ns),
            transferable = hold.transferable,
            location = hold.location.map(|location| self.stream.location(location)),
        );
        self.open_edge(hold.edge, hold.task, resource, message.into())
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
        let Some(entry) = self.resources.get(&id) else { return };
        let (before, created_ns) = (entry.hold, entry.created_ns);
        let holder = cell.holder.load(Ordering::Acquire);
        let number = cell.holds.load(Ordering::Acquire);
        if before.is_some_and(|(_, last)| last == number && holder != 0) {
            return;
        }
        if let Some((edge, _)) = before {
            // r[edge.closed.not-before-since]: the look before this one may be of the same collection.
            self.close_edge(edge, Some(EdgeOutcome::Released), clock::now_ns());
        }
        let mut hold = None;
        if holder != 0 {
            let edge = ids::next_edge();
            // SAFETY: a `&'static Location`, stored before the holder was.
            let location = unsafe { cell.held_at.load(Ordering::Relaxed).as_ref() };
            // The poll in which it was acquired may have begun before the resource existed.
            let since_ns = clock::time_ns(cell.held_since.load(Ordering::Relaxed)).max(created_ns);
            let message = with!(
                EdgeHold::new(EdgeId(edge), TaskId(holder), ResourceId(id), HoldMode::Exclusive, 1, since_ns),
                transferable = cell.transferable.load(Ordering::Relaxed),
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
}
