use crate::journal::Journal;
use crate::shared::Shared;
use crate::stats::Stats;
use insight_protocol::*;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// The state of a program, as far as the messages told.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The header of the stream.
    pub header: Option<StreamHeader>,
    /// The latest producer's time that a message carried.
    pub now_ns: u64,
    /// Up to when everything has been told: the time of the last heartbeat or snapshot. What is here has stood until then.
    pub told_ns: u64,
    /// A snapshot has been read to its end: what is not here was not there.
    pub complete: bool,
    /// Which part of the program is observed; `None` when the producer has not said.
    pub coverage: Option<StreamCoverage>,
    /// The live tasks, and those ended ones that still have an edge.
    pub tasks: Table<TaskId, Task>,
    /// The live resources.
    pub resources: Table<ResourceId, Resource>,
    /// The open edges.
    pub edges: Table<EdgeId, Edge>,
    /// The problems that stand.
    pub problems: BTreeMap<ProblemId, Problem>,
    /// What the producer said it lost, the latest hundred times.
    pub gaps: Vec<Gap>,
    /// How many tasks have ended since the model's first message or its last snapshot.
    pub ended: u64,
    /// How many of them panicked.
    pub panicked: u64,
    // What was interned is kept until the next snapshot, for a later message may name any id without defining it again.
    // It grows with the number of different names and places in the source, not with time: a long-lived model stays
    // small unless the program makes up a name for each task.
    pub(crate) strings: HashMap<StringId, Arc<str>>,
    /// The way back, for a snapshot; of two ids with one text, the later.
    pub(crate) string_ids: HashMap<Arc<str>, StringId>,
    pub(crate) locations: HashMap<LocationId, Arc<Location>>,
    origins: Shared<Origin>,
    relations: Shared<Relation>,
    facts_lost: bool,
    /// What has changed, for a [`Watch`](crate::Watch) to look at.
    pub(crate) journal: Journal,
}

/// A place in the source, with its text where the producer found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The producer's id of it.
    pub id: LocationId,
    /// File, line and column.
    pub place: SourceLocation,
    /// What the producer found when it looked for the line's text; `None` when it did not look.
    pub source: Option<SourceLine>,
}

/// A task.
///
/// There may be a million, so it is small: what it has in common with others is its [`Origin`], whose fields read as its
/// own.
#[derive(Clone, PartialEq)]
pub struct Task {
    /// The id.
    pub id: TaskId,
    /// When it was spawned or first seen.
    pub spawned_ns: u64,
    /// Its open edges.
    pub edges: EdgeSet,
    origin: Arc<Origin>,
    parent: Maybe,
    executor_task_id: Maybe,
    stats: Option<Stats>,
    /// Boxed, since few have ended.
    outcome: Option<Box<Outcome>>,
}

/// What all tasks have in common that were spawned at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What they are to their executor.
    pub kind: TaskKind,
    /// Their name.
    pub name: Option<Arc<str>>,
    /// Where they were spawned.
    pub location: Option<Arc<Location>>,
    /// The name of their executor.
    pub executor: Option<Arc<str>>,
    /// The size of their future, in bytes.
    pub future_bytes: Option<u64>,
    /// Only their use of resources is seen.
    pub partial: bool,
}

/// A number of the protocol, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Maybe(u64);

impl Maybe {
    fn of(number: Option<u64>) -> Maybe {
        Maybe(number.map_or(u64::MAX, |number| number.min(MAX_NUMBER)))
    }

    fn number(self) -> Option<u64> {
        (self.0 != u64::MAX).then_some(self.0)
    }
}

/// Time spent in each state, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Running.
    pub running_ns: u64,
    /// Scheduled.
    pub scheduled_ns: u64,
    /// Waiting.
    pub idle_ns: u64,
}

/// A resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The id.
    pub id: ResourceId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name.
    pub name: Option<Arc<str>>,
    /// Where it was created; for a join, where the awaited task was spawned.
    pub location: Option<Arc<Location>>,
    /// The task that created it or was the first to use it.
    pub task: Option<TaskId>,
    /// How many units it has at most.
    pub capacity: Option<u64>,
    /// Who of those that wait for it gets what becomes free.
    pub hand_off: Option<HandOff>,
    /// Whoever has an end of it can close it, for all.
    pub closed_by_any: bool,
    /// When it was created, or first seen.
    pub created_ns: u64,
    /// How many units are in use.
    pub length: Option<u64>,
    /// How many sender handles there are.
    pub senders: Option<u64>,
    /// How many handles there are that can become a sender.
    pub weak_senders: Option<u64>,
    /// How many receiver handles there are.
    pub receivers: Option<u64>,
    /// How many of its sender handles were last used outside of tasks.
    pub outside_senders: Option<u64>,
    /// How many of its receiver handles were last used outside of tasks.
    pub outside_receivers: Option<u64>,
    /// Its open edges.
    pub edges: EdgeSet,
}

