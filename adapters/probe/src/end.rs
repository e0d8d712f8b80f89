//! The end of an adapter's channel, beside the real one.

use crate::executor::Executor;
use crate::party::Party;
use crate::resource::{Handle, Resource};
use crate::role::Role;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One end of a channel: counted, and with the task that uses it. It is a field of the handle, so that both have the same
/// address.
#[derive(Debug)]
pub struct End {
    channel: Resource,
    party: Party,
    handle: Handle,
    executor: &'static Executor,
    /// Its address at a use outside of tasks; 0 if no such use is known.
    outside_at: AtomicUsize,
}

impl End {
    /// An end of `channel`, as used by the tasks of `executor`.
    pub fn new(channel: Resource, handle: Handle, executor: &'static Executor) -> End {
        channel.count(handle, 1);
        End { channel, party: Party::new(), handle, executor, outside_at: AtomicUsize::new(0) }
    }

    /// Another end of the same channel.
    pub fn another(&self, handle: Handle) -> End {
        End::new(self.channel.clone(), handle, self.executor)
    }

    /// An end made from the real one, of a channel with unobserved ends of these kinds. These are counted forever, as used
    /// outside of tasks: we observe neither their users nor their drop.
    pub fn beside_unobserved(channel: Resource, handle: Handle, executor: &'static Executor, unseen: &[Handle]) -> End {
        unseen.iter().for_each(|unseen| count_unobserved(&channel, *unseen));
        End::new(channel, handle, executor)
    }

    /// Turns it into the real end. It still counts, and so does one of each kind that can be made from it.
    pub fn leave(self, can_make: &[Handle]) {
        count_unobserved(&self.channel, self.handle);
        can_make.iter().for_each(|unseen| count_unobserved(&self.channel, *unseen));
    }

    /// The channel.
    pub fn channel(&self) -> &Resource {
        &self.channel
    }

    /// Records that the current task uses this end.
    #[inline]
    pub fn used(&self, at: &'static Location<'static>) {
        let by_task = self.party.used(&self.channel, role(self.handle), self.executor, at);
        if !by_task || self.outside_at.load(Ordering::Relaxed) != 0 {
            self.used_outside(by_task);
        }
    }

    /// It is used outside of tasks, or was before. An end that tasks and other code use at the same address is shared: it
    /// counts as an end outside of tasks.
    #[cold]
    fn used_outside(&self, by_task: bool) {
        let address = &raw const *self as usize;
        let before = self.outside_at.load(Ordering::Relaxed);
        let now = if by_task && before != address { 0 } else { address };
        if before == now || self.outside_at.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        if before == 0 {
            self.party.gone();
        }
        self.channel.count_outside(role(self.handle), i64::from(now != 0) - i64::from(before != 0));
    }
}

fn role(handle: Handle) -> Role {
    if handle == Handle::Receiver { Role::Receiver } else { Role::Sender }
}

/// Counts a handle without an observed user.
fn count_unobserved(channel: &Resource, handle: Handle) {
    channel.count(handle, 1);
    channel.count_outside(role(handle), 1);
}

impl Drop for End {
    fn drop(&mut self) {
        if *self.outside_at.get_mut() != 0 {
            self.channel.count_outside(role(self.handle), -1);
        }
        self.channel.count(self.handle, -1);
    }
}
