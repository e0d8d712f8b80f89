//! The operations of waits. Each has its sentences in SPEC.md, its class and its words.
//!
//! The tasks that can end a wait depend on the resource too: see [`resource_kind`](crate::resource_kind).

use self::Class::{Contention, Others, Time, Unknown, Work};
use insight_protocol::{ByOperation, Operation};

/// The definition of each operation.
pub static ALL: ByOperation<Definition> = ByOperation {
    send: Definition {
        says: "Sends a message.",
        unblocked_by: "A receiver, or the holder of reserved places.",
        class: Contention,
        verb: "send to",
        waits: "for room in {}",
    },
    reserve: Definition {
        says: "Reserves places for messages.",
        unblocked_by: "A receiver, or the holder of reserved places.",
        class: Contention,
        verb: "reserve places in",
        waits: "for room in {}",
    },
    recv: Definition {
        says: "Receives a message.",
        unblocked_by: "A sender, or the holder of reserved places.",
        class: Work,
        verb: "receive from",
        waits: "to receive from {}",
    },
    closed: Definition {
        says: "Waits until a channel is closed.",
        unblocked_by: "The other end: the last receiver for a sending task, the last sender for a receiving task.",
        class: Work,
        verb: "observe the end of",
        waits: "on {}",
    },
    lock: Definition {
        says: "Locks.",
        unblocked_by: "The holder.",
        class: Contention,
        verb: "lock",
        waits: "to lock {}",
    },
    read: Definition {
        says: "Locks to read, together with other readers.",
        unblocked_by: "A holder of mode `exclusive`; behind a waiting writer, any holder.",
        class: Contention,
        verb: "read",
        waits: "to read-lock {}",
    },
    write: Definition {
        says: "Locks to write, alone.",
        unblocked_by: "Any holder.",
        class: Contention,
        verb: "write",
        waits: "to write-lock {}",
    },
    acquire: Definition {
        says: "Acquires permits.",
        unblocked_by: "Any holder; any code may add permits.",
        class: Contention,
        verb: "acquire",
        waits: "for permits of {}",
    },
    notified: Definition {
        says: "Waits for a notification.",
        unblocked_by: "Any code that has a handle: unknown.",
        class: Work,
        verb: "be notified by",
        waits: "on {}",
    },
    changed: Definition {
        says: "Waits until a watched value changes.",
        unblocked_by: "A sender.",
        class: Work,
        verb: "observe a change of",
        waits: "on {}",
    },
    init: Definition {
        says: "Waits for a value that another task makes.",
        unblocked_by: "The holder, which makes the value.",
        class: Contention,
        verb: "get the value of",
        waits: "on {}",
    },
    wait: Definition {
        says: "Waits for the other tasks of a barrier, or for a value that is set once.",
        unblocked_by: "Any task that arrives at the barrier or sets the value: unknown.",
        class: Others,
        verb: "wait for",
        waits: "on {}",
    },
    join: Definition {
        says: "Waits for the end of a task.",
        unblocked_by: "The `joined` parties.",
        class: Others,
        verb: "join",
        waits: "for the end of a task",
    },
    sleep: Definition {
        says: "Sleeps.",
        unblocked_by: "The timer.",
        class: Time,
        verb: "sleep until",
        waits: "for a timer",
    },
    other: Definition {
        says: "An operation that this version does not know.",
        unblocked_by: "Unknown.",
        class: Unknown,
        verb: "wait for",
        waits: "on {}",
    },
};

/// The properties that all waits with an operation have.
#[derive(Debug)]
#[non_exhaustive]
pub struct Definition {
    /// Its sentence in the table of SPEC.md.
    pub says: &'static str,
    /// The tasks that can end such a wait, in that table.
    pub unblocked_by: &'static str,
    /// The class of such waits.
    pub class: Class,
    /// The verb before the resource: ``send to channel `orders` ``.
    pub verb: &'static str,
    /// The words after `waits`, with `{}` in the place of the resource.
    pub waits: &'static str,
}

/// The class of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// For a lock, permits or room. It does not last in a healthy program.
    Contention,
    /// For other tasks to end, or to reach a point.
    Others,
    /// For work.
    Work,
    /// For a timer.
    Time,
    /// Unknown to this version.
    Unknown,
}

/// Whether a wait with this operation does not last in a healthy program.
pub(crate) fn is_hard(operation: &Operation) -> bool {
    of(operation).class == Class::Contention
}

/// The definition of this operation.
pub fn of(operation: &Operation) -> &'static Definition {
    ALL.get(operation)
}
