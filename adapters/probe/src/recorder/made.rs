//! The resources that the recorder itself makes, for waits that name none: while something waits there.

use super::ledger::{Ledger, MadeFor, ResourceEntry};
use crate::ids;
use crate::slots::WaitFacts;
use crate::wait::Awaited;
use insight_protocol::*;
use std::panic::Location;

impl Ledger {
    /// The resource on which `wait` waits; `None` when that is the end of a task that has ended.
    pub(super) fn awaited_resource(&mut self, wait: &WaitFacts, at_ns: u64) -> Option<u64> {
        match Awaited::from_word(wait.awaited) {
            Awaited::Resource(id) => Some(id),
            Awaited::End(task) => self.join_resource(task, at_ns),
            Awaited::Timer => Some(self.timer_resource(wait.location, at_ns)),
        }
    }

    /// The resource that stands for the end of `task`, made at the first wait for it.
    fn join_resource(&mut self, task: u64, at_ns: u64) -> Option<u64> {
        if let Some(resource) = self.made.get(&MadeFor::End(task)) {
            return Some(*resource);
        }
        let target = self.tasks.get_mut(&task)?;
        // One without a cell has ended.
        let cell = target.cell.clone()?;
        let edge = ids::next_edge();
        let name = self.task_name(&cell);
        let location = self.spawned_at(&cell);
        let id = self.make(MadeFor::End(task), ResourceKind::Join, name, location, at_ns);
        let party = EdgeParty::new(EdgeId(edge), TaskId(task), ResourceId(id), PartyRole::Joined, true, at_ns);
        self.open_party(party);
        Some(id)
    }

    /// The resource that stands for the timers of a place, made at the first wait there.
    fn timer_resource(&mut self, location: Option<&'static Location<'static>>, at_ns: u64) -> u64 {
        match self.made.get(&MadeFor::Timer(location)) {
            Some(resource) => *resource,
            None => {
                let place = location.map(|location| self.stream.location(location));
                self.make(MadeFor::Timer(location), ResourceKind::Timer, None, place, at_ns)
            }
        }
    }

    fn make(
        &mut self,
        made_for: MadeFor,
        kind: ResourceKind,
        name: Option<StringId>,
        location: Option<LocationId>,
        at_ns: u64,
    ) -> u64 {
        let id = ids::next_resource();
        let created = with!(ResourceCreated::new(ResourceId(id), kind, at_ns), name, location);
        self.stream.push(created);
        let state = with!(ResourceUpdated::default(), id = ResourceId(id));
        self.resources.insert(id, ResourceEntry { made_for: Some(made_for), ..ResourceEntry::new(at_ns, state) });
        self.made.insert(made_for, id);
        id
    }
}
