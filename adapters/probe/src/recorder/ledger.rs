//! The ledger of live tasks, resources and edges, with the messages of its changes.

use super::operations::Operations;
use super::stats::SentStats;
use super::stream::Stream;
use super::waits::SampledWaits;
use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use crate::resource_cell::ResourceCell;
use crate::slots::WaitFacts;
use crate::waiter::WaiterFacts;
use insight_protocol::*;
use insight_table::{EdgeSet, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::Arc;

/// The recorder's present state of the program. Each change of it is also written to its stream.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) stream: Stream,
    pub(super) tasks: Table<u64, TaskEntry>,
    pub(super) resources: Table<u64, ResourceEntry>,
    pub(super) edges: Table<u64, EdgeEntry>,
    /// The resources for the end of a task or for timers, as long as a wait on them is open.
    pub(super) made: BTreeMap<MadeFor, u64>,
    /// The edge that has replaced an exclusive party, or a hold that became transferable, by the ID that its handle knows.
    pub(super) replaced: BTreeMap<u64, u64>,
    /// The messages of the panics of tasks that have not ended yet.
    pub(super) panics: BTreeMap<u64, Box<str>>,
    /// At detail `operations`: the open operations and holds.
    pub(super) operations: Operations,
    /// The first ID of a task or resource that is recorded now. Lower IDs were recorded before recording was turned off.
    pub(super) recorded_from: u64,
    /// Empty between two tasks.
    pub(super) waits: Vec<(WaitFacts, WaiterFacts)>,
    /// Memory of the program's names, in bytes, at which unused names are dropped.
    names_bound: usize,
}

/// Memory of the program's names, in bytes, below which none is dropped.
const LEAST_NAMES: usize = 1 << 20;

/// The state of one live task.
#[derive(Clone, Debug)]
pub(super) struct TaskEntry {
    /// `None` if the task had ended when its spawn was read; then its end is read next.
    pub(super) cell: Option<CellRef>,
    /// The last sent counters.
    pub(super) sent: SentStats,
    /// Its waits as last sampled.
    pub(super) waits: SampledWaits,
    /// `None` for most tasks.
    pub(super) parties: Option<Box<Parties>>,
    /// Number of its open edges.
    pub(super) edges: u32,
    /// Code has got a way to cancel it that is none of its join handles.
    pub(super) cancellable: bool,
}

/// The parties of a task that end with one of its actions.
#[derive(Clone, Debug, Default)]
pub(super) struct Parties {
    /// Its joins: they end with it.
    pub(super) joined: BTreeSet<u64>,
    /// Its exclusive parties by a handle: a task that it spawns may take the handle along.
    pub(super) exclusive: BTreeSet<u64>,
}

impl TaskEntry {
    /// For a task that was not sampled yet.
    pub(super) fn new(cell: Option<CellRef>) -> TaskEntry {
        TaskEntry {
            cell,
            sent: SentStats::default(),
            waits: SampledWaits::default(),
            parties: None,
            edges: 0,
            cancellable: false,
        }
    }

    pub(super) fn parties(&mut self) -> &mut Parties {
        self.parties.get_or_insert_default()
    }
}

#[derive(Clone, Debug)]
pub(super) struct ResourceEntry {
    /// `None` for a resource that the recorder makes itself.
    pub(super) cell: Option<Arc<ResourceCell>>,
    pub(super) made_for: Option<MadeFor>,
    /// Whether the program's name for it was sent, or there will be none.
    pub(super) named: bool,
    pub(super) created_ns: u64,
    /// The last sent state.
    pub(super) state: ResourceUpdated,
    /// The edge of its present hold, and the number of that hold.
    pub(super) hold: Option<(u64, u64)>,
    /// For a resource with several holders: the open holds of the last sample.
    pub(super) holds: BTreeSet<u64>,
    pub(super) edges: EdgeSet,
    /// Number of its open edges that are waits.
    pub(super) waits: u64,
}

#[derive(Clone, Debug)]
pub(super) struct EdgeEntry {
    pub(super) task: u64,
    /// Twice the ID, plus 1 for a wait.
    pub(super) resource: u64,
    /// The role of a party. Boxed, since most edges are none.
    pub(super) party: Option<Box<PartyRole>>,
}

impl ResourceEntry {
    /// For a reported resource (`RawResource`), without open edges.
    pub(super) fn new(created_ns: u64, state: ResourceUpdated) -> ResourceEntry {
        ResourceEntry {
            cell: None,
            made_for: None,
            named: true,
            created_ns,
            state,
            hold: None,
            holds: BTreeSet::new(),
            edges: EdgeSet::default(),
            waits: 0,
        }
    }
}

impl EdgeEntry {
    pub(super) fn resource(&self) -> u64 {
        self.resource >> 1
    }

    pub(super) fn is_wait(&self) -> bool {
        self.resource & 1 == 1
    }
}

/// The reason of a resource that the recorder makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MadeFor {
    /// The end of a task.
    End(u64),
    /// The timers of one place in the source.
    Timer(Option<&'static Location<'static>>),
}

