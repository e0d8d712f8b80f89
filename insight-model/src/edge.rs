use crate::location::Location;
use crate::maybe::Maybe;
use insight_protocol::{EdgeId, HoldMode, MAX_NUMBER, Operation, PartyRole, ResourceId, TaskId};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// An open edge.
///
/// Edges that were opened at one place share a [`Relation`], and an edge derefs to it.
#[derive(Clone, PartialEq)]
pub struct Edge {
    /// The id.
    pub id: EdgeId,
    /// The task.
    pub task: TaskId,
    /// The resource.
    pub resource: ResourceId,
    /// The time at which it was opened.
    pub since_ns: u64,
    pub(crate) relation: Arc<Relation>,
    /// Packs two fields of [`Waiter`]. The upper 62 bits are 0 if `polls` is unknown, and otherwise `polls + 1`. The
    /// lower two bits are 0 if `polled` is unknown, 1 for false and 2 for true.
    pub(crate) polls: u64,
    pub(crate) granted_ns: Maybe,
}

/// The properties that all edges of one location share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The location of the waits, or of the operations that acquired the holds.
    pub location: Option<Arc<Location>>,
    /// The kind of the edges, and its properties.
    pub body: EdgeBody,
}

/// The kind of an edge, and its properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EdgeBody {
    /// One operation of the task cannot make progress until the resource gives it `need` units.
    Wait {
        /// The operation.
        operation: Operation,
        /// The reason in words.
        reason: Arc<str>,
        /// Number of units that it needs.
        need: u64,
        /// Another task may come to poll the operation unobserved.
        transferable: bool,
    },
    /// The task has units of the resource.
    Hold {
        /// The mode of the hold.
        mode: HoldMode,
        /// Number of units.
        units: u64,
        /// Other code may have the guard unobserved.
        transferable: bool,
    },
    /// The task can unblock tasks that wait for the resource.
    Party {
        /// The way in which it can.
        role: PartyRole,
        /// No other task can use the same handle.
        exclusive: bool,
    },
}

/// The observed facts of a pending operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiter {
    /// Number of its polls; `None` if they are not observed.
    pub polls: Option<u64>,
    /// Whether the last poll of its task polled it; `None` if that is not observed.
    pub polled: Option<bool>,
    /// The time of its wake, if it was not polled since; also `None` if wakes are not observed.
    pub granted_ns: Option<u64>,
}

impl EdgeBody {
    /// `wait`, `hold` or `party`.
    pub fn kind(&self) -> &'static str {
        match self {
            EdgeBody::Wait { .. } => "wait",
            EdgeBody::Hold { .. } => "hold",
            EdgeBody::Party { .. } => "party",
        }
    }
}

impl Edge {
    /// The observed facts of the pending operation, if this is a wait.
    pub fn waiter(&self) -> Waiter {
        Waiter {
            polls: (self.polls >> 2).checked_sub(1),
            polled: match self.polls & 3 {
                0 => None,
                polled => Some(polled == 2),
            },
            granted_ns: self.granted_ns.number(),
        }
    }

    pub(crate) fn set_waiter(&mut self, waiter: Waiter) {
        let polls = waiter.polls.map_or(0, |polls| polls.min(MAX_NUMBER) + 1);
        self.polls = polls << 2 | waiter.polled.map_or(0, |polled| 1 + u64::from(polled));
        self.granted_ns = Maybe::of(waiter.granted_ns);
    }
}

impl Deref for Edge {
    type Target = Relation;

    fn deref(&self) -> &Relation {
        &self.relation
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("id", &self.id)
            .field("task", &self.task)
            .field("resource", &self.resource)
            .field("since_ns", &self.since_ns)
            .field("relation", &self.relation)
            .field("waiter", &self.waiter())
            .finish()
    }
}

impl Hash for Relation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal locations have equal ids.
        (self.location.as_ref().map(|location| location.id), &self.body).hash(state);
    }
}
