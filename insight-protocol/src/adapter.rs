//! What an executor's adapter offers to those who know only the protocol: descriptor, `block_on`, `spawn`, and resources.
//!
//! A program does not need it: it uses its executor. A conformance suite does, and whoever runs the same program on
//! several executors. All is dispatched statically: the locations that an adapter tells are its callers', and
//! `#[track_caller]` does not reach through a `dyn` call or a function pointer.

use crate::{Capability, Outcome, ResourceKind};
use std::future::Future;
use std::time::Duration;

/// What an adapter says of its executor; what the streams' headers have is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The executor's name, such as `tokio`.
    pub name: &'static str,
    /// The version of the executor, such as `1.54`.
    pub version: &'static str,
    /// What the adapter observes. What is not listed is unknown to every reader, so only what is always observed may be.
    pub capabilities: &'static [Capability],
}

/// An executor whose tasks are observed.
pub trait Adapter: Send + Sync + 'static {
    /// What [`spawn`](Adapter::spawn) returns.
    type Task: Spawned;

    /// What the executor is, and what of it is observed.
    fn descriptor(&self) -> Descriptor;

    /// Runs a future on this thread to its end, as a task of kind `block_on`, and meanwhile what is spawned, if the
    /// executor has no threads of its own for that.
    #[track_caller]
    fn block_on<F: Future>(&self, future: F) -> F::Output;

    /// Spawns a future as a task of kind `task`. Its location is the caller's. May be called from within
    /// [`block_on`](Adapter::block_on) and from within tasks.
    #[track_caller]
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Self::Task;

    /// Shows what the executor comes with, and its tasks can wait on: one call for each type.
    fn resources<R: Resources>(&self, _resources: &mut R) {}
}

/// A task that was spawned. Awaiting it is joining it; the output says how the task ended, and no panic comes through.
pub trait Spawned: Future<Output = Outcome> + Send + Unpin + 'static {
    /// Cancels the task: its future is dropped soon, unless it has ended.
    fn cancel(self);

    /// Lets the task run on.
    fn detach(self);
}

/// Who is shown an adapter's resources.
pub trait Resources {
    /// A type of lock.
    fn lock<L: Lock>(&mut self);

    /// A type of channel.
    fn channel<C: Channel>(&mut self);

    /// A type of timer.
    fn timer<T: Timer>(&mut self);
}

/// What one task at a time can have: a mutex, an rwlock to write, a semaphore of one permit.
pub trait Lock: Send + Sync + 'static {
    /// What kind of resource it is.
    const KIND: ResourceKind;

    /// What releases it when dropped.
    type Guard<'a>: Send;

    /// A free one. Its location is the caller's.
    #[track_caller]
    fn new() -> Self;

    /// Takes it. The location of the wait, and of the hold, is the caller's.
    #[track_caller]
    fn acquire(&self) -> impl Future<Output = Self::Guard<'_>> + Send;
}

/// A channel of numbers, from one task to another.
pub trait Channel: 'static {
    /// What kind of resource it is.
    const KIND: ResourceKind;

    /// One end.
    type Sender: Send + Sync + 'static;

    /// The other end.
    type Receiver: Send + Sync + 'static;

    /// An empty one with room for so many messages. Its location is the caller's.
    #[track_caller]
    fn new(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Sends; false when nobody can receive any more. The location of the wait is the caller's.
    #[track_caller]
    fn send(sender: &mut Self::Sender, number: u64) -> impl Future<Output = bool> + Send;

    /// Receives; `None` when nobody can send any more. The location of the wait is the caller's.
    #[track_caller]
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

/// A way to let time pass.
pub trait Timer: 'static {
    /// Waits for so long. The location of the wait is the caller's.
    #[track_caller]
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;
}
