//! The ends of a channel for one message.

use crate::executor::Executor;
use crate::lazy::LazyResource;
use crate::on;
use crate::party::Party;
use crate::resource::{AsResource, Handle, Resource};
use crate::resource_cell::{ResourceCell, Type};
use crate::role::Role;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One end of a channel for one message; a field of the handle, so that it lies where the handle lies.
///
/// A program may make such a channel for each request, and most messages are there when they are asked for. So both ends
/// share one allocation, and the channel becomes a resource only when something waits on it. A channel that is made while
/// recording is off has no ends, and stays unobserved: a wait on it counts as one for something foreign.
#[derive(Debug)]
pub struct OneshotEnd {
    channel: Arc<Channel>,
    role: Role,
    /// The real handle lives on without this.
    left: bool,
}

/// The facts that the ends share.
#[derive(Debug)]
struct Channel {
    resource: LazyResource,
    executor: &'static Executor,
    sender: Side,
    receiver: Side,
}

#[derive(Debug, Default)]
struct Side {
    party: Party,
    /// Its end writes it once, and whichever end waits reads it, with release and acquire.
    gone: AtomicBool,
}

impl OneshotEnd {
    /// The sender's end and the receiver's of a channel that was made at `at`; `None` while recording is off.
    #[inline]
    pub fn pair(
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> (Option<OneshotEnd>, Option<OneshotEnd>) {
        if !on() {
            return (None, None);
        }
        let sender = OneshotEnd::new(Role::Sender, executor, at);
        let receiver = OneshotEnd { channel: sender.channel.clone(), role: Role::Receiver, left: false };
        (Some(sender), Some(receiver))
    }

    /// The end of a handle that was the real one; the other end of its channel is not observed, and counts for good.
    pub fn beside_unobserved(
        role: Role,
        executor: &'static Executor,
        at: &'static Location<'static>,
    ) -> Option<OneshotEnd> {
        on().then(|| OneshotEnd::new(role, executor, at))
    }

    fn new(role: Role, executor: &'static Executor, at: &'static Location<'static>) -> OneshotEnd {
        let resource = LazyResource::new(Type::Oneshot, at, Some(1));
        let channel = Channel { resource, executor, sender: Side::default(), receiver: Side::default() };
        OneshotEnd { channel: Arc::new(channel), role, left: false }
    }

    /// The handle is the real one from now on, and is still there.
    pub fn leave(mut self) {
        self.side().party.gone();
        self.left = true;
    }

    /// Notes that the current task has this end and waits for the other one. `None` while recording is off.
    ///
    /// An end that goes at this moment may still be counted; but then a wait for it is woken, and over.
    pub fn used(&self, at: &'static Location<'static>) -> Option<&Resource> {
        let Channel { resource, executor, sender, receiver } = &*self.channel;
        let resource = resource.used()?;
        resource.set_length(0);
        resource.set_count(Handle::Sender, usize::from(!sender.gone.load(Ordering::Acquire)));
        resource.set_count(Handle::Receiver, usize::from(!receiver.gone.load(Ordering::Acquire)));
        self.side().party.used_from(&raw const *self as usize, resource, self.role, executor, at);
        Some(resource)
    }

    /// Notes that the message is being sent, if something has waited for it.
    #[inline]
    pub fn sends(&self) {
        if let Some(resource) = self.channel.resource.if_used() {
            resource.set_length(1);
        }
    }

    /// Whether the other end is gone: its message is there, or never comes.
    #[inline]
    pub fn other_is_gone(&self) -> bool {
        let other = match self.role {
            Role::Receiver => &self.channel.sender,
            _ => &self.channel.receiver,
        };
        other.gone.load(Ordering::Acquire)
    }

    fn side(&self) -> &Side {
        match self.role {
            Role::Receiver => &self.channel.receiver,
            _ => &self.channel.sender,
        }
    }
}

impl Drop for OneshotEnd {
    #[inline]
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let side = self.side();
        side.gone.store(true, Ordering::Release);
        side.party.gone();
        if let Some(resource) = self.channel.resource.if_used() {
            let handle = if self.role == Role::Receiver { Handle::Receiver } else { Handle::Sender };
            resource.set_count(handle, 0);
        }
    }
}

impl AsResource for OneshotEnd {
    fn cell(&self) -> Option<&Arc<ResourceCell>> {
        self.channel.resource.cell()
    }
}
