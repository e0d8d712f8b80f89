//! Resources: what a task can wait on.

use crate::open_enum::open_enum;
use crate::{LocationId, ResourceId, StringId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// What a resource is.
    ResourceKind {
        /// A queue of messages with senders and receivers.
        Channel = "channel",
        /// A lock with one holder.
        Mutex = "mutex",
        /// A lock with one writer or many readers.
        Rwlock = "rwlock",
        /// A number of permits.
        Semaphore = "semaphore",
        /// A notification without a value.
        Notify = "notify",
        /// A channel for one message.
        Oneshot = "oneshot",
        /// A value whose changes can be awaited.
        Watch = "watch",
        /// A channel whose every receiver gets every message.
        Broadcast = "broadcast",
        /// A point that a number of tasks must reach.
        Barrier = "barrier",
        /// A value that is set once.
        OnceCell = "once_cell",
        /// The end of one task, or of any task of a set.
        Join = "join",
        /// A time to come.
        Timer = "timer",
        /// A file, a socket, a process or a signal.
        Io = "io",
        /// A thread of the pool for blocking closures.
        BlockingSlot = "blocking_slot",
        /// Something that the producer cannot name.
        Foreign = "foreign",
    }
);

open_enum!(
    /// Who of those that wait for a resource gets what becomes free.
    HandOff {
        /// Who has waited longest, and nobody before it: neither who comes later nor who needs less.
        Fifo = "fifo",
        /// As with `barging`, but once a writer waits and nobody writes, no reader gets in before it.
        WriterFirst = "writer_first",
        /// Who comes first. Of those that wait one is woken, and while it has not looked no other one is.
        Barging = "barging",
    }
);

/// A resource exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourceCreated {
    /// The id.
    pub id: ResourceId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name: given by the program, or the source text of its `let`, field or `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// Where it was created; for a join, where the awaited task was spawned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The task that created it, or was the first to use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// How many units it has at most; absent when it has no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// Who of those that wait for it gets what becomes free; absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<HandOff>,
    /// Of a channel: whoever has an end of it can close it, for all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed_by_any: bool,
    /// When it was created; when it is only seen from its first use on, then.
    pub at_ns: u64,
}

/// What has changed of a resource; what is absent is as before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourceUpdated {
    /// The resource.
    pub id: ResourceId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StringId>,
    /// How many units it has at most, where that has changed since it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// How many units are in use: messages in a channel and reserved places for one, permits of a semaphore that were
    /// taken, tasks that have come to a barrier, tasks in a set that is joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// How many sender handles there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub senders: Option<u64>,
    /// How many handles there are that can become a sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak_senders: Option<u64>,
    /// How many receiver handles there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receivers: Option<u64>,
    /// How many of its sender handles were last used outside of tasks, such as by a plain thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_senders: Option<u64>,
    /// How many of its receiver handles were last used outside of tasks, such as by a plain thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_receivers: Option<u64>,
    /// When this was read.
    pub at_ns: u64,
}

/// A resource is gone; its id is not used again, and its edges are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourceDropped {
    /// The id.
    pub id: ResourceId,
    /// When.
    pub at_ns: u64,
}