/// An open edge.
///
/// What it has in common with others is its [`Relation`], whose fields read as its own.
#[derive(Clone, PartialEq)]
pub struct Edge {
    /// The id.
    pub id: EdgeId,
    /// The task.
    pub task: TaskId,
    /// The resource.
    pub resource: ResourceId,
    /// Since when.
    pub since_ns: u64,
    relation: Arc<Relation>,
    /// Four times one more than how often the operation was polled, or 0 where that is not known; with 1 where it was not
    /// polled lately, and 2 where it was.
    polls: u64,
    granted_ns: Maybe,
}

/// What all edges have in common that were opened at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Where the tasks wait, or acquired what they hold.
    pub location: Option<Arc<Location>>,
    /// What kind of edges they are.
    pub body: EdgeBody,
}

/// What kind of edge an edge is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EdgeBody {
    /// The task cannot go on until the resource gives it `need` units.
    Wait {
        /// What the task is doing.
        operation: Operation,
        /// Why it waits, in words.
        reason: Arc<str>,
        /// How many units it needs.
        need: u64,
    },
    /// The task has units of the resource.
    Hold {
        /// How it holds it.
        mode: HoldMode,
        /// How many units.
        units: u64,
        /// May have moved to another task unseen.
        transferable: bool,
    },
    /// The task can free the resource.
    Party {
        /// By what.
        role: PartyRole,
        /// No other task can use the same handle.
        exclusive: bool,
    },
}

/// What is seen of a pending operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiter {
    /// How often it was polled; `None` when that is not seen.
    pub polls: Option<u64>,
    /// Whether it was polled when its task was last polled; `None` when that is not seen.
    pub polled: Option<bool>,
    /// When its wake fired, where it was not polled since; `None` also when that is not seen.
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

impl Task {
    /// What it does now; `None` when that is not seen.
    pub fn state(&self) -> Option<TaskState> {
        if self.outcome.is_some() { Some(TaskState::Completed) } else { self.stats.as_ref()?.state }
    }

    /// Since when it does so.
    pub fn since_ns(&self) -> u64 {
        self.stats.as_ref().map_or(self.spawned_ns, |stats| stats.since_ns)
    }

    /// The time spent in each state until `now_ns`, the present one included; `None` when that is not seen.
    pub fn times(&self, now_ns: u64) -> Option<Times> {
        let stats = self.stats.as_ref()?.told(self.id, false);
        let mut times =
            Times { running_ns: stats.running_ns, scheduled_ns: stats.scheduled_ns, idle_ns: stats.idle_ns };
        let present = now_ns.saturating_sub(stats.since_ns);
        match stats.state? {
            TaskState::Running => times.running_ns += present,
            TaskState::Scheduled => times.scheduled_ns += present,
            TaskState::Idle => times.idle_ns += present,
            TaskState::Completed => {}
        }
        Some(times)
    }

    /// The task that spawned it.
    pub fn parent(&self) -> Option<TaskId> {
        self.parent.number().map(TaskId)
    }

    /// The executor's own id of it.
    pub fn executor_task_id(&self) -> Option<u64> {
        self.executor_task_id.number()
    }

    /// How it ended; only of a task that still has an edge.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_deref()
    }

    /// Its state and counters, as last sent.
    pub fn stats(&self) -> Option<TaskStats> {
        self.stats.as_ref().map(|stats| stats.told(self.id, true))
    }

    /// As [`stats`](Task::stats), with an empty histogram, which nothing is allocated for.
    pub fn counters(&self) -> Option<TaskStats> {
        self.stats.as_ref().map(|stats| stats.told(self.id, false))
    }

    /// How often it was polled.
    pub fn polls(&self) -> Option<u64> {
        self.stats.as_ref().map(Stats::polls)
    }

    /// How it was last seen, to look at all tasks.
    pub(crate) fn seen(&self) -> Option<&Stats> {
        self.stats.as_ref()
    }

    /// `task 7 (reader)`, or `task 7` for one without a name.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("task {} ({name})", self.id),
            None => format!("task {}", self.id),
        }
    }
}

