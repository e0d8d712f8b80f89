//! The facts that the program's threads record, and their form in the queues.
//!
//! A fact is an event that the recorder must not miss. In a queue it is a [`Record`]: a time, a kind and five words, which a
//! debugger can read, too. Only [`Fact::encode`] and [`Fact::decode`] know the meaning of each word.

use crate::executor::Executor;
use crate::kind::Kind;
use crate::meta::Body;
use crate::operation::OperationFact;
use crate::panic_message::PanicMessage;
use crate::raw::Reported;
use crate::resource_cell::ResourceCell;
use crate::role::Role;
use insight_protocol::{EdgeOutcome, Outcome};
use std::panic::Location;
use std::sync::Arc;

/// An event, with the IDs of its objects.
#[derive(Debug)]
pub(crate) enum Fact {
    TaskSpawned(Spawn),
    TaskCompleted {
        task: u64,
        end: TaskEnd,
    },
    /// Its poll or its closure has panicked, and the program asks for the messages of panics. Its end follows.
    Panicked {
        task: u64,
        message: Box<PanicMessage>,
    },
    /// From now on code can cancel the task that has none of its join handles. Nothing follows if the task has ended.
    Cancellable {
        task: u64,
    },
    /// `creator` is the id of a task, or 0.
    ResourceCreated {
        resource: u64,
        creator: u64,
        cell: Arc<ResourceCell>,
    },
    ResourceDropped {
        resource: u64,
    },
    Party {
        edge: u64,
        task: u64,
        resource: u64,
        role: Role,
        exclusive: bool,
    },
    Permit {
        edge: u64,
        task: u64,
        resource: u64,
        units: u64,
        location: &'static Location<'static>,
    },
    EdgeClosed {
        edge: u64,
        end: EdgeEnd,
    },
    /// An adapter reports it by an explicit call.
    Reported(Box<Reported>),
    /// At detail `operations`.
    Operation(OperationFact),
}

/// All that the message of a spawn needs, so that the cell of a task that has ended is not needed for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spawn {
    pub task: u64,
    /// The id of a task, or 0.
    pub parent: u64,
    pub kind: Kind,
    pub location: &'static Location<'static>,
    pub body: &'static Body,
    pub executor: &'static Executor,
}

/// How a task ended.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskEnd {
    Returned = 1,
    Panicked = 2,
    Cancelled = 3,
    Unseen = 4,
}

/// How an edge ended; `Unsaid` where its kind says enough.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeEnd {
    Unsaid = 0,
    Released = 1,
    Moved = 2,
    Claimed = 3,
    Abandoned = 4,
}

/// A fact in a queue.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// When, in ticks.
    pub ticks: u64,
    pub kind: FactKind,
    words: [u64; 5],
}

/// The kind of a fact, with the meaning of its words.
#[repr(u64)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FactKind {
    /// `[task, parent, location, body, executor]`; above the parent the kind.
    TaskSpawned = 1,
    /// `[task, end]`
    TaskCompleted = 2,
    /// `[resource cell (an owned Arc), resource, creator]`
    ResourceCreated = 3,
    /// `[resource]`
    ResourceDropped = 4,
    /// `[edge, task, resource, role, exclusive]`
    Party = 5,
    /// `[edge, task, resource, units, location]`
    Permit = 6,
    /// `[edge, end]`
    EdgeClosed = 7,
    /// `[the report (an owned Box)]`
    Reported = 8,
    /// `[the message (an owned Box), task]`
    Panicked = 9,
    /// `[task]`
    Cancellable = 10,
    /// As [`OperationFact::encode`] has them.
    Operation = 11,
}

impl FactKind {
    /// Number of values, with the 0 that is none.
    pub(crate) const COUNT: usize = FactKind::Operation as usize + 1;
}

/// The position of a task's kind in the word of its parent's id.
const KIND_SHIFT: u32 = 56;

impl Fact {
    #[inline]
    pub(crate) fn kind(&self) -> FactKind {
        match self {
            Fact::TaskSpawned(_) => FactKind::TaskSpawned,
            Fact::TaskCompleted { .. } => FactKind::TaskCompleted,
            Fact::ResourceCreated { .. } => FactKind::ResourceCreated,
            Fact::ResourceDropped { .. } => FactKind::ResourceDropped,
            Fact::Party { .. } => FactKind::Party,
            Fact::Permit { .. } => FactKind::Permit,
            Fact::EdgeClosed { .. } => FactKind::EdgeClosed,
            Fact::Reported(_) => FactKind::Reported,
            Fact::Panicked { .. } => FactKind::Panicked,
            Fact::Cancellable { .. } => FactKind::Cancellable,
            Fact::Operation(_) => FactKind::Operation,
        }
    }

    /// The id of the task or the resource that a fact introduces.
    pub(crate) fn introduces(&self) -> Option<u64> {
        match self {
            Fact::TaskSpawned(spawn) => Some(spawn.task),
            Fact::ResourceCreated { resource, .. } => Some(*resource),
            _ => None,
        }
    }

