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

    /// An operation or a hold that has not ended. r[operation.balanced]
    pub(super) fn open(&self) -> Option<OperationId> {
        self.open.first().copied()
    }

    /// Whether waits and holds were sampled, but no event was sent. r[detail.operations]
    pub(super) fn is_missing(&self) -> bool {
        self.events == 0 && self.sampled > 0
    }
}