impl Ledger {
    /// Drops all state, and the strings and locations defined for it.
    pub(super) fn clear(&mut self) {
        self.stream.forget();
        self.tasks = Table::default();
        self.resources = Table::default();
        self.edges = Table::default();
        self.made = BTreeMap::new();
        self.replaced = BTreeMap::new();
        self.panics = BTreeMap::new();
        self.operations = Operations::default();
    }

    /// Number of known objects.
    pub(super) fn len(&self) -> usize {
        self.tasks.len() + self.resources.len() + self.edges.len()
    }

    /// The program's name for it, or else the name of its type.
    pub(super) fn task_name(&mut self, cell: &TaskCell) -> Option<StringId> {
        match cell.name() {
            Some(name) => Some(self.stream.given_name(name)),
            None => self.stream.type_name(cell.body().type_name()),
        }
    }

    /// The location of the task's spawn, if known.
    pub(super) fn spawned_at(&mut self, cell: &TaskCell) -> Option<LocationId> {
        match cell.reported() {
            Some(reported) => reported.place.as_ref().and_then(|place| self.stream.raw_location(place)),
            // The spawn of a partial task is unknown: its meta has the location of its first use.
            None => (!cell.is_partial()).then(|| self.stream.location(cell.location())),
        }
    }

    /// Opens an edge between a known task and a known resource. An edge of others is left out completely.
    pub(super) fn open_edge(&mut self, edge: u64, task: u64, resource: u64, message: Message) -> bool {
        let (Some(from), Some(to)) = (self.tasks.get_mut(&task), self.resources.get_mut(&resource)) else {
            return false;
        };
        let wait = matches!(message, Message::EdgeWait(_));
        from.edges += 1;
        to.edges.insert(EdgeId(edge));
        to.waits += u64::from(wait);
        let party = if let Message::EdgeParty(party) = &message { Some(Box::new(party.role.clone())) } else { None };
        self.edges.insert(edge, EdgeEntry { task, resource: resource << 1 | u64::from(wait), party });
        self.stream.push(message);
        true
    }

    /// Opens a party. If it is a join or exclusive, an action of its task ends it.
    pub(super) fn open_party(&mut self, party: EdgeParty) {
        let EdgeParty { id: EdgeId(edge), task: TaskId(task), resource: ResourceId(resource), exclusive, .. } = party;
        let joined = party.role == PartyRole::Joined;
        if self.open_edge(edge, task, resource, party.into()) {
            if let Some(entry) = self.tasks.get_mut(&task) {
                if joined {
                    entry.parties().joined.insert(edge);
                } else if exclusive {
                    entry.parties().exclusive.insert(edge);
                }
            }
        }
    }

    pub(super) fn close_edge(&mut self, edge: u64, outcome: Option<EdgeOutcome>, at_ns: u64) {
        let Some(entry) = self.edges.remove(&edge) else { return };
        if let Some(task) = self.tasks.get_mut(&entry.task) {
            task.edges -= 1;
            if let Some(parties) = &mut task.parties {
                parties.exclusive.remove(&edge);
                parties.joined.remove(&edge);
            }
        }
        self.stream.push(with!(EdgeClosed::new(EdgeId(edge), at_ns), outcome));
        let Some(resource) = self.resources.get_mut(&entry.resource()) else { return };
        resource.edges.remove(&EdgeId(edge));
        resource.waits -= u64::from(entry.is_wait());
        if let (Some(made_for), true, 0) = (resource.made_for, entry.is_wait(), resource.waits) {
            self.made.remove(&made_for);
            self.resource_dropped(entry.resource(), at_ns);
        }
    }

    pub(super) fn resource_dropped(&mut self, id: u64, at_ns: u64) {
        let Some(entry) = self.resources.remove(&id) else { return };
        self.operations.resource_dropped(id);
        entry.edges.iter().for_each(|edge| self.close_edge(edge.0, None, at_ns));
        entry.holds.iter().for_each(|hold| _ = self.replaced.remove(hold));
        self.stream.push(ResourceDropped::new(ResourceId(id), at_ns));
    }

    /// Drops the names of ended objects, whenever names take twice as much memory as after the last time.
    pub(super) fn drop_names(&mut self) {
        if self.stream.given_bytes() < self.names_bound.max(LEAST_NAMES) {
            return;
        }
        let tasks = self.tasks.values().filter_map(|entry| entry.cell.as_ref()?.name());
        let resources = self.resources.values().filter_map(|entry| entry.cell.as_ref()?.name.get());
        self.stream.drop_names(tasks.chain(resources.map(|name| &**name)));
        self.names_bound = 2 * self.stream.given_bytes();
    }
}

#[cfg(all(test, not(loom), target_pointer_width = "64"))]
mod tests {
    use super::{EdgeEntry, TaskEntry};
    use crate::cell::TaskCell;

    /// There is one of each for each live task, or for each wait, so this test shows when one gets larger.
    #[test]
    pub(super) fn the_sizes_of_what_there_is_many_of() {
        assert_eq!((size_of::<TaskCell>(), size_of::<TaskEntry>(), size_of::<EdgeEntry>()), (328, 88, 24));
    }
}