    /// The fact as a queue keeps it. The record owns everything that the fact owned, until it is decoded.
    #[inline]
    pub(crate) fn encode(self, ticks: u64) -> Record {
        let kind = self.kind();
        let words = match self {
            Fact::TaskSpawned(spawn) => return spawn.encode(ticks),
            Fact::TaskCompleted { task, end } => [task, end as u64, 0, 0, 0],
            Fact::ResourceCreated { resource, creator, cell } => {
                [Arc::into_raw(cell) as usize as u64, resource, creator, 0, 0]
            }
            Fact::ResourceDropped { resource } => [resource, 0, 0, 0, 0],
            Fact::Party { edge, task, resource, role, exclusive } => {
                [edge, task, resource, role as u64, u64::from(exclusive)]
            }
            Fact::Permit { edge, task, resource, units, location } => [edge, task, resource, units, word(location)],
            Fact::EdgeClosed { edge, end } => [edge, end as u64, 0, 0, 0],
            Fact::Reported(reported) => [Box::into_raw(reported) as usize as u64, 0, 0, 0, 0],
            Fact::Panicked { task, message } => [Box::into_raw(message) as usize as u64, task, 0, 0, 0],
            Fact::Cancellable { task } => [task, 0, 0, 0, 0],
            Fact::Operation(operation) => operation.encode(),
        };
        Record { ticks, kind, words }
    }

    /// The fact of a record.
    ///
    /// # Safety
    /// `record` is of [`encode`](Fact::encode), and is decoded once.
    pub(crate) unsafe fn decode(record: Record) -> Fact {
        let [first, second, third, fourth, fifth] = record.words;
        match record.kind {
            FactKind::TaskSpawned => Fact::TaskSpawned(Spawn {
                task: first,
                parent: second & !(u64::MAX << KIND_SHIFT),
                kind: Kind::from_byte((second >> KIND_SHIFT) as u8),
                // SAFETY: `Spawn::encode` had references to statics of these types.
                location: unsafe { reference(third) },
                // SAFETY: by `Spawn::encode`, as the location.
                body: unsafe { reference(fourth) },
                // SAFETY: by `Spawn::encode`, as the location.
                executor: unsafe { reference(fifth) },
            }),
            FactKind::TaskCompleted => Fact::TaskCompleted { task: first, end: TaskEnd::from_byte(second as u8) },
            FactKind::ResourceCreated => {
                // SAFETY: `encode` made it by `into_raw`, and the caller decodes the record once.
                let cell = unsafe { Arc::from_raw(first as usize as *const ResourceCell) };
                Fact::ResourceCreated { resource: second, creator: third, cell }
            }
            FactKind::ResourceDropped => Fact::ResourceDropped { resource: first },
            FactKind::Party => Fact::Party {
                edge: first,
                task: second,
                resource: third,
                role: Role::from_byte(fourth as u8),
                exclusive: fifth != 0,
            },
            FactKind::Permit => {
                // SAFETY: `encode` had a reference to a static of this type.
                let location = unsafe { reference(fifth) };
                Fact::Permit { edge: first, task: second, resource: third, units: fourth, location }
            }
            FactKind::EdgeClosed => Fact::EdgeClosed { edge: first, end: EdgeEnd::from_byte(second as u8) },
            // SAFETY: `encode` made it by `into_raw`, and the caller decodes the record once.
            FactKind::Reported => Fact::Reported(unsafe { Box::from_raw(first as usize as *mut Reported) }),
            FactKind::Panicked => {
                // SAFETY: `encode` made it by `into_raw`, and the caller decodes the record once.
                let message = unsafe { Box::from_raw(first as usize as *mut PanicMessage) };
                Fact::Panicked { task: second, message }
            }
            FactKind::Cancellable => Fact::Cancellable { task: first },
            // SAFETY: they are of `OperationFact::encode`.
            FactKind::Operation => Fact::Operation(unsafe { OperationFact::decode(record.words) }),
        }
    }
}

impl Spawn {
    #[inline]
    pub(crate) fn encode(self, ticks: u64) -> Record {
        let words = [
            self.task,
            self.parent | (self.kind as u64) << KIND_SHIFT,
            word(self.location),
            word(self.body),
            word(self.executor),
        ];
        Record { ticks, kind: FactKind::TaskSpawned, words }
    }
}

/// A static, in a word.
#[inline]
fn word<T>(to: &'static T) -> u64 {
    std::ptr::from_ref(to) as usize as u64
}

/// # Safety
/// `word` is of the function `word`, with the same type.
unsafe fn reference<T>(word: u64) -> &'static T {
    // SAFETY: it was a reference to a static.
    unsafe { &*(word as usize as *const T) }
}

impl TaskEnd {
    fn from_byte(byte: u8) -> TaskEnd {
        match byte {
            1 => TaskEnd::Returned,
            2 => TaskEnd::Panicked,
            3 => TaskEnd::Cancelled,
            _ => TaskEnd::Unseen,
        }
    }

