//! `foreign`.

use super::definition::{Definition, UNEXPLAINED};

pub(super) const DEFINITION: Definition = Definition { says: "A thing that the producer cannot name.", ..UNEXPLAINED };
