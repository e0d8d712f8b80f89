//! An event of an operation or of a hold, at detail `operations`.

use crate::call::{Call, CallOutcome};
use crate::holds::Mode;
use std::panic::Location;

/// An event, with the task of its thread. The ledger leaves out events that do not fit: an operation's other events if there was no
/// room for its begin, or a wake of an operation that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OperationFact {
    /// The operation; or the hold, by its edge. 0 where the event names it in another way.
    pub id: u64,
    /// 0 outside of observed tasks.
    pub task: u64,
    pub event: Event,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Event {
    /// `awaited` as in an open wait: a resource's ID, a task's with a mark, or a timer.
    Begun {
        call: Call,
        awaited: u64,
        units: u64,
        location: Option<&'static Location<'static>>,
    },
    /// Wakers of the operation point to the slot at this address from now on. It is not sent.
    InSlot(u64),
    Pending,
    /// A waker that points to the slot at this address has fired.
    Granted(u64),
    Claimed(Option<CallOutcome>),
    Abandoned,
    Held {
        resource: u64,
        mode: Mode,
        units: u64,
        location: Option<&'static Location<'static>>,
    },
    /// The hold has this edge from now on.
    Moved {
        edge: u64,
        mode: Mode,
        units: u64,
    },
    Released,
    /// A resource with one holder at a time has got one. The next three events name the hold by the resource.
    Locked {
        resource: u64,
        location: &'static Location<'static>,
    },
    LockMoved(u64),
    Unlocked(u64),
}

/// The upper byte of a word is for another number: an ID and an address leave it free.
const SHIFT: u32 = 56;
const LOW: u64 = (1 << SHIFT) - 1;

impl OperationFact {
    pub(crate) fn encode(self) -> [u64; 5] {
        let (tag, byte, words) = match self.event {
            Event::Begun { call, awaited, units, location } => (0, call as u8, [awaited, units, address(location)]),
            Event::InSlot(slot) => (1, 0, [slot, 0, 0]),
            Event::Pending => (2, 0, [0; 3]),
            Event::Granted(slot) => (3, 0, [slot, 0, 0]),
            Event::Claimed(outcome) => (4, outcome.map_or(0, |outcome| outcome as u8), [0; 3]),
            Event::Abandoned => (5, 0, [0; 3]),
            Event::Held { resource, mode, units, location } => (6, mode as u8, [resource, units, address(location)]),
            Event::Moved { edge, mode, units } => (7, mode as u8, [edge, units, 0]),
            Event::Released => (8, 0, [0; 3]),
            Event::Locked { resource, location } => (9, 0, [resource, 0, address(Some(location))]),
            Event::LockMoved(resource) => (10, 0, [resource, 0, 0]),
            Event::Unlocked(resource) => (11, 0, [resource, 0, 0]),
        };
        let [first, second, third] = words;
        [self.id | tag << SHIFT, self.task | u64::from(byte) << SHIFT, first, second, third]
    }

    /// # Safety
    /// `words` are of [`encode`](OperationFact::encode).
    pub(crate) unsafe fn decode(words: [u64; 5]) -> OperationFact {
        let [id, task, first, second, third] = words;
        let byte = (task >> SHIFT) as u8;
        // SAFETY: null, or by `encode` the address of a static.
        let location = unsafe { (third as usize as *const Location<'static>).as_ref() };
        let event = match id >> SHIFT {
            0 => Event::Begun { call: Call::from_byte(byte), awaited: first, units: second, location },
            1 => Event::InSlot(first),
            2 => Event::Pending,
            3 => Event::Granted(first),
            4 => Event::Claimed(CallOutcome::from_byte(byte)),
            6 => Event::Held { resource: first, mode: Mode::from_byte(byte), units: second, location },
            7 => Event::Moved { edge: first, mode: Mode::from_byte(byte), units: second },
            8 => Event::Released,
            9 => match location {
                Some(location) => Event::Locked { resource: first, location },
                None => Event::Released,
            },
            10 => Event::LockMoved(first),
            11 => Event::Unlocked(first),
            _ => Event::Abandoned,
        };
        OperationFact { id: id & LOW, task: task & LOW, event }
    }
}

fn address(location: Option<&'static Location<'static>>) -> u64 {
    location.map_or(0, |location| std::ptr::from_ref(location) as usize as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_was_encoded() {
        let location = Some(Location::caller());
        let events = [
            Event::Begun { call: Call::Set, awaited: 1 << 63 | 5, units: 7, location },
            Event::Begun { call: Call::Send, awaited: 5, units: 7, location: None },
            Event::InSlot(3),
            Event::Pending,
            Event::Granted(3),
            Event::Claimed(None),
            Event::Claimed(Some(CallOutcome::Succeeded)),
            Event::Claimed(Some(CallOutcome::Unavailable)),
            Event::Claimed(Some(CallOutcome::Closed)),
            Event::Claimed(Some(CallOutcome::Failed)),
            Event::Abandoned,
            Event::Held { resource: 3, mode: Mode::Shared, units: 1, location },
            Event::Moved { edge: 4, mode: Mode::Permit, units: 9 },
            Event::Released,
            Event::Locked { resource: 3, location: Location::caller() },
            Event::LockMoved(3),
            Event::Unlocked(3),
        ];
        for event in events {
            let fact = OperationFact { id: 11, task: 13, event };
            // SAFETY: just encoded.
            assert_eq!(unsafe { OperationFact::decode(fact.encode()) }, fact);
        }
    }
}
