//! The kinds of tasks.

use insight_protocol::TaskKind;

/// The kinds of tasks that an adapter spawns.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A future that may move between threads, spawned with a `'static` bound.
    Task,
    /// A future that stays on one thread, spawned with a `'static` bound.
    Local,
    /// A closure on a thread of its own.
    Blocking,
    /// A future that a thread runs to its end.
    BlockOn,
    /// As [`Task`](Kind::Task), of an executor without the `'static` bound. Such a task may share borrowed guards with others.
    Scoped,
    /// As [`Local`](Kind::Local), of an executor without the `'static` bound.
    ScopedLocal,
}

impl Kind {
    pub(crate) fn from_byte(byte: u8) -> Kind {
        match byte {
            0 => Kind::Task,
            1 => Kind::Local,
            2 => Kind::Blocking,
            3 => Kind::BlockOn,
            4 => Kind::Scoped,
            _ => Kind::ScopedLocal,
        }
    }

    pub(crate) fn protocol(self) -> TaskKind {
        match self {
            Kind::Task | Kind::Scoped => TaskKind::Task,
            Kind::Local | Kind::ScopedLocal => TaskKind::Local,
            Kind::Blocking => TaskKind::Blocking,
            Kind::BlockOn => TaskKind::BlockOn,
        }
    }
}
