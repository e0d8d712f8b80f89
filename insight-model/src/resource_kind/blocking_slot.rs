//! `blocking_slot`.

use super::definition::{Definition, UNEXPLAINED};

pub(super) const DEFINITION: Definition =
    Definition { says: "A thread of the pool for blocking closures.", ..UNEXPLAINED };
