//! The interface of an executor's adapter for code that knows only the protocol: descriptor, `block_on`, `spawn`, resources.
//!
//! A program does not need it, since it uses its executor. It is for the conformance suite, and for tools that run one
//! program on several executors. All calls are dispatched statically. An adapter reports the locations of its callers, and
//! `#[track_caller]` does not work through a `dyn` call or a function pointer.

use crate::{Capability, Outcome, ResourceKind};
use std::future::Future;
use std::time::Duration;

/// The description of an executor by its adapter. The headers of streams are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The executor's name, such as `tokio`.
    pub name: &'static str,
    /// The version of the executor, such as `1.54`.
    pub version: &'static str,
    /// The capabilities of the adapter. It must always observe the facts of each: readers take absent capabilities as unknown.
    pub capabilities: &'static [Capability],
}

/// An executor whose tasks are observed.
pub trait Adapter: Send + Sync + 'static {
    /// The task that [`spawn`](Adapter::spawn) returns.
    type Task: Spawned;

    /// The name, the version and the capabilities.
    fn descriptor(&self) -> Descriptor;

    /// Runs a future on this thread to its end, as a task of kind `block_on`. If the executor has no threads of its own, it
    /// also runs the spawned tasks.
    #[track_caller]
    fn block_on<F: Future>(&self, future: F) -> F::Output;

    /// Spawns a future as a task of kind `task`. Its location is the caller's. It may be called within
    /// [`block_on`](Adapter::block_on) and within tasks.
    #[track_caller]
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Self::Task;

    /// Calls `resources` once for each type of resource of the executor.
    fn resources<R: Resources>(&self, _resources: &mut R) {}
}

/// A spawned task. Awaiting it joins the task. The output is the way in which the task ended, so a panic does not propagate.
pub trait Spawned: Future<Output = Outcome> + Send + Unpin + 'static {
    /// Cancels the task: its future is dropped soon, unless the task has ended.
    fn cancel(self);

    /// Drops the handle. The task continues.
    fn detach(self);
}

/// Receives the types of an adapter's resources.
pub trait Resources {
    /// A type of lock.
    fn lock<L: Lock>(&mut self);

    /// A type of channel.
    fn channel<C: Channel>(&mut self);

    /// A type of timer.
    fn timer<T: Timer>(&mut self);
}

/// A resource that one task at a time can hold: a mutex, an rwlock to write, a semaphore of one permit.
pub trait Lock: Send + Sync + 'static {
    /// The kind of the resource.
    const KIND: ResourceKind;

    /// A guard that releases the lock when it is dropped.
    type Guard<'a>: Send;

    /// Makes a free lock. Its location is the caller's.
    #[track_caller]
    fn new() -> Self;

    /// Locks. The location of the wait, and of the hold, is the caller's.
    #[track_caller]
    fn acquire(&self) -> impl Future<Output = Self::Guard<'_>> + Send;
}

/// A channel of numbers, from one task to another.
pub trait Channel: 'static {
    /// The kind of the resource.
    const KIND: ResourceKind;

    /// The sending end.
    type Sender: Send + Sync + 'static;

    /// The receiving end.
    type Receiver: Send + Sync + 'static;

    /// Makes an empty channel with room for `capacity` messages. Its location is the caller's.
    #[track_caller]
    fn new(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Sends. Returns `false` if no receiver is left. The location of the wait is the caller's.
    #[track_caller]
    fn send(sender: &mut Self::Sender, number: u64) -> impl Future<Output = bool> + Send;

    /// Receives. Returns `None` if no sender is left. The location of the wait is the caller's.
    #[track_caller]
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

/// A way to sleep.
pub trait Timer: 'static {
    /// Sleeps for `duration`. The location of the wait is the caller's.
    #[track_caller]
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;
}
