//! The number of units that an operation needs.

use crate::resource_kind::UnitKind;
use insight_protocol::Operation;

/// More than any sum of units, and all units of a lock for reading and writing.
pub(crate) const ALL: i128 = 1 << 100;

impl UnitKind {
    /// The number of units of this kind that an operation needs, if the wait says that it needs `need`.
    pub(crate) fn need(self, operation: &Operation, need: u64) -> i128 {
        match self {
            UnitKind::ReadWriteLock if *operation == Operation::Write => ALL,
            UnitKind::ReadWriteLock | UnitKind::Lock => 1,
            UnitKind::Permits | UnitKind::Room | UnitKind::Unknown => i128::from(need),
        }
    }
}
