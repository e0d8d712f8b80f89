//! The messages of operations and holds, event by event, at detail `operations`.

use super::ledger::Ledger;
use crate::operation::{Event, OperationFact};
use crate::wait::Awaited;
use crate::{clock, origin};
use insight_protocol::*;

impl Ledger {
    /// Sends an event of the thread with this number.
    pub(super) fn operation(&mut self, fact: &OperationFact, thread: u64, ticks: u64) {
        let OperationFact { id, task, event } = *fact;
        let resources = &self.resources;
        let fitting = self.operations.fitting(id, event, |resource| resources.contains_key(&resource));
        let Some((id, event)) = fitting else { return };
        let at_ns = clock::time_ns(ticks);
        let task = Some(TaskId(task)).filter(|task| self.tasks.contains_key(&task.0));
        let of = |event| with!(TaskOperation::new(OperationId(id), event, thread, at_ns), task);
        let message = match event {
            Event::Begun { call, awaited, units, location } => {
                let (resource, joined) = match Awaited::from_word(awaited) {
                    Awaited::Resource(resource) => (Some(ResourceId(resource)), None),
                    Awaited::End(task) => (None, Some(TaskId(task))),
                    Awaited::Timer => (None, None),
                };
                // The location of a join is that of its poll.
                let location = location.filter(|at| joined.is_none() || origin::is_of_program(at.file()));
                with!(
                    of(OperationEvent::Begun),
                    resource,
                    joined,
                    operation = Some(call.protocol()),
                    units = Some(units.min(MAX_NUMBER)),
                    location = location.map(|location| self.stream.location(location))
                )
            }
            Event::InSlot(_) => return,
            Event::Pending => of(OperationEvent::Pending),
            Event::Granted(_) => of(OperationEvent::Granted),
            Event::Claimed(outcome) => {
                with!(of(OperationEvent::Claimed), outcome = outcome.map(|outcome| outcome.protocol()))
            }
            Event::Abandoned => of(OperationEvent::Abandoned),
            Event::Held { resource, mode, units, location } => with!(
                of(OperationEvent::Held),
                resource = Some(ResourceId(resource)),
                mode = Some(mode.protocol()),
                units = Some(units.min(MAX_NUMBER)),
                location = location.map(|location| self.stream.location(location))
            ),
            Event::Moved { mode, units, .. } => {
                with!(of(OperationEvent::Moved), mode = Some(mode.protocol()), units = Some(units.min(MAX_NUMBER)))
            }
            Event::Released | Event::Unlocked(_) => of(OperationEvent::Released),
            Event::Locked { resource, location } => with!(
                of(OperationEvent::Held),
                resource = Some(ResourceId(resource)),
                mode = Some(HoldMode::Exclusive),
                units = Some(1),
                location = Some(self.stream.location(location))
            ),
            Event::LockMoved(_) => {
                with!(of(OperationEvent::Moved), mode = Some(HoldMode::Exclusive), units = Some(1))
            }
        };
        self.stream.push(message);
    }
}
