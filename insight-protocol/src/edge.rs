//! Edges: a relation between one task and one resource, open for a span of time.

use crate::open_enum::open_enum;
use crate::{EdgeId, LocationId, ResourceId, StringId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// The operation of a waiting task.
    Operation in ByOperation {
        /// Sends a message.
        Send = "send" in send,
        /// Reserves places for messages.
        Reserve = "reserve" in reserve,
        /// Receives a message.
        Recv = "recv" in recv,
        /// Waits until a channel is closed.
        Closed = "closed" in closed,
        /// Locks.
        Lock = "lock" in lock,
        /// Locks to read, together with other readers.
        Read = "read" in read,
        /// Locks to write, alone.
        Write = "write" in write,
        /// Acquires permits.
        Acquire = "acquire" in acquire,
        /// Waits for a notification.
        Notified = "notified" in notified,
        /// Waits until a watched value changes.
        Changed = "changed" in changed,
        /// Waits for a value that another task makes.
        Init = "init" in init,
        /// Waits for the other tasks of a barrier, or for a value that is set once.
        Wait = "wait" in wait,
        /// Waits for the end of a task.
        Join = "join" in join,
        /// Sleeps.
        Sleep = "sleep" in sleep,
    }
);

/// One operation of the task cannot make progress until the resource gives it `need` units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EdgeWait {
    /// The id of the edge.
    pub id: EdgeId,
    /// The waiting task.
    pub task: TaskId,
    /// The resource that it waits for.
    pub resource: ResourceId,
    /// The operation that waits.
    pub operation: Operation,
    /// The reason in words, such as "waiting on channel capacity".
    pub reason: StringId,
    /// Number of units that it needs.
    pub need: u64,
    /// Another task may come to poll the operation unobserved: it lies in a box that can move, or its task may borrow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transferable: bool,
    /// The source location of the awaited call, or of the `.await` if the awaited value is itself a future; absent when
    /// it cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The time at which it began.
    pub since_ns: u64,
}

impl EdgeWait {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(
        id: EdgeId,
        task: TaskId,
        resource: ResourceId,
        operation: Operation,
        reason: StringId,
        need: u64,
        since_ns: u64,
    ) -> EdgeWait {
        EdgeWait { id, task, resource, operation, reason, need, transferable: false, location: None, since_ns }
    }
}

open_enum!(
    /// How a task holds a resource.
    HoldMode {
        /// No other task can hold it.
        Exclusive = "exclusive",
        /// Others can hold it in the same way.
        Shared = "shared",
        /// It has a number of the units.
        Permit = "permit",
    }
);

/// The task has units of the resource. The edge ends before the resource is really free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EdgeHold {
    /// The id of the edge.
    pub id: EdgeId,
    /// The task that holds.
    pub task: TaskId,
    /// The resource that it holds.
    pub resource: ResourceId,
    /// The way in which it holds the resource.
    pub mode: HoldMode,
    /// Number of units that it has.
    pub units: u64,
    /// Other code may have the guard or permit unobserved: it is owned, its lock is in static memory, it was acquired in a box
    /// that can move, or its task may borrow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transferable: bool,
    /// The location where it was acquired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The time at which it was acquired, to within the poll that acquired it.
    pub since_ns: u64,
}

impl EdgeHold {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: EdgeId, task: TaskId, resource: ResourceId, mode: HoldMode, units: u64, since_ns: u64) -> EdgeHold {
        EdgeHold { id, task, resource, mode, units, transferable: false, location: None, since_ns }
    }
}

open_enum!(
    /// The way in which a task can unblock tasks that wait for a resource.
    PartyRole {
        /// It has a sender: it can send to an empty channel.
        Sender = "sender",
        /// It has a receiver: it can make room in a full channel.
        Receiver = "receiver",
        /// Its end is the awaited event.
        Joined = "joined",
    }
);

/// The task can unblock tasks that wait for the resource. One of its operations proved this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EdgeParty {
    /// The id of the edge.
    pub id: EdgeId,
    /// The task.
    pub task: TaskId,
    /// The resource whose waiting tasks it can unblock.
    pub resource: ResourceId,
    /// The way in which it can unblock them.
    pub role: PartyRole,
    /// No other task can use the same handle: the handle is part of this task's own future, and was used after the task
    /// last spawned another one, which may have taken the handle along. The number of a resource's unknown parties of a
    /// role is the number of its handles less its exclusive edges of that role.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// The time at which this became known.
    pub since_ns: u64,
}

impl EdgeParty {
    /// Makes one.
    pub fn new(
        id: EdgeId,
        task: TaskId,
        resource: ResourceId,
        role: PartyRole,
        exclusive: bool,
        since_ns: u64,
    ) -> EdgeParty {
        EdgeParty { id, task, resource, role, exclusive, since_ns }
    }
}

/// The observed facts of the pending operation of a wait. The message replaces the previous one: an absent field is
/// unknown or false.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EdgeUpdated {
    /// The id of the wait.
    pub id: EdgeId,
    /// Number of polls of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls: Option<u64>,
    /// Whether the last poll of its task polled it; absent when not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled: Option<bool>,
    /// The time of its wake, if it was not polled since; absent if there was no wake, or when not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_ns: Option<u64>,
    /// The time at which these values were read.
    pub at_ns: u64,
}

open_enum!(
    /// The reason of an edge's end.
    EdgeOutcome {
        /// A wait: the operation got its units.
        Claimed = "claimed",
        /// A wait: the operation was dropped.
        Abandoned = "abandoned",
        /// A hold: the units were released.
        Released = "released",
        /// A hold or a party: the edge now belongs to another task.
        Moved = "moved",
    }
);

/// An edge has ended; its id is not used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EdgeClosed {
    /// The id of the edge.
    pub id: EdgeId,
    /// The reason of its end; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<EdgeOutcome>,
    /// The time at which the producer found the edge closed.
    pub at_ns: u64,
}

impl EdgeClosed {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(id: EdgeId, at_ns: u64) -> EdgeClosed {
        EdgeClosed { id, outcome: None, at_ns }
    }
}
