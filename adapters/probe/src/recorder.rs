//! What was recorded, as messages of the protocol.

mod coverage;
mod held;
mod made;
mod sample;
mod told;

use crate::cell_ref::CellRef;
use crate::executor::Executor;
use crate::intern::Interned;
use crate::party::{Role, edge_outcome};
use crate::raw::{self, Told};
use crate::resource::{Closing, ResourceCell, Type, count};
use crate::ring::{self, Cell, Read, Record, RecordKind};
use crate::slots::WaitFacts;
use crate::task::{Body, KIND_SHIFT, Kind, TaskCell, outcome_from_word};
use crate::waiter::WaiterFacts;
use crate::{Traceable, clock, current, ids, origin, polls};
use coverage::{Counted, Coverage};
use insight_protocol::*;
use made::MadeFor;
use sample::{SampledWaits, Sampling, ToldStats};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How to record.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// How often counters, waits and holders are sampled, at most. Sampling takes longer with more tasks; it is done less
    /// often where it would take more than a twentieth of a processor.
    pub interval: Duration,
    /// How many bytes all of insight may take in this process, about: what lies between the program's threads and
    /// [`Recorder::collect`], and what is known of each task, resource and edge that is alive, also by a
    /// model that is folded of the messages. What has ended is forgotten at once, so nothing can be given up to make room:
    /// past the bound what opens is not recorded, and a `gap` counts it. A task that was left out is recorded at a poll
    /// when there is room again.
    pub max_bytes: usize,
    /// [`Detail::Polls`]: each poll is told by itself, too. Half of `max_bytes` is then for them; one for which there is no
    /// room is counted in a `gap`.
    pub detail: Detail,
}

/// What is counted for each that is alive: with its cell, what the recorder keeps and what a model and its diagnosis do.
/// Measured of 100,000 of them, above the same program without insight: tasks that nothing is known to wake, 485 bytes;
/// channels, 805; waits, 110 where nobody is known who could end them and 500 for a lock, which the diagnosis follows.
const TASK_BYTES: usize = 500;
const RESOURCE_BYTES: usize = 800;
const EDGE_BYTES: usize = 500;
/// A part of a collection ends when it has so many messages, or a few more: they are still in the processor's cache when they
/// are folded.
const PART: usize = 1 << 10;
/// How many times larger what is collected becomes: a spawn in a queue is a message, and then what is kept of the task.
const COLLECTED: usize = 4;
/// Maximum time between a cutoff and the executors' counts, in nanoseconds; and how often it is tried to keep to it, for the
/// thread may lose its processor in between.
const COUNTS_TAKE_NS: u64 = 100_000;
const COUNTS_TRIED: usize = 3;
/// At detail `polls`, which part of all bytes is for them: half, and in their queues a quarter of it.
const POLLS_PART: usize = 2;

impl Default for RecorderConfig {
    /// 100 ms and 256 MiB, at detail `structure`.
    fn default() -> RecorderConfig {
        RecorderConfig { interval: Duration::from_millis(100), max_bytes: 256 << 20, detail: Detail::Structure }
    }
}

/// Recording was turned on before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyStarted;

impl std::fmt::Display for AlreadyStarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("recording is on already in this process")
    }
}

impl std::error::Error for AlreadyStarted {}

/// Collects what the program's threads recorded. One a process.
#[derive(Debug)]
pub struct Recorder {
    config: RecorderConfig,
    session: String,
    wall_anchor_unix_ms: u64,
    interned: Interned,
    tasks: Table<u64, TaskEntry>,
    resources: Table<u64, ResourceEntry>,
    edges: Table<u64, EdgeEntry>,
    /// The resources that stand for the end of a task or for timers, while something waits for them.
    made: BTreeMap<MadeFor, u64>,
    /// The edge that stands in the place of one that was exclusive, by the id that its handle knows.
    replaced: BTreeMap<u64, u64>,
    /// What is being collected, between two parts.
    collection: Option<Collection>,
    coverage: Coverage,
    /// Empty between two tasks.
    waits: Vec<(WaitFacts, WaiterFacts)>,
    /// When to sample next.
    sample_at_ns: u64,
    /// The first id of a task or resource that is recorded now: what has a lower one was recorded before recording was turned
    /// off.
    recorded_from: u64,
}

