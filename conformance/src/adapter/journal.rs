//! The journal of a case at detail `operations`, of an adapter with that capability.

use insight_protocol::{Message, OperationEvent, OperationId};
use std::collections::BTreeSet;

/// The operations and holds of a case.
#[derive(Debug, Default)]
pub(super) struct Journal {
    open: BTreeSet<OperationId>,
    /// Number of events.
    events: u64,
    /// Number of sampled waits and holds.
    sampled: u64,
}

impl Journal {
    pub(super) fn apply(&mut self, message: &Message) {
        self.sampled += u64::from(matches!(message, Message::EdgeWait(_) | Message::EdgeHold(_)));
        let Message::TaskOperation(operation) = message else { return };
        self.events += 1;
        match operation.event {
            OperationEvent::Begun | OperationEvent::Held => _ = self.open.insert(operation.id),
            OperationEvent::Claimed | OperationEvent::Abandoned | OperationEvent::Released => {
                self.open.remove(&operation.id);
            }
            _ => {}
        }
    }

    /// Begins another case.
    pub(super) fn begin(&mut self) {
        *self = Journal::default();
    }

    /// Whether each operation and each hold has ended. r[operation.balanced]
    pub(super) fn is_balanced(&self) -> bool {
        self.open.is_empty()
    }

    /// Checks that no operation is missing: waits and holds were sampled, but nothing was reported. r[detail.operations]
    pub(super) fn check(&self) -> Result<(), String> {
        match (self.events, self.sampled) {
            (0, sampled @ 1..) => {
                Err(format!("{sampled} waits and holds were sampled, and no `task.operation` was reported"))
            }
            _ => Ok(()),
        }
    }
}
