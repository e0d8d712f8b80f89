//! `io`.

use super::definition::{Definition, UNEXPLAINED};

pub(super) const DEFINITION: Definition =
    Definition { says: "A file, a socket, a process or a signal.", ..UNEXPLAINED };
