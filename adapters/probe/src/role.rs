//! The roles by which a task can unblock waiters of a resource.

use insight_protocol::PartyRole;

/// The role by which a task can unblock waiters of a resource.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has a sender.
    Sender,
    /// It has a receiver.
    Receiver,
    /// The waiters wait for its end.
    Joined,
}

impl Role {
    pub(crate) fn from_byte(byte: u8) -> Role {
        match byte {
            0 => Role::Sender,
            1 => Role::Receiver,
            _ => Role::Joined,
        }
    }

    pub(crate) fn protocol(self) -> PartyRole {
        match self {
            Role::Sender => PartyRole::Sender,
            Role::Receiver => PartyRole::Receiver,
            Role::Joined => PartyRole::Joined,
        }
    }
}