/// A collection of which not all is told yet.
#[derive(Debug)]
struct Collection {
    cutoff: u64,
    records: std::vec::IntoIter<Read>,
    /// The tasks that the executors counted at the cutoff; `None` if they were not asked then.
    counted: Option<Vec<Counted>>,
    /// None until the records are told.
    sampling: Option<Sampling>,
}

/// There is one for each task that is alive.
#[derive(Clone, Debug)]
struct TaskEntry {
    /// None of one that had ended when its spawn was read, and of which the end is read next.
    cell: Option<CellRef>,
    /// What was last told of its counters.
    told: ToldStats,
    /// Its waits as last sampled.
    waits: SampledWaits,
    /// None for most.
    parties: Option<Box<Parties>>,
    /// How many open edges it has.
    edges: u32,
}

/// The parties of a task that end by what it does.
#[derive(Clone, Debug, Default)]
struct Parties {
    /// Its joins: they end with it.
    joined: BTreeSet<u64>,
    /// Its exclusive parties by a handle: with what it spawns, the handle may go.
    exclusive: BTreeSet<u64>,
}

impl TaskEntry {
    fn parties(&mut self) -> &mut Parties {
        self.parties.get_or_insert_default()
    }
}

#[derive(Clone, Debug)]
struct ResourceEntry {
    /// None for one that the recorder makes itself.
    cell: Option<Arc<ResourceCell>>,
    made_for: Option<MadeFor>,
    /// Whether the name that the program gave it was told, or there will be none.
    named: bool,
    created_ns: u64,
    /// What was last told of it.
    state: ResourceUpdated,
    /// The edge of its present hold, and the number of that hold.
    hold: Option<(u64, u64)>,
    /// Of what several can hold: the holds that were last seen, and are open.
    holds: BTreeSet<u64>,
    edges: EdgeSet,
    /// How many of them are waits.
    waits: u64,
}

#[derive(Clone, Debug)]
struct EdgeEntry {
    task: u64,
    /// Twice the id, and 1 for a wait.
    resource: u64,
    /// The role of a party. Boxed, since most edges are none.
    party: Option<Box<PartyRole>>,
}

impl EdgeEntry {
    fn resource(&self) -> u64 {
        self.resource >> 1
    }

    fn is_wait(&self) -> bool {
        self.resource & 1 == 1
    }
}

static STARTED: AtomicBool = AtomicBool::new(false);

