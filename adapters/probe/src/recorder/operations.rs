//! Operations and holds, event by event, at detail `operations`.

use crate::operation::Event;
use crate::wait::Awaited;
use std::collections::HashMap;

/// The open operations and holds. The ledger sends only events that fit: so an operation is left out completely if its begin was, and
/// a wake at the moment of its end is not sent after it.
#[derive(Debug, Default)]
pub(super) struct Operations {
    open: HashMap<u64, Open>,
    /// The open operation whose wakers point to a slot, by the slot's address.
    slots: HashMap<u64, u64>,
    /// The first edge of each open hold whose edge has changed, by its present edge.
    moved: HashMap<u64, u64>,
    /// The hold of each resource that has one holder at a time.
    locked: HashMap<u64, u64>,
}

#[derive(Debug)]
struct Open {
    /// 0 for none.
    resource: u64,
    /// Whether a poll without a result was sent since it was granted last.
    pending: bool,
    /// Whether a wake was sent since its last poll without a result.
    granted: bool,
    /// The slot of its wakers; 0 for none.
    slot: u64,
}

/// Bytes counted for each open operation or hold.
pub(super) const OPERATION_BYTES: usize = 150;

impl Operations {
    /// Number of open operations and holds.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    fn end(&mut self, id: u64) {
        if let Some(open) = self.open.remove(&id) {
            if self.slots.get(&open.slot) == Some(&id) {
                self.slots.remove(&open.slot);
            }
        }
    }

    /// Forgets the operations and holds of a resource that is dropped: leaked ones.
    pub(super) fn resource_dropped(&mut self, resource: u64) {
        if self.locked.remove(&resource).is_some() || !self.open.is_empty() {
            self.open.retain(|_, open| open.resource != resource);
        }
    }

    /// The event with the ID that the stream has of its operation or hold; `None` if the event does not fit, and is not sent.
    /// `is_known` returns whether a resource is alive in the stream.
    pub(super) fn fitting(&mut self, id: u64, event: Event, is_known: impl Fn(u64) -> bool) -> Option<(u64, Event)> {
        let open = |resource| Open { resource, pending: false, granted: false, slot: 0 };
        let Operations { open: all, slots, moved, locked } = self;
        match event {
            Event::Begun { awaited, .. } => {
                let resource = match Awaited::from_word(awaited) {
                    Awaited::Resource(resource) if !is_known(resource) => return None,
                    Awaited::Resource(resource) => resource,
                    Awaited::End(_) | Awaited::Timer => 0,
                };
                all.insert(id, open(resource));
                Some((id, event))
            }
            Event::InSlot(slot) => {
                all.get_mut(&id)?.slot = slot;
                slots.insert(slot, id);
                None
            }
            Event::Pending => {
                let open = all.get_mut(&id)?;
                let is_sent = !open.pending;
                (open.pending, open.granted) = (true, false);
                is_sent.then_some((id, event))
            }
            Event::Granted(slot) => {
                let id = *slots.get(&slot)?;
                let open = all.get_mut(&id)?;
                let is_sent = !open.granted;
                (open.pending, open.granted) = (false, true);
                is_sent.then_some((id, event))
            }
            Event::Claimed(_) | Event::Abandoned => {
                all.contains_key(&id).then(|| self.end(id))?;
                Some((id, event))
            }
            Event::Held { resource, .. } => {
                is_known(resource).then(|| all.insert(id, open(resource)))?;
                Some((id, event))
            }
            Event::Moved { edge, .. } => {
                let first = moved.remove(&id).unwrap_or(id);
                all.contains_key(&first).then(|| moved.insert(edge, first))?;
                Some((first, event))
            }
            Event::Released => {
                let first = moved.remove(&id).unwrap_or(id);
                all.remove(&first)?;
                Some((first, event))
            }
            Event::Locked { resource, .. } => {
                is_known(resource).then(|| all.insert(id, open(resource)))?;
                locked.insert(resource, id);
                Some((id, event))
            }
            Event::LockMoved(resource) => Some((*locked.get(&resource)?, event)),
            Event::Unlocked(resource) => {
                let id = locked.remove(&resource)?;
                all.remove(&id)?;
                Some((id, event))
            }
        }
    }
}