impl Deref for Task {
    type Target = Origin;

    fn deref(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .field("parent", &self.parent())
            .field("executor_task_id", &self.executor_task_id())
            .field("spawned_ns", &self.spawned_ns)
            .field("outcome", &self.outcome())
            .field("stats", &self.stats())
            .field("edges", &self.edges)
            .finish()
    }
}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Of a location the id, which is equal where all of it is.
        (&self.name, self.location.as_ref().map(|location| location.id), self.future_bytes).hash(state);
    }
}

impl Edge {
    /// What is seen of the pending operation, of a wait.
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

    fn set_waiter(&mut self, waiter: Waiter) {
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
        // As an `Origin`'s.
        (self.location.as_ref().map(|location| location.id), &self.body).hash(state);
    }
}

impl Resource {
    /// `channel prototype_channel`, or `channel 3` for one without a name.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} `{name}`", self.kind),
            None => format!("{} {}", self.kind, self.id),
        }
    }
}

impl Model {
    /// Folds one message in. A reference to something that is not known is passed over: what is here stays true.
    pub fn apply(&mut self, message: &Message) {
        match message {
            Message::StreamHeader(m) => {
                self.header = Some(m.clone());
                self.advance(m.at_ns);
            }
            Message::StreamHeartbeat(m) => {
                self.advance(m.at_ns);
                self.told_ns = m.at_ns;
            }
            Message::StreamCoverage(m) => {
                self.advance(m.at_ns);
                self.coverage = Some(m.clone());
            }
            Message::DefineString(m) => {
                let text: Arc<str> = m.text.as_str().into();
                self.string_ids.insert(text.clone(), m.id);
                if let Some(before) = self.strings.insert(m.id, text.clone()).filter(|before| *before != text) {
                    self.string_ids.remove(&before);
                }
            }
            Message::DefineLocation(m) => {
                let place = SourceLocation { file: m.file.clone(), line: m.line, column: m.column };
                self.locations.insert(m.id, Arc::new(Location { id: m.id, place, source: m.source.clone() }));
            }
            Message::TaskSpawned(m) => self.task_spawned(m),
            Message::TaskCompleted(m) => self.task_completed(m),
            Message::TaskStats(m) => {
                self.advance(m.at_ns);
                if let Some(task) = self.tasks.get_mut(&m.id) {
                    self.journal.task(m.id);
                    task.stats = Some(Stats::of(m));
                }
            }
            Message::ResourceCreated(m) => self.resource_created(m),
            Message::ResourceUpdated(m) => self.resource_updated(m),
            Message::ResourceDropped(m) => {
                self.advance(m.at_ns);
                self.journal.resource(m.id);
                if let Some(resource) = self.resources.remove(&m.id) {
                    resource.edges.iter().for_each(|id| self.close_edge(id));
                }
            }
            Message::EdgeWait(m) => {
                let body = EdgeBody::Wait {
                    operation: m.operation.clone(),
                    reason: self.string(m.reason).unwrap_or_else(|| "".into()),
                    need: m.need,
                };
                self.open_edge(m.id, m.task, m.resource, m.since_ns, m.location, body);
            }
            Message::EdgeHold(m) => {
                let body = EdgeBody::Hold { mode: m.mode.clone(), units: m.units, transferable: m.transferable };
                self.open_edge(m.id, m.task, m.resource, m.since_ns, m.location, body);
            }
            Message::EdgeParty(m) => {
                let body = EdgeBody::Party { role: m.role.clone(), exclusive: m.exclusive };
                self.open_edge(m.id, m.task, m.resource, m.since_ns, None, body);
            }
            Message::EdgeUpdated(m) => {
                self.advance(m.at_ns);
                let edge = self.edges.get_mut(&m.id);
                if let Some(edge) = edge.filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })) {
                    self.journal.task(edge.task);
                    self.journal.resource(edge.resource);
                    edge.set_waiter(Waiter { polls: m.polls, polled: m.polled, granted_ns: m.granted_ns });
                }
            }
            Message::EdgeClosed(m) => {
                self.advance(m.at_ns);
                self.close_edge(m.id);
            }
            Message::ProblemRaised(ProblemRaised { problem, at_ns })
            | Message::ProblemUpdated(ProblemUpdated { problem, at_ns }) => {
                self.advance(*at_ns);
                self.problems.insert(problem.id, problem.clone());
            }
            Message::ProblemCleared(m) => {
                self.advance(m.at_ns);
                self.problems.remove(&m.id);
            }
            Message::SnapshotBegin(m) => {
                let header = self.header.take();
                let gaps = std::mem::take(&mut self.gaps);
                *self = Model { header, gaps, told_ns: m.at_ns, ..Model::default() };
                self.advance(m.at_ns);
            }
            Message::SnapshotEnd(m) => {
                self.advance(m.at_ns);
                self.complete = true;
                // The ended tasks of the snapshot ended before it.
                self.ended = 0;
                self.panicked = 0;
            }
            Message::Gap(m) => {
                self.advance(m.at_ns);
                self.facts_lost |= m.kinds.is_empty() || m.kinds.iter().any(|kind| is_fact(kind));
                if self.gaps.len() == MAX_GAPS {
                    self.gaps.remove(0);
                }
                self.gaps.push(m.clone());
            }
            _ => {}
        }
    }

    /// The problems that stand, the proven ones first, the oldest first among equals.
    pub fn problems(&self) -> Problems {
        let mut problems: Vec<Problem> = self.problems.values().cloned().collect();
        problems.sort_by_key(|problem| (problem.tier, problem.since_ns, problem.id));
        Problems { problems }
    }

    /// The open edges of a task.
    pub fn edges_of_task(&self, id: TaskId) -> impl Iterator<Item = &Edge> {
        self.tasks.get(&id).into_iter().flat_map(|task| &task.edges).filter_map(|edge| self.edges.get(&edge))
    }

    /// The open edges of a resource.
    pub fn edges_of_resource(&self, id: ResourceId) -> impl Iterator<Item = &Edge> {
        self.resources
            .get(&id)
            .into_iter()
            .flat_map(|resource| &resource.edges)
            .filter_map(|edge| self.edges.get(&edge))
    }

    /// The waits of a task, the longest first.
    pub fn waits_of_task(&self, id: TaskId) -> Vec<&Edge> {
        let mut waits: Vec<&Edge> =
            self.edges_of_task(id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).collect();
        waits.sort_by_key(|edge| (edge.since_ns, edge.id));
        waits
    }

    /// `task 7 (reader)`; a task that is not known has no name.
    pub fn task_label(&self, id: TaskId) -> String {
        self.tasks.get(&id).map_or_else(|| format!("task {id}"), Task::label)
    }

    /// ``channel `queue` ``; a resource that is not known has no kind.
    pub fn resource_label(&self, id: ResourceId) -> String {
        self.resources.get(&id).map_or_else(|| format!("resource {id}"), Resource::label)
    }

    /// Facts on which a diagnosis rests were lost, and no snapshot has made up for them since.
    pub fn facts_lost(&self) -> bool {
        self.facts_lost
    }

    fn advance(&mut self, at_ns: u64) {
        self.journal.bound(self.tasks.len() + self.resources.len() + self.edges.len());
        self.now_ns = self.now_ns.max(at_ns);
    }

    fn string(&self, id: StringId) -> Option<Arc<str>> {
        self.strings.get(&id).cloned()
    }

    fn location(&self, id: Option<LocationId>) -> Option<Arc<Location>> {
        self.locations.get(&id?).cloned()
    }

    fn task_spawned(&mut self, m: &TaskSpawned) {
        self.advance(m.at_ns);
        // An id that is used again is against the protocol; what is here must fit together all the same.
        let origin = Origin {
            kind: m.kind.clone(),
            name: m.name.and_then(|id| self.string(id)),
            location: self.location(m.location),
            executor: m.executor.and_then(|id| self.string(id)),
            future_bytes: m.future_bytes,
            partial: m.partial,
        };
        let task = Task {
            id: m.id,
            spawned_ns: m.at_ns,
            origin: self.origins.share(origin),
            parent: Maybe::of(m.parent.map(|id| id.0)),
            executor_task_id: Maybe::of(m.executor_task_id),
            stats: None,
            outcome: None,
            edges: self.tasks.remove(&m.id).map(|before| before.edges).unwrap_or_default(),
        };
        self.journal.task(m.id);
        // It counts as ended no more, which no other task comes back from.
        task.edges
            .iter()
            .filter_map(|edge| self.edges.get(&edge))
            .for_each(|edge| self.journal.resource(edge.resource));
        self.tasks.insert(m.id, task);
    }

    fn task_completed(&mut self, m: &TaskCompleted) {
        self.advance(m.at_ns);
        let Some(task) = self.tasks.get_mut(&m.id) else { return };
        self.journal.task(m.id);
        self.ended += 1;
        self.panicked += u64::from(m.outcome == Outcome::Panicked);
        if task.edges.is_empty() {
            self.tasks.remove(&m.id);
        } else {
            task.outcome = Some(Box::new(m.outcome.clone()));
        }
    }

    fn resource_created(&mut self, m: &ResourceCreated) {
        self.advance(m.at_ns);
        let resource = Resource {
            id: m.id,
            kind: m.kind.clone(),
            name: m.name.and_then(|id| self.string(id)),
            location: self.location(m.location),
            task: m.task,
            capacity: m.capacity,
            hand_off: m.hand_off.clone(),
            closed_by_any: m.closed_by_any,
            created_ns: m.at_ns,
            length: None,
            senders: None,
            weak_senders: None,
            receivers: None,
            outside_senders: None,
            outside_receivers: None,
            edges: self.resources.remove(&m.id).map(|before| before.edges).unwrap_or_default(),
        };
        self.journal.resource(m.id);
        self.resources.insert(m.id, resource);
    }

    fn resource_updated(&mut self, m: &ResourceUpdated) {
        self.advance(m.at_ns);
        let name = m.name.and_then(|id| self.string(id));
        let Some(resource) = self.resources.get_mut(&m.id) else { return };
        self.journal.resource(m.id);
        resource.name = name.or(resource.name.take());
        resource.capacity = m.capacity.or(resource.capacity);
        resource.length = m.length.or(resource.length);
        resource.senders = m.senders.or(resource.senders);
        resource.weak_senders = m.weak_senders.or(resource.weak_senders);
        resource.receivers = m.receivers.or(resource.receivers);
        resource.outside_senders = m.outside_senders.or(resource.outside_senders);
        resource.outside_receivers = m.outside_receivers.or(resource.outside_receivers);
    }

    fn open_edge(
        &mut self,
        id: EdgeId,
        task: TaskId,
        resource: ResourceId,
        since_ns: u64,
        location: Option<LocationId>,
        body: EdgeBody,
    ) {
        let location = self.location(location);
        // An id that is used again is against the protocol; what is here must fit together all the same.
        self.close_edge(id);
        let (Some(from), Some(to)) = (self.tasks.get_mut(&task), self.resources.get_mut(&resource)) else { return };
        self.journal.task(task);
        self.journal.resource(resource);
        from.edges.insert(id);
        to.edges.insert(id);
        let relation = self.relations.share(Relation { location, body });
        let (polls, granted_ns) = (0, Maybe::of(None));
        self.edges.insert(id, Edge { id, task, resource, since_ns, relation, polls, granted_ns });
    }

    fn close_edge(&mut self, id: EdgeId) {
        let Some(edge) = self.edges.remove(&id) else { return };
        self.journal.task(edge.task);
        self.journal.resource(edge.resource);
        if let Some(resource) = self.resources.get_mut(&edge.resource) {
            resource.edges.remove(&id);
        }
        if let Some(task) = self.tasks.get_mut(&edge.task) {
            task.edges.remove(&id);
            if task.outcome.is_some() && task.edges.is_empty() {
                self.tasks.remove(&edge.task);
            }
        }
    }
}

/// A producer that loses something does so again and again.
const MAX_GAPS: usize = 100;

/// Whether the loss of such a message can leave a wrong graph behind. The next `task.stats` says all that a lost one did, and
/// counts the polls; a resource or a party that is left out looks unknown: the wakers are foreign, the handles are counted. A
/// spawn does not: it would have ended the exclusive parties of the task that spawned.
fn is_fact(type_name: &str) -> bool {
    let looks_unknown = ["task.stats", "task.polls", "resource.created", "edge.party"].contains(&type_name);
    !looks_unknown && ["task.", "resource.", "edge."].iter().any(|prefix| type_name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{Edge, Task};

    /// There is one for each live task and one for each wait: what makes them larger is to be seen.
    #[test]
    fn the_sizes_of_what_there_is_many_of() {
        assert_eq!((size_of::<Task>(), size_of::<Edge>()), (112, 56));
    }
}
