//! The kinds of resources. Each has a module with its definition: its ends, the holds, the waits and the tasks that can
//! end them, and the words.
//!
//! [`ALL`] is the table of the kinds. A new kind is a module, its `mod` line, and its line in the table: the compiler names
//! a missing line, and each missing field. No other code asks which kind a resource has. It asks the definition for a
//! property.

mod definition;

mod barrier;
mod blocking_slot;
mod broadcast;
mod channel;
mod foreign;
mod io;
mod join;
mod mutex;
mod notify;
mod once_cell;
mod oneshot;
mod other;
mod rwlock;
mod semaphore;
mod timer;
mod watch;

pub use definition::{Definition, End, Ends, Freed, FreedBy, Level, LongHold, UnitKind, Wait};

use crate::Resource;
use insight_protocol::{ByResourceKind, ResourceKind};

/// The definition of each kind.
pub static ALL: ByResourceKind<Definition> = ByResourceKind {
    channel: channel::DEFINITION,
    mutex: mutex::DEFINITION,
    rwlock: rwlock::DEFINITION,
    semaphore: semaphore::DEFINITION,
    notify: notify::DEFINITION,
    oneshot: oneshot::DEFINITION,
    watch: watch::DEFINITION,
    broadcast: broadcast::DEFINITION,
    barrier: barrier::DEFINITION,
    once_cell: once_cell::DEFINITION,
    join: join::DEFINITION,
    timer: timer::DEFINITION,
    io: io::DEFINITION,
    blocking_slot: blocking_slot::DEFINITION,
    foreign: foreign::DEFINITION,
    other: other::DEFINITION,
};

/// The definition of this kind.
#[inline]
pub fn of(kind: &ResourceKind) -> &'static Definition {
    ALL.get(kind)
}

impl Resource {
    /// The definition of its kind.
    #[inline]
    pub fn definition(&self) -> &'static Definition {
        of(&self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::Operation;

    fn all() -> impl Iterator<Item = (ResourceKind, &'static Definition)> {
        ALL.iter().chain([(ResourceKind::Other("com.example.gate".into()), &ALL.other)])
    }

    #[test]
    fn an_operation_is_in_one_wait_of_a_kind_at_most() {
        for (kind, definition) in all() {
            let mut operations: Vec<&Operation> = definition.waits.iter().flat_map(|wait| wait.operations).collect();
            let listed = operations.len();
            operations.sort();
            operations.dedup();
            assert_eq!(operations.len(), listed, "{kind}");
        }
    }

    #[test]
    fn each_operation_of_the_protocol_belongs_to_a_kind() {
        for operation in Operation::KNOWN {
            let operation = Operation::from(*operation);
            assert!(all().any(|(_, definition)| definition.wait(&operation).is_some()), "{operation}");
        }
    }

    #[test]
    fn usual_operations_belong_to_waits_of_the_kind() {
        for (kind, definition) in all() {
            assert!(!definition.usual.is_empty(), "{kind}");
            let known = |operation| definition.waits.is_empty() || definition.wait(operation).is_some();
            assert!(definition.usual.iter().all(known), "{kind}");
        }
    }

    #[test]
    fn kinds_with_waits_for_units_have_units() {
        for (kind, definition) in all() {
            let by_units = definition.waits.iter().any(|wait| matches!(wait.freed.by, FreedBy::Holder | FreedBy::Room));
            assert_eq!(by_units, definition.units != UnitKind::Unknown, "{kind}");
        }
    }

    #[test]
    fn each_kind_has_its_sentence() {
        for (kind, definition) in all() {
            let says = definition.says;
            assert!(says.ends_with('.') && says.starts_with(char::is_uppercase), "{kind}: {says}");
        }
    }
}
