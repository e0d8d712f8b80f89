use crate::location::Location;
use insight_protocol::{HandOff, ResourceId, ResourceKind, TaskId};
use insight_table::EdgeSet;
use std::sync::Arc;

/// A resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The id.
    pub id: ResourceId,
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: Option<Arc<str>>,
    /// The location of its creation; for a join, the location where the awaited task was spawned.
    pub location: Option<Arc<Location>>,
    /// The task that created it or was the first to use it.
    pub task: Option<TaskId>,
    /// Maximum number of its units.
    pub capacity: Option<u64>,
    /// The rule by which a waiting task gets the next free unit; `None` if unknown.
    pub hand_off: Option<HandOff>,
    /// Each end of the channel can close it for all.
    pub closed_by_any: bool,
    /// The time of its creation, or of its first observation.
    pub created_ns: u64,
    /// Number of units in use.
    pub length: Option<u64>,
    /// Number of sender handles.
    pub senders: Option<u64>,
    /// Number of handles that can become a sender.
    pub weak_senders: Option<u64>,
    /// Number of receiver handles.
    pub receivers: Option<u64>,
    /// Number of sender handles that were last used outside of tasks.
    pub outside_senders: Option<u64>,
    /// Number of receiver handles that were last used outside of tasks.
    pub outside_receivers: Option<u64>,
    /// Its open edges.
    pub edges: EdgeSet,
}

impl Resource {
    /// ``channel `prototype_channel` ``, or `channel 3` for one without a name. ``deadpool's semaphore `permits` `` for one that a
    /// library makes.
    pub fn label(&self) -> String {
        let of = self.library().map_or_else(String::new, |library| format!("{library}'s "));
        match &self.name {
            Some(name) => format!("{of}{} `{name}`", self.kind),
            None => format!("{of}{} {}", self.kind, self.id),
        }
    }

    /// The library whose code makes it; `None` for the program's own code.
    pub fn library(&self) -> Option<&str> {
        self.location.as_ref()?.library()
    }
}
