//! Single operations and holds, at detail `operations`.

use crate::open_enum::open_enum;
use crate::{HoldMode, LocationId, OperationId, ResourceId, TaskId};
use serde::{Deserialize, Serialize};

open_enum!(
    /// An event of an operation or of a hold.
    OperationEvent {
        /// The operation was called, or is about to be polled for the first time.
        Begun = "begun",
        /// It was polled, and has no result yet.
        Pending = "pending",
        /// Its wake has fired.
        Granted = "granted",
        /// It has its result.
        Claimed = "claimed",
        /// It was dropped without a result.
        Abandoned = "abandoned",
        /// A task holds units of a resource.
        Held = "held",
        /// The hold has another task, mode or number of units.
        Moved = "moved",
        /// The hold ends: the units are about to be released.
        Released = "released",
    }
);

open_enum!(
    /// An operation of a program, whether it can wait or not.
    Call {
        /// Sends a message, or sets a watched value.
        Send = "send",
        /// Reserves places for messages.
        Reserve = "reserve",
        /// Receives a message.
        Recv = "recv",
        /// Waits until a channel is closed.
        Closed = "closed",
        /// Locks.
        Lock = "lock",
        /// Locks to read, together with other readers.
        Read = "read",
        /// Locks to write, alone.
        Write = "write",
        /// Acquires permits.
        Acquire = "acquire",
        /// Waits for a notification.
        Notified = "notified",
        /// Waits until a watched value changes.
        Changed = "changed",
        /// Makes a value that is set once, or waits until another task has made it.
        Init = "init",
        /// Waits for the other tasks of a barrier, or for a value that is set once.
        Wait = "wait",
        /// Waits for the end of a task.
        Join = "join",
        /// Sleeps.
        Sleep = "sleep",
        /// Notifies a number of waiting tasks that is not observed.
        Notify = "notify",
        /// Notifies one task, or the next one that waits.
        NotifyOne = "notify_one",
        /// Notifies all waiting tasks.
        NotifyWaiters = "notify_waiters",
        /// Closes a channel or a semaphore.
        Close = "close",
        /// Adds permits.
        AddPermits = "add_permits",
        /// Removes permits that no task holds.
        ForgetPermits = "forget_permits",
        /// Sets a value that is set once.
        Set = "set",
    }
);

open_enum!(
    /// The result of an operation.
    OperationOutcome {
        /// It has done its work.
        Succeeded = "succeeded",
        /// It would have had to wait, and must not.
        Unavailable = "unavailable",
        /// The channel or the semaphore is closed.
        Closed = "closed",
        /// It has ended with another error.
        Failed = "failed",
    }
);

/// An event of one operation, or of one hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskOperation {
    /// The operation, or the hold.
    pub id: OperationId,
    /// The event.
    pub event: OperationEvent,
    /// The task in whose poll it happened; for `held` and `moved`, the task that holds now. Absent outside of observed tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The thread on which it happened, as in [`TaskPolls`](crate::TaskPolls).
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::from_1())))]
    pub thread: u64,
    /// Of `begun` and `held`: the resource; absent for a join of one task, and for a timer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// Of `begun`: the joined task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<TaskId>,
    /// Of `begun`: the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Call>,
    /// Of `held` and `moved`: the way in which the task holds the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<HoldMode>,
    /// Of `begun`: the number of units that the operation needs or gives. Of `held` and `moved`: the number of units that
    /// the task has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// Of `claimed`: the result; absent when not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OperationOutcome>,
    /// Of `begun` and `held`: the source location of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The time of the event.
    pub at_ns: u64,
}

impl TaskOperation {
    /// Makes one with its required fields. Each other field is empty.
    pub fn new(id: OperationId, event: OperationEvent, thread: u64, at_ns: u64) -> TaskOperation {
        TaskOperation {
            id,
            event,
            task: None,
            thread,
            resource: None,
            joined: None,
            operation: None,
            mode: None,
            units: None,
            outcome: None,
            location: None,
            at_ns,
        }
    }
}