    /// The end that takes two bits; 0 is none.
    pub(crate) fn from_bits(bits: u64) -> Option<TaskEnd> {
        (bits != 0).then(|| TaskEnd::from_byte(bits as u8))
    }

    pub(crate) fn of(outcome: &Outcome) -> TaskEnd {
        match outcome {
            Outcome::Returned => TaskEnd::Returned,
            Outcome::Panicked => TaskEnd::Panicked,
            Outcome::Cancelled => TaskEnd::Cancelled,
            _ => TaskEnd::Unseen,
        }
    }

    pub(crate) fn protocol(self) -> Outcome {
        match self {
            TaskEnd::Returned => Outcome::Returned,
            TaskEnd::Panicked => Outcome::Panicked,
            TaskEnd::Cancelled => Outcome::Cancelled,
            TaskEnd::Unseen => Outcome::Unseen,
        }
    }
}

impl EdgeEnd {
    fn from_byte(byte: u8) -> EdgeEnd {
        match byte {
            1 => EdgeEnd::Released,
            2 => EdgeEnd::Moved,
            3 => EdgeEnd::Claimed,
            4 => EdgeEnd::Abandoned,
            _ => EdgeEnd::Unsaid,
        }
    }

    pub(crate) fn of(outcome: &EdgeOutcome) -> EdgeEnd {
        match outcome {
            EdgeOutcome::Released => EdgeEnd::Released,
            EdgeOutcome::Moved => EdgeEnd::Moved,
            EdgeOutcome::Claimed => EdgeEnd::Claimed,
            EdgeOutcome::Abandoned => EdgeEnd::Abandoned,
            _ => EdgeEnd::Unsaid,
        }
    }

    pub(crate) fn protocol(self) -> Option<EdgeOutcome> {
        match self {
            EdgeEnd::Unsaid => None,
            EdgeEnd::Released => Some(EdgeOutcome::Released),
            EdgeEnd::Moved => Some(EdgeOutcome::Moved),
            EdgeEnd::Claimed => Some(EdgeOutcome::Claimed),
            EdgeEnd::Abandoned => Some(EdgeOutcome::Abandoned),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::operation::Event;
    use crate::resource_cell::Type;

    /// Each kind, with values that show if two words are exchanged. A cell has one reference more while a record has it.
    #[test]
    fn a_fact_is_what_was_encoded() {
        static EXECUTOR: Executor = Executor::new("facts", "1.0", || None);
        let location = Location::caller();
        let cell = ResourceCell::new(Type::Notify, location, None);
        let spawn =
            Spawn { task: 1, parent: 2, kind: Kind::BlockOn, location, body: Body::UNKNOWN, executor: &EXECUTOR };
        // The test of the bound on unread messages may take all the room for a moment.
        let message = std::iter::repeat_with(|| PanicMessage::of(&"text")).find_map(|message| message).unwrap();
        let facts = [
            Fact::TaskSpawned(spawn),
            Fact::TaskSpawned(Spawn { parent: 0, kind: Kind::Task, ..spawn }),
            Fact::TaskCompleted { task: 3, end: TaskEnd::Panicked },
            Fact::ResourceCreated { resource: 4, creator: 5, cell: cell.clone() },
            Fact::ResourceDropped { resource: 6 },
            Fact::Party { edge: 7, task: 8, resource: 9, role: Role::Joined, exclusive: true },
            Fact::Permit { edge: 10, task: 11, resource: 12, units: 13, location },
            Fact::EdgeClosed { edge: 14, end: EdgeEnd::Abandoned },
            Fact::EdgeClosed { edge: 15, end: EdgeEnd::Unsaid },
            Fact::Reported(Box::new(Reported::Update(16, crate::RawUpdate::default()))),
            Fact::Panicked { task: 17, message: Box::new(message) },
            Fact::Cancellable { task: 18 },
            Fact::Operation(OperationFact { id: 19, task: 20, event: Event::Pending }),
        ];
        for fact in facts {
            let (text, kind) = (format!("{fact:?}"), fact.kind());
            let record = fact.encode(17);
            assert_eq!((record.ticks, record.kind), (17, kind));
            // SAFETY: just encoded, and decoded once.
            let decoded = unsafe { Fact::decode(record) };
            assert_eq!(format!("{decoded:?}"), text);
        }
        assert_eq!(Arc::strong_count(&cell), 1);
    }

    #[test]
    fn an_end_is_what_the_protocol_calls_it() {
        for end in [TaskEnd::Returned, TaskEnd::Panicked, TaskEnd::Cancelled, TaskEnd::Unseen] {
            assert_eq!((TaskEnd::of(&end.protocol()), TaskEnd::from_byte(end as u8)), (end, end));
        }
        for end in [EdgeEnd::Released, EdgeEnd::Moved, EdgeEnd::Claimed, EdgeEnd::Abandoned] {
            assert_eq!((EdgeEnd::of(&end.protocol().unwrap()), EdgeEnd::from_byte(end as u8)), (end, end));
        }
    }
}
