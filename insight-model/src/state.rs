use crate::awaits::AwaitsOfTasks;
use crate::cancellers::Cancellers;
use crate::edge::{Edge, EdgeBody, Relation};
use crate::ended::EndedTasks;
use crate::journal::Journal;
use crate::location::Location;
use crate::names::Names;
use crate::resource::Resource;
use crate::shared::Shared;
use crate::task::{Origin, Task};
use insight_protocol::*;
use insight_table::Table;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// The state of a program, as its messages describe it.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The header of the stream; `None` in the producer's own model.
    pub header: Option<StreamHeader>,
    /// The clock of the producer's own model, for times of day in texts.
    pub clock: Option<Clock>,
    /// The latest time in a message, in nanoseconds of the producer's clock.
    pub now_ns: u64,
    /// The time of the last heartbeat or snapshot. The model is complete up to then, and was true then.
    pub told_ns: u64,
    /// A snapshot has been read to its end, so the model lacks nothing that was alive.
    pub complete: bool,
    /// The observed part of the program; `None` if the producer has not sent it.
    pub coverage: Option<StreamCoverage>,
    /// The live tasks, and the ended tasks that still have an edge.
    pub tasks: Table<TaskId, Task>,
    /// The live resources.
    pub resources: Table<ResourceId, Resource>,
    /// The open edges.
    pub edges: Table<EdgeId, Edge>,
    /// The open problems.
    pub problems: BTreeMap<ProblemId, Problem>,
    /// The latest hundred gaps.
    pub gaps: Vec<Gap>,
    /// Number of facts that all gaps together count.
    pub lost: u64,
    /// Number of tasks that have ended since the first message or the last snapshot.
    pub ended: u64,
    /// Number of these tasks that panicked.
    pub panicked: u64,
    /// The last ended tasks.
    pub ended_tasks: EndedTasks,
    // Definitions are kept until the next snapshot, since a later message may name any id. Their number grows with the
    // names and places of the source, not with time, unless the program makes a name for each task.
    pub(crate) strings: HashMap<StringId, Arc<str>>,
    /// The id of each text, for a snapshot. If two ids have one text, the later id.
    pub(crate) string_ids: HashMap<Arc<str>, StringId>,
    /// Dropped strings that are names of ended tasks, for a snapshot.
    pub(crate) dropped: Vec<(StringId, Arc<str>)>,
    pub(crate) locations: HashMap<LocationId, Arc<Location>>,
    pub(crate) origins: Shared<Origin>,
    pub(crate) relations: Shared<Relation>,
    /// The awaits of tasks. Shared with copies for display.
    pub(crate) awaits: Arc<AwaitsOfTasks>,
    /// The code that could cancel tasks: few, since a producer sends it for the tasks of problems. Shared as the awaits.
    pub(crate) cancellers: Arc<BTreeMap<TaskId, Cancellers>>,
    /// The names of tasks, as soon as a text needs them.
    pub(crate) names: OnceLock<Arc<Names>>,
    pub(crate) facts_lost: bool,
    pub(crate) left_out_tasks: u64,
    /// A snapshot has begun and not ended.
    pub(crate) in_snapshot: bool,
    /// The changes that a [`Watch`](crate::Watch) has not diagnosed yet.
    pub(crate) journal: Journal,
}

impl Model {
    /// The files of all locations in the stream, each for each of its locations. A [`view`](Model::view) has none.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.locations.values().map(|location| location.place.file.as_str())
    }

    /// The number of locations in the stream. A [`view`](Model::view) has none.
    pub fn number_of_locations(&self) -> usize {
        self.locations.len()
    }

    /// Returns a copy for display while the model takes more messages. It shares the tasks, resources and edges, so it takes little
    /// time. It lacks the definitions, which only further messages need.
    pub fn view(&self) -> Model {
        Model {
            header: self.header.clone(),
            coverage: self.coverage.clone(),
            tasks: self.tasks.clone(),
            resources: self.resources.clone(),
            edges: self.edges.clone(),
            problems: self.problems.clone(),
            gaps: self.gaps.clone(),
            ended_tasks: self.ended_tasks.clone(),
            dropped: Vec::new(),
            strings: HashMap::new(),
            string_ids: HashMap::new(),
            locations: HashMap::new(),
            origins: Shared::default(),
            relations: Shared::default(),
            awaits: self.awaits.clone(),
            cancellers: self.cancellers.clone(),
            names: self.names.clone(),
            journal: Journal::default(),
            ..*self
        }
    }

    /// The open problems: the most severe first, in each severity the proven ones first, and then the oldest.
    pub fn problems(&self) -> Problems {
        let mut problems: Vec<Problem> = self.problems.values().cloned().collect();
        problems.sort_by_key(|problem| (problem.severity, problem.tier, problem.since_ns, problem.id));
        with!(Problems::default(), problems)
    }

    /// The code that could cancel the task. `None` if none can.
    pub fn cancellers(&self, id: TaskId) -> Option<&Cancellers> {
        self.cancellers.get(&id)
    }

    /// The open edges of a task.
    pub fn edges_of_task(&self, id: TaskId) -> impl Iterator<Item = &Edge> {
        let edges = self.tasks.get(&id).into_iter().flat_map(|task| &task.edges);
        edges.filter_map(|edge| self.edges.get(&edge)).inspect(|_| step())
    }

    /// The open edges of a resource.
    pub fn edges_of_resource(&self, id: ResourceId) -> impl Iterator<Item = &Edge> {
        self.resources
            .get(&id)
            .into_iter()
            .flat_map(|resource| &resource.edges)
            .filter_map(|edge| self.edges.get(&edge))
            .inspect(|_| step())
    }

    /// The waits of a task, the longest first.
    pub fn waits_of_task(&self, id: TaskId) -> Vec<&Edge> {
        let mut waits: Vec<&Edge> =
            self.edges_of_task(id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).collect();
        waits.sort_by_key(|edge| (edge.since_ns, edge.id));
        waits
    }

    /// ``channel `queue` ``, or `resource 3` if the resource is unknown.
    pub fn resource_label(&self, id: ResourceId) -> String {
        self.resources.get(&id).map_or_else(|| format!("resource {id}"), Resource::label)
    }

    /// Number of live tasks that the producer left out of the stream for lack of room, from its last `gap`.
    pub fn left_out_tasks(&self) -> u64 {
        self.left_out_tasks
    }

    /// Whether facts for the diagnosis were lost since the last snapshot.
    pub fn facts_lost(&self) -> bool {
        self.facts_lost
    }
}

#[cfg(test)]
mod tests {
    use crate::edge::Edge;
    use crate::task::Task;

    /// A model has one for each live task and each open edge, so this test fails if they become larger.
    #[test]
    fn a_task_takes_112_bytes_and_an_edge_56() {
        assert_eq!((size_of::<Task>(), size_of::<Edge>()), (112, 56));
    }
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts the visit of an edge, in tests.
#[inline]
fn step() {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// Number of edges that this thread has visited.
#[cfg(test)]
pub(crate) fn steps() -> u64 {
    STEPS.with(std::cell::Cell::get)
}
