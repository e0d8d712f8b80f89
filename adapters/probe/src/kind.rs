//! The kinds of tasks.

use insight_protocol::TaskKind;

/// The kinds of tasks that an adapter spawns.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A future that may move between threads.
    Task,
    /// A future that stays on one thread.
    Local,
    /// A closure on a thread of its own.
    Blocking,
    /// A future that a thread runs to its end.
    BlockOn,
}

impl Kind {
    pub(crate) fn from_byte(byte: u8) -> Kind {
        match byte {
            0 => Kind::Task,
            1 => Kind::Local,
            2 => Kind::Blocking,
            _ => Kind::BlockOn,
        }
    }

    pub(crate) fn protocol(self) -> TaskKind {
        match self {
            Kind::Task => TaskKind::Task,
            Kind::Local => TaskKind::Local,
            Kind::Blocking => TaskKind::Blocking,
            Kind::BlockOn => TaskKind::BlockOn,
        }
    }
}