impl Recorder {
    /// Turns recording on. Tasks that were spawned before appear at their next poll; the task that calls this, at once.
    pub fn start(config: RecorderConfig) -> Result<Recorder, AlreadyStarted> {
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(AlreadyStarted);
        }
        clock::start();
        ring::set_bound(config.max_bytes / COLLECTED);
        start_polls(&config);
        let recorded_from = ids::turn_on();
        current::record();
        raw::turned();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Recorder {
            config,
            session: format!("{:x}-{:x}", std::process::id(), wall.as_nanos()),
            wall_anchor_unix_ms: wall.as_millis() as u64,
            interned: Interned::default(),
            tasks: Table::default(),
            resources: Table::default(),
            edges: Table::default(),
            made: BTreeMap::new(),
            replaced: BTreeMap::new(),
            collection: None,
            coverage: Coverage::default(),
            waits: Vec::new(),
            sample_at_ns: 0,
            recorded_from,
        })
    }

    /// Turns recording off, or on again; appends what that changes, if it does.
    ///
    /// While it is off nothing is recorded, and nothing is kept of what was. Once it is on again it is as if it had just been
    /// started: tasks that were spawned before appear at their next poll, and what they hold and wait for when they use it
    /// again, under other ids. [`collect`](Recorder::collect) is to be called as before. A stream tells it as a snapshot in which
    /// nothing is; while recording is off, with a `gap` after it and no heartbeat.
    pub fn set_on(&mut self, on: bool, out: &mut Vec<Message>) {
        if on == self.is_on() {
            return;
        }
        let known = self.tasks.len() + self.resources.len() + self.edges.len();
        if on {
            self.discard();
            start_polls(&self.config);
            self.recorded_from = ids::turn_on();
            current::record();
        } else {
            ids::turn_off();
            polls::stop();
            self.recorded_from = u64::MAX;
            self.discard();
        }
        raw::turned();
        let at_ns = self.now_ns();
        out.push(SnapshotBegin { at_ns, tasks: 0, resources: 0, edges: 0, problems: 0 }.into());
        out.push(self.coverage.begin_anew(&Recorder::executors(), at_ns).into());
        out.push(SnapshotEnd { at_ns }.into());
        if !on {
            let reason = "recording was turned off".to_owned();
            out.push(Gap { count: known.max(1) as u64, kinds: Vec::new(), reason, at_ns }.into());
        }
    }

    /// Changes how to record, from the next collection on. The headers of streams that are open tell the old interval and
    /// detail, and have to stay true: the caller changes these two only while no stream is open.
    pub fn configure(&mut self, config: RecorderConfig) {
        let told_polls = self.tells_polls();
        self.config = config;
        self.sample_at_ns = 0;
        if !self.is_on() {
            return;
        }
        ring::set_bound(self.config.max_bytes.saturating_sub(self.kept_bytes()) / COLLECTED);
        match (told_polls, self.tells_polls()) {
            (false, true) => start_polls(&self.config),
            (true, false) => polls::stop(),
            (true, true) | (false, false) => {}
        }
    }

    /// How it records.
    pub fn config(&self) -> &RecorderConfig {
        &self.config
    }

    /// Whether recording is on.
    pub fn is_on(&self) -> bool {
        self.recorded_from != u64::MAX
    }

    /// Forgets all that was recorded, read or not.
    fn discard(&mut self) {
        let begun = self.collection.take().map(|collection| collection.records);
        let mut records = Vec::new();
        ring::drain(u64::MAX, &mut records);
        for Read { record, cell } in begun.into_iter().flatten().chain(records) {
            drop(cell);
            drop_owned(&record);
        }
        let _ = ring::take_refused();
        polls::discard();
        self.interned = Interned::default();
        self.tasks = Table::default();
        self.resources = Table::default();
        self.edges = Table::default();
        self.made = BTreeMap::new();
        self.replaced = BTreeMap::new();
        ring::set_bound(self.config.max_bytes / COLLECTED);
        self.sample_at_ns = 0;
    }

    /// The header of a stream that begins now.
    pub fn header(&self) -> StreamHeader {
        let name = std::env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        // So Linux names a file that was replaced by a newer build.
        let name = name.map(|name| name.strip_suffix(" (deleted)").map_or(name.clone(), str::to_owned));
        // Where something is wrapped, what is only told adds to it; alone it is all there is.
        let wrapped = Executor::announced();
        let capabilities = match raw::told_capabilities() {
            Some(told) if wrapped.is_empty() => told,
            _ => Executor::capabilities_of_all(&wrapped),
        };
        StreamHeader {
            protocol: PROTOCOL_VERSION.to_owned(),
            session: self.session.clone(),
            process: Process {
                pid: std::process::id(),
                name: name.unwrap_or_else(|| "unknown".to_owned()),
                working_directory: std::env::current_dir().ok().map(|path| path.to_string_lossy().into_owned()),
            },
            executors: Recorder::executors()
                .iter()
                .map(|executor| insight_protocol::Executor {
                    name: executor.name.to_owned(),
                    version: executor.version.to_owned(),
                })
                .collect(),
            clock: Clock { wall_anchor_unix_ms: self.wall_anchor_unix_ms },
            detail: if self.tells_polls() { Detail::Polls } else { Detail::Structure },
            interval_ms: self.config.interval.as_millis() as u64,
            capabilities,
            extensions: Vec::new(),
            at_ns: self.now_ns(),
        }
    }

    /// The executors so far, those that are only told of last.
    fn executors() -> Vec<&'static Executor> {
        let mut executors = Executor::announced();
        let told = raw::told_executors();
        executors.extend(
            told.into_iter().filter(|told| executors.iter().all(|known| known.name != told.name)).collect::<Vec<_>>(),
        );
        executors
    }

    /// The producer's time.
    pub fn now_ns(&self) -> u64 {
        clock::time_ns(clock::ticks())
    }

    /// The id of `text`; appends its `define.string` when it is new.
    pub fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId {
        self.interned.string(text, out)
    }

    /// The task with this id, to be asked where it waits; `None` for one that is not known, or not any more.
    pub fn traceable(&self, id: TaskId) -> Option<Traceable> {
        self.tasks.get(&id.0).and_then(|entry| Some(Traceable(entry.cell.clone()?)))
    }

    /// Whether a task has had this id.
    pub fn was_task(&self, id: TaskId) -> bool {
        ids::was_task(id.0)
    }

    /// Appends what has happened since the last call, in an order that a fold can take. Ends with a heartbeat, if it was
    /// time to sample: everything up to the heartbeat's time is then told.
    pub fn collect(&mut self, out: &mut Vec<Message>) {
        self.collect_until(false, out);
    }

    /// As [`collect`](Recorder::collect), and samples in any case: for an answer that is wanted now.
    pub fn collect_now(&mut self, out: &mut Vec<Message>) {
        self.collect_until(true, out);
    }

    /// As [`collect`](Recorder::collect), or with `now` as [`collect_now`](Recorder::collect_now), in parts: of a program
    /// with a million tasks all the messages of one look take more memory than all that is kept. Appends some thousand
    /// messages, and says whether there are more to come.
    pub fn collect_part(&mut self, now: bool, out: &mut Vec<Message>) -> bool {
        if !self.is_on() {
            // What another thread had begun to record.
            self.discard();
            return false;
        }
        let mut collection = self.collection.take().unwrap_or_else(|| {
            let (cutoff, counted) = self.cutoff(now);
            let mut records = Vec::new();
            ring::drain(cutoff, &mut records);
            Collection { cutoff, records: records.into_iter(), counted, sampling: None }
        });
        let more = self.tell(&mut collection, now, out);
        self.collection = more.then_some(collection);
        more
    }

    /// The time up to which a collection goes, and what the executors count then, if that is wanted.
    ///
    /// The counts are of the cutoff, or they are not used: between the two, a busy program would spawn and end tasks.
    fn cutoff(&self, now: bool) -> (u64, Option<Vec<Counted>>) {
        let mut cutoff = clock::ticks();
        if !now && clock::time_ns(cutoff) < self.sample_at_ns {
            return (cutoff, None);
        }
        for _ in 0..COUNTS_TRIED {
            let alive = Executor::all_alive();
            let before = std::mem::replace(&mut cutoff, clock::ticks());
            if clock::duration_ns(cutoff.saturating_sub(before)) < COUNTS_TAKE_NS {
                return (cutoff, Some(alive.into_iter().map(Counted::new).collect()));
            }
        }
        (cutoff, None)
    }

    fn collect_until(&mut self, now: bool, out: &mut Vec<Message>) {
        // What was begun may be of before what is asked for now.
        while self.collection.is_some() && self.collect_part(false, out) {}
        while self.collect_part(now, out) {}
    }

    /// Tells a part of a collection; whether there is more.
    fn tell(&mut self, collection: &mut Collection, now: bool, out: &mut Vec<Message>) -> bool {
        let enough = out.len() + PART;
        for Read { record, cell } in collection.records.by_ref() {
            self.record(&record, cell, out);
            if out.len() >= enough {
                return true;
            }
        }
        if collection.sampling.is_none() {
            // Before what follows takes room: it may be many.
            collection.records = Vec::new().into_iter();
            // After what was recorded: so each task that is named was told of.
            if self.tells_polls() {
                polls::drain(collection.cutoff, self.recorded_from, out);
            }
            self.refusals(collection.cutoff, out);
            ring::set_bound(self.config.max_bytes.saturating_sub(self.kept_bytes()) / COLLECTED);
            let at_ns = clock::time_ns(collection.cutoff);
            if !now && at_ns < self.sample_at_ns {
                return false;
            }
            collection.sampling = Some(self.begin_to_sample(at_ns, collection.counted.take()));
        }
        collection.sampling.as_mut().is_some_and(|sampling| self.sample(sampling, enough, out))
    }

    fn record(&mut self, record: &Record, cell: Cell, out: &mut Vec<Message>) {
        let at_ns = clock::time_ns(record.ticks);
        let [first, second, third, fourth, fifth] = record.words;
        if opened_by(record).is_some_and(|id| id < self.recorded_from) {
            return drop_owned(record);
        }
        match record.kind {
            RecordKind::TaskSpawned => match cell {
                Cell::Here(cell) => self.task_spawned(first, cell, out),
                Cell::TakenBack(executor_task_id) => {
                    // SAFETY: `TaskCell::record` put a `&'static` of each of these types there.
                    let (location, body, executor) = unsafe {
                        (
                            &*(third as usize as *const Location<'static>),
                            &*(fourth as usize as *const Body),
                            &*(fifth as usize as *const Executor),
                        )
                    };
                    let parent = second & !(u64::MAX << KIND_SHIFT);
                    let spawned = TaskSpawned {
                        id: TaskId(first),
                        kind: Kind::from_word(second).protocol(),
                        name: self.interned.type_name(body.type_name(), out),
                        location: Some(self.interned.location(location, out)),
                        parent: (parent != 0).then_some(TaskId(parent)),
                        executor: Some(self.interned.name(executor.name, out)),
                        executor_task_id,
                        future_bytes: Some(body.size() as u64),
                        partial: false,
                        at_ns,
                    };
                    self.add_task(spawned, parent, None, out);
                }
                Cell::None => {}
            },
            RecordKind::TaskCompleted => {
                self.sample_hold_that_outlives(first, out);
                let Some(entry) = self.tasks.remove(&first) else { return };
                let waits = entry.waits.as_slice().iter().filter_map(|wait| wait.edge());
                waits.for_each(|edge| self.close_edge(edge, None, at_ns, out));
                let joined = entry.parties.iter().flat_map(|parties| &parties.joined);
                joined.for_each(|edge| self.close_edge(*edge, None, at_ns, out));
                out.push(TaskCompleted { id: TaskId(first), outcome: outcome_from_word(second), at_ns }.into());
            }
            RecordKind::ResourceCreated => {
                // SAFETY: the record owns the reference that `ResourceCell::register` made by `into_raw`, and is read once.
                let cell = unsafe { Arc::from_raw(first as usize as *const ResourceCell) };
                self.resource_created(second, third, cell, at_ns, out);
            }
            RecordKind::ResourceDropped => {
                self.resource_dropped(first, at_ns, out);
            }
            RecordKind::Party => {
                let role = Role::from_word(fourth);
                let joined = role == PartyRole::Joined;
                let party = EdgeParty {
                    id: EdgeId(first),
                    task: TaskId(second),
                    resource: ResourceId(third),
                    role,
                    exclusive: fifth != 0,
                    since_ns: at_ns,
                };
                if self.open_edge(first, second, third, party.into(), out) {
                    if let Some(task) = self.tasks.get_mut(&second) {
                        if joined {
                            task.parties().joined.insert(first);
                        } else if fifth != 0 {
                            task.parties().exclusive.insert(first);
                        }
                    }
                }
            }
            RecordKind::Permit => {
                // SAFETY: `Permits::new` put a `&'static Location` there.
                let location = unsafe { &*(fifth as usize as *const Location<'static>) };
                let hold = EdgeHold {
                    id: EdgeId(first),
                    task: TaskId(second),
                    resource: ResourceId(third),
                    mode: HoldMode::Permit,
                    units: fourth,
                    transferable: true,
                    location: Some(self.interned.location(location, out)),
                    since_ns: at_ns,
                };
                self.open_edge(first, second, third, hold.into(), out);
            }
            RecordKind::Told => {
                // SAFETY: the record owns the box of which `raw::tell` made it, and is read once.
                let told = unsafe { Box::from_raw(first as usize as *mut Told) };
                self.told(*told, at_ns, out);
            }
            RecordKind::EdgeClosed => {
                let edge = self.replaced.remove(&first).unwrap_or(first);
                self.close_edge(edge, edge_outcome(second), at_ns, out);
            }
        }
    }

    fn task_spawned(&mut self, id: u64, cell: CellRef, out: &mut Vec<Message>) {
        let executor = cell.executor;
        let spawned = TaskSpawned {
            id: TaskId(id),
            kind: cell.told().map_or(cell.kind.protocol(), |told| told.kind.clone()),
            name: self.task_name(&cell, out),
            location: self.spawned_at(&cell, out),
            parent: (!cell.partial && cell.parent != 0).then_some(TaskId(cell.parent)),
            executor: Some(self.interned.name(executor.name, out)),
            executor_task_id: Some(cell.executor_task_id.load(Ordering::Relaxed)).filter(|id| *id != 0),
            future_bytes: match cell.told() {
                Some(told) => told.future_bytes,
                None => (!cell.partial).then_some(cell.body.size() as u64),
            },
            partial: cell.partial,
            at_ns: clock::time_ns(cell.spawned_at.load(Ordering::Relaxed)),
        };
        self.add_task(spawned, cell.parent, Some(cell), out);
    }

    fn add_task(&mut self, spawned: TaskSpawned, parent: u64, cell: Option<CellRef>, out: &mut Vec<Message>) {
        if parent != 0 {
            self.end_exclusivity(parent, spawned.at_ns, out);
        }
        let entry =
            TaskEntry { cell, told: ToldStats::default(), waits: SampledWaits::default(), parties: None, edges: 0 };
        self.tasks.insert(spawned.id.0, entry);
        out.push(spawned.into());
    }

    /// The name that the program gave it, or else that of its type.
    fn task_name(&mut self, cell: &TaskCell, out: &mut Vec<Message>) -> Option<StringId> {
        match cell.name() {
            Some(name) => Some(self.interned.string(name, out)),
            None => self.interned.type_name(cell.body.type_name(), out),
        }
    }

    /// The task has spawned another one: a handle that was part of its future may now be part of that one's. It is
    /// exclusive again once the task uses it again.
    fn end_exclusivity(&mut self, task: u64, at_ns: u64, out: &mut Vec<Message>) {
        let Some(parties) = self.tasks.get_mut(&task).and_then(|entry| entry.parties.as_mut()) else { return };
        for edge in std::mem::take(&mut parties.exclusive) {
            let Some(entry) = self.edges.get(&edge) else { continue };
            let (resource, Some(role)) = (entry.resource(), entry.party.as_deref().cloned()) else { continue };
            self.close_edge(edge, None, at_ns, out);
            let id = ids::next_edge();
            let party = EdgeParty {
                id: EdgeId(id),
                task: TaskId(task),
                resource: ResourceId(resource),
                role,
                exclusive: false,
                since_ns: at_ns,
            };
            if self.open_edge(id, task, resource, party.into(), out) {
                self.replaced.insert(edge, id);
            }
        }
    }

    fn resource_created(&mut self, id: u64, creator: u64, cell: Arc<ResourceCell>, at_ns: u64, out: &mut Vec<Message>) {
        let created = ResourceCreated {
            id: ResourceId(id),
            kind: cell.kind.protocol(),
            name: cell.name.get().map(|name| self.interned.string(name, out)),
            location: (!origin::is_of_std(cell.location.file())).then(|| self.interned.location(cell.location, out)),
            task: (creator != 0).then_some(TaskId(creator)),
            capacity: count(&cell.capacity),
            hand_off: cell.kind.hand_off(),
            closed_by_any: matches!(cell.kind, Type::Channel(_, Closing::ByAny)),
            at_ns,
        };
        let named = created.name.is_some();
        // What it was created with is no change.
        let state = ResourceUpdated { id: ResourceId(id), capacity: created.capacity, ..ResourceUpdated::default() };
        out.push(created.into());
        self.resources.insert(
            id,
            ResourceEntry {
                cell: Some(cell),
                made_for: None,
                named,
                created_ns: at_ns,
                state,
                hold: None,
                holds: BTreeSet::new(),
                edges: EdgeSet::default(),
                waits: 0,
            },
        );
    }

    /// Opens an edge between a task and a resource that are known; an edge of others is left out as a whole.
    fn open_edge(&mut self, edge: u64, task: u64, resource: u64, message: Message, out: &mut Vec<Message>) -> bool {
        let (Some(from), Some(to)) = (self.tasks.get_mut(&task), self.resources.get_mut(&resource)) else {
            return false;
        };
        let wait = matches!(message, Message::EdgeWait(_));
        from.edges += 1;
        to.edges.insert(EdgeId(edge));
        to.waits += u64::from(wait);
        let party = if let Message::EdgeParty(party) = &message { Some(Box::new(party.role.clone())) } else { None };
        self.edges.insert(edge, EdgeEntry { task, resource: resource << 1 | u64::from(wait), party });
        out.push(message);
        true
    }

    fn close_edge(&mut self, edge: u64, outcome: Option<EdgeOutcome>, at_ns: u64, out: &mut Vec<Message>) {
        let Some(entry) = self.edges.remove(&edge) else { return };
        if let Some(task) = self.tasks.get_mut(&entry.task) {
            task.edges -= 1;
            if let Some(parties) = &mut task.parties {
                parties.exclusive.remove(&edge);
                parties.joined.remove(&edge);
            }
        }
        out.push(EdgeClosed { id: EdgeId(edge), outcome, at_ns }.into());
        let Some(resource) = self.resources.get_mut(&entry.resource()) else { return };
        resource.edges.remove(&EdgeId(edge));
        resource.waits -= u64::from(entry.is_wait());
        if let (Some(made_for), true, 0) = (resource.made_for, entry.is_wait(), resource.waits) {
            self.made.remove(&made_for);
            self.resource_dropped(entry.resource(), at_ns, out);
        }
    }

    fn resource_dropped(&mut self, id: u64, at_ns: u64, out: &mut Vec<Message>) {
        let Some(entry) = self.resources.remove(&id) else { return };
        entry.edges.iter().for_each(|edge| self.close_edge(edge.0, None, at_ns, out));
        out.push(ResourceDropped { id: ResourceId(id), at_ns }.into());
    }

    /// How many bytes what is alive takes, about.
    fn kept_bytes(&self) -> usize {
        let polls = if self.tells_polls() { self.config.max_bytes / POLLS_PART } else { 0 };
        // A task waits sooner or later, and its wait is not refused: there is to be room for it.
        let edges = self.edges.len().max(self.tasks.len());
        polls + self.tasks.len() * TASK_BYTES + self.resources.len() * RESOURCE_BYTES + edges * EDGE_BYTES
    }

    fn tells_polls(&self) -> bool {
        self.config.detail == Detail::Polls
    }

    fn refusals(&self, cutoff: u64, out: &mut Vec<Message>) {
        let polls = polls::take_lost();
        if polls > 0 {
            let reason = "polls came faster than they were collected".to_owned();
            let kinds = vec!["task.polls".to_owned()];
            out.push(Gap { count: polls, kinds, reason, at_ns: clock::time_ns(cutoff) }.into());
        }
        let refused = ring::take_refused();
        let count: u64 = refused.iter().sum();
        if count == 0 {
            return;
        }
        let kinds = [
            (RecordKind::TaskSpawned, "task.spawned"),
            (RecordKind::ResourceCreated, "resource.created"),
            (RecordKind::Party, "edge.party"),
            (RecordKind::Permit, "edge.hold"),
            // What is told is of several types: as edges it is taken for the worst of them.
            (RecordKind::Told, "edge.wait"),
        ];
        let kinds =
            kinds.iter().filter(|(kind, _)| refused[*kind as usize] > 0).map(|(_, name)| (*name).to_owned()).collect();
        let reason = format!("there was no room within the {} bytes that insight may take", self.config.max_bytes);
        out.push(Gap { count, kinds, reason, at_ns: clock::time_ns(cutoff) }.into());
    }
}

fn start_polls(config: &RecorderConfig) {
    if config.detail == Detail::Polls {
        polls::start(config.max_bytes / POLLS_PART / COLLECTED);
    }
}

/// The id of the task or the resource that a record introduces.
fn opened_by(record: &Record) -> Option<u64> {
    match record.kind {
        RecordKind::TaskSpawned => Some(record.words[0]),
        RecordKind::ResourceCreated => Some(record.words[1]),
        _ => None,
    }
}

/// Gives up what a record owns that is not told.
fn drop_owned(record: &Record) {
    match record.kind {
        // SAFETY: the record owns the reference that `ResourceCell::register` made by `into_raw`, and is read once.
        RecordKind::ResourceCreated => drop(unsafe { Arc::from_raw(record.words[0] as usize as *const ResourceCell) }),
        // SAFETY: the record owns the box of which `raw::tell` made it, and is read once.
        RecordKind::Told => drop(unsafe { Box::from_raw(record.words[0] as usize as *mut Told) }),
        _ => {}
    }
}

impl Drop for Recorder {
    /// Nobody collects any more: recording ends.
    fn drop(&mut self) {
        ids::turn_off();
        polls::stop();
        raw::turned();
    }
}

#[cfg(all(test, not(loom), target_pointer_width = "64"))]
mod tests {
    use super::{EdgeEntry, TaskCell, TaskEntry};

    /// There is one of each for each live task, or for each wait: what makes them larger is to be seen.
    #[test]
    fn the_sizes_of_what_there_is_many_of() {
        assert_eq!((size_of::<TaskCell>(), size_of::<TaskEntry>(), size_of::<EdgeEntry>()), (320, 88, 24));
    }
}
