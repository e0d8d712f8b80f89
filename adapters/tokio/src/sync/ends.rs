//! What the ends of a channel keep beside tokio's own.

use crate::executor::EXECUTOR;
use insight_probe::{Handle, Party, Resource, Role};
use std::panic::Location;

/// One end of a channel: counted, and with the task that uses it.
#[derive(Debug)]
pub(crate) struct End {
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

    /// An end that was tokio's own, of a channel that has ends of these kinds which are not seen. They are counted for
    /// good: when they are gone is not seen either, and what is counted and never used is unknown to the diagnosis.
    pub(super) fn beside_unseen(channel: Resource, handle: Handle, unseen: &[Handle]) -> End {
        unseen.iter().for_each(|unseen| channel.count(*unseen, 1));
        End::new(channel, handle)
    }

    /// The end is tokio's own from now on. It still counts, and so does one of each kind that can be made of it.
    pub(super) fn leave(self, can_make: &[Handle]) {
        self.channel.count(self.handle, 1);
        can_make.iter().for_each(|unseen| self.channel.count(*unseen, 1));
    }

    pub(crate) fn channel(&self) -> &Resource {
        &self.channel
    }

    /// Notes that the current task uses this end.
    #[inline]
    pub(crate) fn used(&self, at: &'static Location<'static>) {
        let role = if self.handle == Handle::Receiver { Role::Receiver } else { Role::Sender };
        self.party.used(&self.channel, role, &EXECUTOR, at);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.channel.count(self.handle, -1);
    }
}
