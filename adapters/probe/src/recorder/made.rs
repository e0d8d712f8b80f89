//! The resources that the recorder itself makes, for waits that name none: while something waits there.

use super::{Recorder, ResourceEntry};
use crate::ids;
use crate::slots::WaitFacts;
use crate::wait::Awaited;
use insight_protocol::*;
use std::collections::BTreeSet;
use std::panic::Location;

/// What such a resource stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MadeFor {
    /// The end of a task.
    End(u64),
    /// The timers of one place in the source.
    Timer(Option<&'static Location<'static>>),
}

impl Recorder {
    /// The resource on which `wait` waits; `None` when that is the end of a task that has ended.
    pub(super) fn awaited_resource(&mut self, wait: &WaitFacts, at_ns: u64, out: &mut Vec<Message>) -> Option<u64> {
        match Awaited::from_word(wait.awaited) {
            Awaited::Resource(id) => Some(id),
            Awaited::End(task) => self.join_resource(task, at_ns, out),
            Awaited::Timer => Some(self.timer_resource(wait.location, at_ns, out)),
        }
    }

    /// The resource that stands for the end of `task`, made at the first wait for it.
    fn join_resource(&mut self, task: u64, at_ns: u64, out: &mut Vec<Message>) -> Option<u64> {
        if let Some(resource) = self.made.get(&MadeFor::End(task)) {
            return Some(*resource);
        }
        let target = self.tasks.get_mut(&task)?;
        // One without a cell has ended.
        let cell = target.cell.clone()?;
        let edge = ids::next_edge();
        target.parties().joined.insert(edge);
        let name = self.task_name(&cell, out);
        let location = self.spawned_at(&cell, out);
        let id = self.make(MadeFor::End(task), ResourceKind::Join, name, location, at_ns, out);
        let party = EdgeParty {
            id: EdgeId(edge),
            task: TaskId(task),
            resource: ResourceId(id),
            role: PartyRole::Joined,
            exclusive: true,
            since_ns: at_ns,
        };
        self.open_edge(edge, task, id, party.into(), out);
        Some(id)
    }

    /// The resource that stands for the timers of a place, made at the first wait there.
    fn timer_resource(
        &mut self,
        location: Option<&'static Location<'static>>,
        at_ns: u64,
        out: &mut Vec<Message>,
    ) -> u64 {
        match self.made.get(&MadeFor::Timer(location)) {
            Some(resource) => *resource,
            None => {
                let place = location.map(|location| self.interned.location(location, out));
                self.make(MadeFor::Timer(location), ResourceKind::Timer, None, place, at_ns, out)
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
        out: &mut Vec<Message>,
    ) -> u64 {
        let id = ids::next_resource();
        let created = ResourceCreated {
            id: ResourceId(id),
            kind,
            name,
            location,
            task: None,
            capacity: None,
            hand_off: None,
            closed_by_any: false,
            at_ns,
        };
        out.push(created.into());
        let state = ResourceUpdated { id: ResourceId(id), ..ResourceUpdated::default() };
        let entry = ResourceEntry {
            cell: None,
            made_for: Some(made_for),
            named: true,
            created_ns: at_ns,
            state,
            hold: None,
            holds: BTreeSet::new(),
            edges: EdgeSet::default(),
            waits: 0,
        };
        self.resources.insert(id, entry);
        self.made.insert(made_for, id);
        id
    }
}
