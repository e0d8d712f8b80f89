//! Edges: a relation between one task and one resource, open for a span of time.

use crate::open_enum::open_enum;
use crate::{EdgeId, LocationId, ResourceId, StringId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// What a waiting task is doing.
    Operation {
        /// Sending a message.
        Send = "send",
        /// Reserving places for messages.
        Reserve = "reserve",
        /// Receiving a message.
        Recv = "recv",
        /// Waiting until a channel is closed.
        Closed = "closed",
        /// Locking.
        Lock = "lock",
        /// Locking to read, beside others that do.
        Read = "read",
        /// Locking to write, alone.
        Write = "write",
        /// Acquiring permits.
        Acquire = "acquire",
        /// Waiting to be notified.
        Notified = "notified",
        /// Waiting until a watched value changes.
        Changed = "changed",
        /// Waiting for a value that another task makes.
        Init = "init",
        /// Waiting for the others of a barrier, or for a value that is set once.
        Wait = "wait",
        /// Waiting for the end of a task.
        Join = "join",
        /// Sleeping.
        Sleep = "sleep",
    }
);

/// The task cannot go on until the resource gives it `need` units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeWait {
    /// The id of the edge.
    pub id: EdgeId,
    /// The task that waits.
    pub task: TaskId,
    /// What it waits on.
    pub resource: ResourceId,
    /// What it is doing.
    pub operation: Operation,
    /// Why, in words, such as "waiting on channel capacity".
    pub reason: StringId,
    /// How many units it needs.
    pub need: u64,
    /// The source location of the awaited call, or of the `.await` of what is a future by itself; absent when it cannot be
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// Since when.
    pub since_ns: u64,
}

open_enum!(
    /// How a task holds a resource.
    HoldMode {
        /// Nobody else can hold it.
        Exclusive = "exclusive",
        /// Others can hold it in the same way.
        Shared = "shared",
        /// It has a number of the units.
        Permit = "permit",
    }
);

/// The task has units of the resource. Ends before the resource is really freed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeHold {
    /// The id of the edge.
    pub id: EdgeId,
    /// The task that holds.
    pub task: TaskId,
    /// What it holds.
    pub resource: ResourceId,
    /// How it holds it.
    pub mode: HoldMode,
    /// How many units it has.
    pub units: u64,
    /// What it holds it by may have moved to another task unseen, such as an owned guard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transferable: bool,
    /// Where it was acquired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// Since when, to within the poll in which it was acquired.
    pub since_ns: u64,
}

open_enum!(
    /// By what a task can free a resource.
    PartyRole {
        /// It has a sender: it can send to an empty channel.
        Sender = "sender",
        /// It has a receiver: it can make room in a full channel.
        Receiver = "receiver",
        /// Its end is what is waited for.
        Joined = "joined",
    }
);

/// The task is one that can free the resource, proved by an operation of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeParty {
    /// The id of the edge.
    pub id: EdgeId,
    /// The task.
    pub task: TaskId,
    /// What it can free.
    pub resource: ResourceId,
    /// By what.
    pub role: PartyRole,
    /// No other task can use the same handle: it is part of this task's own future, and was used since the task last
    /// spawned another one, which it may have gone along with.
    /// A resource has as many unknown parties of a role as it has handles less its exclusive edges of that role.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// Since when.
    pub since_ns: u64,
}

/// What is seen of the pending operation of a wait. It takes the place of what was sent of it before: what is absent is
/// not known, or not so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeUpdated {
    /// The id of the wait.
    pub id: EdgeId,
    /// How often the operation was polled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls: Option<u64>,
    /// Whether it was polled when its task was last polled; absent when that is not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled: Option<bool>,
    /// When its wake fired, where it was not polled since; absent when it did not, or when that is not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_ns: Option<u64>,
    /// When this was read.
    pub at_ns: u64,
}

open_enum!(
    /// Why an edge ended.
    EdgeOutcome {
        /// A wait: it got what it waited for.
        Claimed = "claimed",
        /// A wait: it was given up.
        Abandoned = "abandoned",
        /// A hold: released.
        Released = "released",
        /// A hold or a party: now another task's.
        Moved = "moved",
    }
);

/// An edge has ended; its id is not used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeClosed {
    /// The id of the edge.
    pub id: EdgeId,
    /// Why; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<EdgeOutcome>,
    /// When it was seen to have ended.
    pub at_ns: u64,
}
