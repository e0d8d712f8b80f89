//! The kinds that this version of the protocol does not name.

use super::definition::{Definition, UNEXPLAINED};

pub(super) const DEFINITION: Definition =
    Definition { says: "A kind of a later version, or of an extension.", ..UNEXPLAINED };
