//! What an adapter's channel keeps beside each of the real one's ends.

use crate::executor::Executor;
use crate::party::{Party, Role};
use crate::resource::{Handle, Resource};
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One end of a channel: counted, and with the task that uses it; a field of the handle, so that it lies where the
/// handle lies.
#[derive(Debug)]
pub struct End {
    channel: Resource,
    party: Party,
    handle: Handle,
    executor: &'static Executor,
    /// Where it lay when it was used outside of tasks; 0 when no such use is known.
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

    /// An end that was the real one, of a channel that has ends of these kinds which are not seen. They are counted for
    /// good, as used outside of tasks: neither who uses them is seen, nor when they are gone.
    pub fn beside_unseen(channel: Resource, handle: Handle, executor: &'static Executor, unseen: &[Handle]) -> End {
        unseen.iter().for_each(|unseen| count_unseen(&channel, *unseen));
        End::new(channel, handle, executor)
    }

    /// The end is the real one from now on. It still counts, and so does one of each kind that can be made of it.
    pub fn leave(self, can_make: &[Handle]) {
        count_unseen(&self.channel, self.handle);
        can_make.iter().for_each(|unseen| count_unseen(&self.channel, *unseen));
    }

    /// The channel.
    pub fn channel(&self) -> &Resource {
        &self.channel
    }

    /// Notes that the current task uses this end.
    #[inline]
    pub fn used(&self, at: &'static Location<'static>) {
        let by_task = self.party.used(&self.channel, role(self.handle), self.executor, at);
        if !by_task || self.outside_at.load(Ordering::Relaxed) != 0 {
            self.used_outside(by_task);
        }
    }

    /// It is used outside of tasks, or was before. One that stays where it is while tasks and others use it is shared by
    /// them: it counts as one that something outside of tasks has.
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

/// Counts a handle that is used by nobody who is seen.
fn count_unseen(channel: &Resource, handle: Handle) {
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
