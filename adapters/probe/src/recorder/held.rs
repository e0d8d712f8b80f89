//! Who holds what several can hold, as sampled.

use super::Recorder;
use crate::clock;
use crate::holds::{HoldFacts, Holds};
use crate::resource::{ResourceCell, count};
use insight_protocol::*;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

impl Recorder {
    /// Tells what differs from the last look. At each message what is told is a part of what was held at one instant.
    pub(super) fn sample_holds(&mut self, id: u64, cell: &ResourceCell, holds: &Holds, out: &mut Vec<Message>) {
        let picture = holds.picture();
        // r[edge.closed.not-before-since]: the look before this one may be of the same collection.
        let at_ns = self.now_ns();
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let created_ns = entry.created_ns;
        let before = std::mem::take(&mut entry.holds);
        let held: BTreeSet<u64> = picture.iter().map(|hold| hold.edge).collect();
        for edge in before.difference(&held) {
            self.close_edge(*edge, Some(EdgeOutcome::Released), at_ns, out);
        }
        // After the old holds are closed and before new ones are opened: they fit in the old capacity, and in the new one.
        self.update_held(id, cell, &picture, at_ns, out);
        let open =
            picture.iter().filter(|hold| before.contains(&hold.edge) || self.open_hold(id, hold, created_ns, out));
        let open = open.map(|hold| hold.edge).collect();
        if let Some(entry) = self.resources.get_mut(&id) {
            entry.holds = open;
        }
    }

    /// Of a hold without a task, or of one that is not known, only its units are told.
    fn open_hold(&mut self, resource: u64, hold: &HoldFacts, created_ns: u64, out: &mut Vec<Message>) -> bool {
        if !self.tasks.contains_key(&hold.task) {
            return false;
        }
        let message = EdgeHold {
            id: EdgeId(hold.edge),
            task: TaskId(hold.task),
            resource: ResourceId(resource),
            mode: hold.mode.protocol(),
            units: hold.units.min(MAX_ID),
            transferable: hold.transferable,
            location: hold.location.map(|location| self.interned.location(location, out)),
            // The poll in which it was acquired may have begun before the resource was there.
            since_ns: clock::time_ns(hold.since).max(created_ns),
        };
        self.open_edge(hold.edge, hold.task, resource, message.into(), out)
    }

    fn update_held(&mut self, id: u64, cell: &ResourceCell, picture: &[HoldFacts], at_ns: u64, out: &mut Vec<Message>) {
        let Some(entry) = self.resources.get_mut(&id) else { return };
        let held = picture.iter().fold(0_u64, |sum, hold| sum.saturating_add(hold.units));
        let before = &entry.state;
        let now = ResourceUpdated {
            // Permits that were just added may be taken before the capacity says so.
            capacity: count(&cell.capacity).map(|capacity| capacity.max(held)).filter(|capacity| *capacity <= MAX_ID),
            // With some that are not counted the number is not known, and what was never sent is unknown.
            length: (before.length.is_some() || !cell.uncounted.load(Ordering::Relaxed)).then_some(held.min(MAX_ID)),
            ..before.clone()
        };
        if now != *before {
            let capacity = now.capacity.filter(|_| now.capacity != before.capacity);
            out.push(ResourceUpdated { capacity, at_ns, ..now.clone() }.into());
            entry.state = now;
        }
    }

    /// The task has ended. If the guard that it acquired last lives on, elsewhere or leaked, its hold is told before the
    /// task's end is: afterwards it could not be. An older one that was never sampled stays one by nobody that is known.
    pub(super) fn sample_hold_that_outlives(&mut self, task: u64, out: &mut Vec<Message>) {
        let Some(entry) = self.tasks.get(&task) else { return };
        let Some((resource, index)) = entry.cell.as_ref().map(|cell| cell.last_hold()) else { return };
        let Some(cell) = self.resources.get(&resource).and_then(|entry| entry.cell.clone()) else { return };
        // Of this one resource everything is told, so that a new hold is not told beside an old one that is gone.
        match &cell.open_holds {
            Some(holds) if holds.at(index).is_some_and(|hold| hold.task == task) => {
                self.sample_holds(resource, &cell, holds, out);
            }
            None if cell.holder.load(Ordering::Acquire) == task => self.sample_hold(resource, &cell, out),
            _ => {}
        }
    }
}
