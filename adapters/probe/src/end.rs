//! What an adapter's channel keeps beside each of the real one's ends.

use crate::executor::Executor;
use crate::party::{Party, Role};
use crate::resource::{Handle, Resource};
use std::panic::Location;

/// One end of a channel: counted, and with the task that uses it; a field of the handle, so that it lies where the
/// handle lies.
#[derive(Debug)]
pub struct End {
    channel: Resource,
    party: Party,
    handle: Handle,
    executor: &'static Executor,
}

impl End {
    /// An end of `channel`, as used by the tasks of `executor`.
    pub fn new(channel: Resource, handle: Handle, executor: &'static Executor) -> End {
        channel.count(handle, 1);
        End { channel, party: Party::new(), handle, executor }
    }

    /// Another end of the same channel.
    pub fn another(&self, handle: Handle) -> End {
        End::new(self.channel.clone(), handle, self.executor)
    }

    /// An end that was the real one, of a channel that has ends of these kinds which are not seen. They are counted for
    /// good: when they are gone is not seen either, and what is counted and never used is unknown to the diagnosis.
    pub fn beside_unseen(channel: Resource, handle: Handle, executor: &'static Executor, unseen: &[Handle]) -> End {
        unseen.iter().for_each(|unseen| channel.count(*unseen, 1));
        End::new(channel, handle, executor)
    }

    /// The end is the real one from now on. It still counts, and so does one of each kind that can be made of it.
    pub fn leave(self, can_make: &[Handle]) {
        self.channel.count(self.handle, 1);
        can_make.iter().for_each(|unseen| self.channel.count(*unseen, 1));
    }

    /// The channel.
    pub fn channel(&self) -> &Resource {
        &self.channel
    }

    /// Notes that the current task uses this end.
    #[inline]
    pub fn used(&self, at: &'static Location<'static>) {
        let role = if self.handle == Handle::Receiver { Role::Receiver } else { Role::Sender };
        self.party.used(&self.channel, role, self.executor, at);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.channel.count(self.handle, -1);
    }
}
