//! What the ends of a channel keep beside tokio's own.

use crate::executor::EXECUTOR;
use insight_probe::{Handle, Party, Resource, Role};
use std::panic::Location;

/// One end of a channel: counted, and with the task that uses it.
#[derive(Debug)]
pub(super) struct End {
    channel: Resource,
    party: Party,
    handle: Handle,
}

impl End {
    pub(super) fn new(channel: Resource, handle: Handle) -> End {
        channel.count(handle, 1);
        End { channel, party: Party::new(), handle }
    }

    /// Another end of the same channel.
    pub(super) fn another(&self, handle: Handle) -> End {
        End::new(self.channel.clone(), handle)
    }

    pub(super) fn channel(&self) -> &Resource {
        &self.channel
    }

    /// Notes that the current task uses this end.
    #[inline]
    pub(super) fn used(&self, at: &'static Location<'static>) {
        let role = if self.handle == Handle::Receiver { Role::Receiver } else { Role::Sender };
        self.party.used(&self.channel, role, &EXECUTOR, at);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.channel.count(self.handle, -1);
    }
}
