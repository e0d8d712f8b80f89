//! Resources: the things that a task can wait for.

use crate::open_enum::open_enum;
use crate::{LocationId, ResourceId, StringId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// The kind of a resource.
    ResourceKind in ByResourceKind {
        /// A queue of messages with senders and receivers.
        Channel = "channel" in channel,
        /// A lock with one holder.
        Mutex = "mutex" in mutex,
        /// A lock with one writer or many readers.
        Rwlock = "rwlock" in rwlock,
        /// A number of permits.
        Semaphore = "semaphore" in semaphore,
        /// A notification without a value.
        Notify = "notify" in notify,
        /// A channel for one message.
        Oneshot = "oneshot" in oneshot,
        /// A value whose changes can be awaited.
        Watch = "watch" in watch,
        /// A channel whose every receiver gets every message.
        Broadcast = "broadcast" in broadcast,
        /// A point that a number of tasks must reach.
        Barrier = "barrier" in barrier,
        /// A value that is set once.
        OnceCell = "once_cell" in once_cell,
        /// The end of one task, or of any task of a set.
        Join = "join" in join,
        /// A time in the future.
        Timer = "timer" in timer,
        /// A file, a socket, a process or a signal.
        Io = "io" in io,
        /// A thread of the pool for blocking closures.
        BlockingSlot = "blocking_slot" in blocking_slot,
        /// A thing that the producer cannot name.
        Foreign = "foreign" in foreign,
    }
);

open_enum!(
    /// The waiting task that gets the next free unit of a resource.
    HandOff {
        /// The task that has waited longest. No task overtakes it, neither one that comes later nor one that needs
        /// less.
        Fifo = "fifo",
        /// As for `barging`, but while a writer waits and no task writes, no new reader gets in before the writer.
        WriterFirst = "writer_first",
        /// The task that comes first. The resource wakes one of the waiting tasks, and no other one until that task has
        /// tried.
        Barging = "barging",
    }
);

/// A resource exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ResourceCreated {
    /// The id.
    pub id: ResourceId,
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name: given by the program, or the source text of its `let`, field or `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// The location of its creation; for a join, the location where the awaited task was spawned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The task that created it, or was the first to use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Maximum number of its units; absent when it has no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// The waiting task that gets the next free unit; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<HandOff>,
    /// For a channel: a task that has one end can close it for all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed_by_any: bool,
    /// The time of its creation; if it is observed only from its first use on, the time of the first use.
    pub at_ns: u64,
}

impl ResourceCreated {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: ResourceId, kind: ResourceKind, at_ns: u64) -> ResourceCreated {
        ResourceCreated {
            id,
            kind,
            name: None,
            location: None,
            task: None,
            capacity: None,
            hand_off: None,
            closed_by_any: false,
            at_ns,
        }
    }
}

/// The properties of a resource that have changed. An absent field is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ResourceUpdated {
    /// The resource.
    pub id: ResourceId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// Maximum number of its units, if this has changed since its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// Number of units in use: messages in a channel and its reserved places, acquired permits of a semaphore, tasks
    /// that have arrived at a barrier, or tasks of a set that is joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Number of its sender handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub senders: Option<u64>,
    /// Number of handles that can become a sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak_senders: Option<u64>,
    /// Number of its receiver handles, including handles that can become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receivers: Option<u64>,
    /// Number of its sender handles that were last used outside of tasks, such as by a plain thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_senders: Option<u64>,
    /// Number of its receiver handles that were last used outside of tasks, such as by a plain thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_receivers: Option<u64>,
    /// The time at which these values were read.
    pub at_ns: u64,
}

/// A resource no longer exists; its id is not used again, and its edges are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ResourceDropped {
    /// The id.
    pub id: ResourceId,
    /// The time of the fact.
    pub at_ns: u64,
}

impl ResourceDropped {
    /// Makes one.
    pub fn new(id: ResourceId, at_ns: u64) -> ResourceDropped {
        ResourceDropped { id, at_ns }
    }
}
