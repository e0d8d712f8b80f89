//! The recorded facts as messages of the protocol.

mod cancellers;
mod coverage;
mod facts;
mod held;
mod journal;
mod ledger;
mod made;
mod operations;
mod reported;
mod sample;
mod stats;
mod stream;
mod waits;
mod words;

use crate::executor::Executor;
use crate::fact::FactKind;
use crate::raw;
use crate::ring::{self, Read};
use crate::{Traceable, clock, ids, left_out, order, panics, polls, task};
use coverage::{Counted, Coverage};
use insight_protocol::*;
use ledger::Ledger;
use operations::Operations;
use sample::Sampling;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The settings of a [`Recorder`].
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// Minimum time between two samples of counters, waits and holders. Sampling takes longer with more tasks; it is done
    /// less often if it would take more than a twentieth of a processor.
    pub interval: Duration,
    /// Approximate memory limit of all of insight in this process, in bytes. It covers the queues between the program's
    /// threads and [`Recorder::collect`], and the state of each live task, resource and edge, also in a model
    /// folded from the messages. State of ended objects is dropped at once, so there is nothing to drop to make room: past
    /// the limit, new objects are not recorded, and a `gap` counts them. A task that was left out is recorded at a poll
    /// when there is room again.
    pub max_bytes: usize,
    /// At [`Detail::Polls`] each poll is also sent by itself. Half of `max_bytes` is then for polls, and a `gap` counts the
    /// polls that had no room. At [`Detail::Operations`] each operation and each hold is sent, too, event by event. Then each fact takes
    /// its time from one word that all threads share, so this level is for tests and short recordings.
    pub detail: Detail,
    /// Whether to record the messages of panics, which may contain data of the program's users. They are recorded of the tasks
    /// whose first poll comes after this is set.
    pub panic_messages: bool,
}

/// Bytes counted for each live object: its cell, and its state in the recorder, in a model and in the model's diagnosis.
/// Measured with 100,000 of each, above the same program without insight: tasks without a known waker, 485 bytes;
/// channels, 805; waits, 110 if no known task can end them, and 500 for a lock, which the diagnosis follows.
const TASK_BYTES: usize = 500;
const RESOURCE_BYTES: usize = 800;
const EDGE_BYTES: usize = 500;
/// Approximate number of messages in a part of a collection: few enough to be still in the processor's cache when they are
/// folded.
const PART: usize = 1 << 10;
/// Growth of a record when it is collected: a spawn in a queue becomes a message, and then the state of a task.
const COLLECTED: usize = 4;
/// Maximum time between a cutoff and the executors' counts, in nanoseconds.
const COUNTS_TAKE_NS: u64 = 100_000;
/// Maximum number of attempts to count within that time: the thread may lose its processor meanwhile.
const COUNTS_TRIED: usize = 3;
/// Divisor of `max_bytes` for polls at detail `polls`: they get half, and their queues a quarter of that half.
const POLLS_PART: usize = 2;

impl Default for RecorderConfig {
    /// 100 ms and 256 MiB, at detail `structure`, without the messages of panics.
    fn default() -> RecorderConfig {
        let interval = Duration::from_millis(100);
        RecorderConfig { interval, max_bytes: 256 << 20, detail: Detail::Structure, panic_messages: false }
    }
}

/// The error of [`Recorder::start`] if recording was turned on before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyStarted;

impl std::fmt::Display for AlreadyStarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("recording is on already in this process")
    }
}

impl std::error::Error for AlreadyStarted {}

/// Collects the facts that the program's threads recorded. One per process.
#[derive(Debug)]
pub struct Recorder {
    config: RecorderConfig,
    session: String,
    wall_anchor_unix_ms: u64,
    ledger: Ledger,
    /// The unfinished collection, between two of its parts.
    collection: Option<Collection>,
    coverage: Coverage,
    /// The time of the next sample.
    sample_at_ns: u64,
    /// A task was left out for lack of room since recording was turned on.
    tasks_left_out: bool,
    /// A way to cancel a task was not recorded for lack of room since recording was turned on.
    cancellers_left_out: bool,
    /// The number of live tasks in the last `gap` for lack of room.
    left_out_sent: u64,
}

/// A collection that is not all written as messages yet.
#[derive(Debug)]
struct Collection {
    cutoff: u64,
    records: std::vec::IntoIter<Read>,
    /// The tasks that the executors counted at the cutoff; `None` if they were not asked then.
    counted: Option<Vec<Counted>>,
    /// `None` until the records are written.
    sampling: Option<Sampling>,
}

static STARTED: AtomicBool = AtomicBool::new(false);

/// For a forked child, which has no recorder of its own.
#[cfg(not(all(test, loom)))]
pub(crate) fn forget_started() {
    STARTED.store(false, Ordering::SeqCst);
}

impl Recorder {
    /// Turns recording on. Tasks that were spawned before appear at their next poll; the calling task appears at once.
    pub fn start(config: RecorderConfig) -> Result<Recorder, AlreadyStarted> {
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(AlreadyStarted);
        }
        clock::start();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut recorder = Recorder {
            config,
            session: format!("{:x}-{:x}", std::process::id(), wall.as_nanos()),
            wall_anchor_unix_ms: wall.as_millis() as u64,
            ledger: Ledger::default(),
            collection: None,
            coverage: Coverage::default(),
            sample_at_ns: 0,
            tasks_left_out: false,
            cancellers_left_out: false,
            left_out_sent: 0,
        };
        // In a forked process, the parent's records.
        recorder.discard();
        panics::record(recorder.config.panic_messages);
        start_details(&recorder.config);
        recorder.ledger.recorded_from = ids::turn_on();
        task::record_current();
        raw::turned();
        Ok(recorder)
    }

    /// Turns recording off, or on again. Appends the messages of this change, if it is one.
    ///
    /// While recording is off, nothing is recorded, and earlier facts are dropped. Once it is on again, it is like a new start:
    /// tasks that were spawned before appear at their next poll, and resources when they are used again, under other IDs. Call
    /// [`collect`](Recorder::collect) as before. A stream shows the change as an empty snapshot; while recording is off, with
    /// a `gap` after it and no heartbeat.
    pub fn set_on(&mut self, on: bool, out: &mut Vec<Message>) {
        if on == self.is_on() {
            return;
        }
        let known = self.ledger.len();
        if on {
            self.discard();
            start_details(&self.config);
            self.ledger.recorded_from = ids::turn_on();
            task::record_current();
        } else {
            ids::turn_off();
            stop_details();
            self.ledger.recorded_from = u64::MAX;
            self.discard();
        }
        raw::turned();
        let at_ns = self.now_ns();
        out.push(with!(SnapshotBegin::default(), at_ns).into());
        out.push(self.coverage.begin_anew(&Recorder::executors(), at_ns).into());
        out.push(SnapshotEnd::new(at_ns).into());
        if !on {
            let reason = "recording was turned off".to_owned();
            out.push(with!(Gap::default(), count = known.max(1) as u64, reason, at_ns).into());
        }
    }

    /// Changes the settings, from the next collection on. The headers of open streams have the old interval and detail, and
    /// have to stay true: the caller changes these two only while no stream is open.
    pub fn configure(&mut self, config: RecorderConfig) {
        let before = std::mem::replace(&mut self.config, config).detail;
        panics::record(self.config.panic_messages);
        self.sample_at_ns = 0;
        if !self.is_on() {
            return;
        }
        ring::set_bound(self.config.max_bytes.saturating_sub(self.kept_bytes()) / COLLECTED);
        if before != self.config.detail {
            stop_details();
            self.ledger.operations = Operations::default();
            start_details(&self.config);
        }
    }

    /// Its settings.
    pub fn config(&self) -> &RecorderConfig {
        &self.config
    }

    /// Whether recording is on.
    pub fn is_on(&self) -> bool {
        self.ledger.recorded_from != u64::MAX
    }

    /// Drops all recorded facts, read or not.
    fn discard(&mut self) {
        self.collection = None;
        ring::drain(u64::MAX, &mut Vec::new());
        let _ = ring::take_refused();
        (self.tasks_left_out, self.cancellers_left_out, self.left_out_sent) = (false, false, 0);
        polls::discard();
        self.ledger.clear();
        ring::set_bound(self.config.max_bytes / COLLECTED);
        self.sample_at_ns = 0;
    }

    /// Whether a location was compiled into the program. Any other location is a string from run time, such as a field of a
    /// span, and its origin is unknown.
    pub fn is_compiled_in(&self, id: LocationId) -> bool {
        self.ledger.stream.is_compiled_in(id)
    }

    /// The header of a stream that begins now.
    pub fn header(&self) -> StreamHeader {
        let name = std::env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        // Linux appends this to the name of a file that a newer build has replaced.
        let name = name.map(|name| name.strip_suffix(" (deleted)").map_or(name.clone(), str::to_owned));
        // Reported capabilities count only if no executor is wrapped.
        let wrapped = Executor::announced();
        let capabilities = match raw::reported_capabilities() {
            Some(reported) if wrapped.is_empty() => reported,
            _ => Executor::capabilities_of_all(&wrapped),
        };
        with!(
            StreamHeader::new(
                self.session.clone(),
                with!(
                    Process::new(std::process::id(), name.unwrap_or_else(|| "unknown".to_owned())),
                    working_directory = std::env::current_dir().ok().map(|path| path.to_string_lossy().into_owned())
                )
            ),
            executors = Recorder::executors()
                .iter()
                .map(|executor| insight_protocol::Executor::new(executor.name, executor.version))
                .collect(),
            clock = Clock::new(self.wall_anchor_unix_ms),
            detail = match self.config.detail {
                Detail::Polls | Detail::Operations => self.config.detail.clone(),
                _ => Detail::Structure,
            },
            interval_ms = self.config.interval.as_millis() as u64,
            capabilities,
            at_ns = self.now_ns()
        )
    }

    /// The executors so far; the reported ones (`RawTask`) come last.
    fn executors() -> Vec<&'static Executor> {
        let mut executors = Executor::announced();
        let reported = raw::reported_executors();
        executors.extend(
            reported
                .into_iter()
                .filter(|reported| executors.iter().all(|known| known.name != reported.name))
                .collect::<Vec<_>>(),
        );
        executors
    }

    /// The producer's time.
    pub fn now_ns(&self) -> u64 {
        clock::now_ns()
    }

    /// Returns the ID of `text`, and appends its `define.string` if it is new.
    pub fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId {
        self.appending(out, |recorder| recorder.ledger.stream.string(text))
    }

    /// The task with this ID, for a trace of its awaits; `None` if it is unknown, or unknown by now.
    pub fn traceable(&self, id: TaskId) -> Option<Traceable> {
        self.ledger.tasks.get(&id.0).and_then(|entry| Some(Traceable(entry.cell.clone()?)))
    }

    /// The ID in the stream of a wait of the task, from the edge of its [`Stack`](crate::Stack). `None` if it is not in the stream,
    /// or closed.
    pub fn open_wait(&self, task: TaskId, edge: EdgeId) -> Option<EdgeId> {
        let waits = self.ledger.tasks.get(&task.0)?.waits.as_slice();
        let edge = waits.iter().find(|wait| wait.slot == edge.0)?.edge()?;
        self.ledger.edges.contains_key(&edge).then_some(EdgeId(edge))
    }

    /// Returns the ID of a location in the source, from the program's debug information, and appends its `define.location` if it
    /// is new. `None` if there is no room for it.
    pub fn locate(&mut self, file: &str, line: u32, column: u32, out: &mut Vec<Message>) -> Option<LocationId> {
        let place = raw::RawLocation { file: file.into(), line, column };
        self.appending(out, |recorder| recorder.ledger.stream.code_location(&place))
    }

    /// Returns the ID of a function's name, and appends its `define.string` if it is new. `None` if there is no room for it.
    pub fn intern_function(&mut self, name: &str, out: &mut Vec<Message>) -> Option<StringId> {
        self.appending(out, |recorder| recorder.ledger.stream.code_string(name))
    }

    /// Whether a task has had this id.
    pub fn was_task(&self, id: TaskId) -> bool {
        ids::was_task(id.0)
    }

    /// Whether a task that had this ID, and is unknown now, has ended. Otherwise it may have another ID, or be left out.
    pub fn has_ended(&self, id: TaskId) -> bool {
        id.0 >= self.ledger.recorded_from && !self.tasks_left_out && !self.ledger.tasks.contains_key(&id.0)
    }

    /// The number of live tasks that are not recorded, for lack of room.
    pub fn left_out_tasks(&self) -> u64 {
        left_out::tasks()
    }

    /// Appends the messages since the last call, in an order for a fold. Ends with a heartbeat if it was time to sample:
    /// then the messages cover everything up to the heartbeat's time.
    pub fn collect(&mut self, out: &mut Vec<Message>) {
        self.collect_until(false, out);
    }

    /// Like [`collect`](Recorder::collect), but always samples: for an immediate answer.
    pub fn collect_now(&mut self, out: &mut Vec<Message>) {
        self.collect_until(true, out);
    }

    /// Like [`collect`](Recorder::collect), or with `now` like [`collect_now`](Recorder::collect_now), but in parts: in a
    /// program with a million tasks, all the messages of one sample take more memory than the recorder's state. Appends
    /// about a thousand messages, and returns whether there are more.
    pub fn collect_part(&mut self, now: bool, out: &mut Vec<Message>) -> bool {
        if !self.is_on() {
            // Records that another thread had begun before.
            self.discard();
            return false;
        }
        let mut collection = self.collection.take().unwrap_or_else(|| {
            let (cutoff, counted) = self.cutoff(now);
            let mut records = Vec::new();
            ring::drain(cutoff, &mut records);
            Collection { cutoff, records: records.into_iter(), counted, sampling: None }
        });
        let more = self.appending(out, |recorder| recorder.tell(&mut collection, now));
        self.collection = more.then_some(collection);
        more
    }

    /// The time up to which a collection goes, and the executors' counts at that time if it is time to sample.
    ///
    /// Counts that took too long are not used: meanwhile a busy program would spawn and end tasks.
    fn cutoff(&self, now: bool) -> (u64, Option<Vec<Counted>>) {
        let mut cutoff = cutoff_ticks();
        if !now && clock::time_ns(cutoff) < self.sample_at_ns {
            return (cutoff, None);
        }
        for _ in 0..COUNTS_TRIED {
            let alive = Executor::all_alive();
            let before = std::mem::replace(&mut cutoff, cutoff_ticks());
            if clock::duration_ns(cutoff.saturating_sub(before)) < COUNTS_TAKE_NS {
                return (cutoff, Some(alive.into_iter().map(Counted::new).collect()));
            }
        }
        (cutoff, None)
    }

    fn collect_until(&mut self, now: bool, out: &mut Vec<Message>) {
        // A collection that was begun may have an earlier cutoff.
        while self.collection.is_some() && self.collect_part(false, out) {}
        while self.collect_part(now, out) {}
    }

    /// Calls `write`, which writes messages into the ledger's stream, and appends them to `out`.
    fn appending<R>(&mut self, out: &mut Vec<Message>, write: impl FnOnce(&mut Recorder) -> R) -> R {
        self.ledger.stream.exchange(out);
        let result = write(self);
        self.ledger.stream.exchange(out);
        result
    }

    /// Writes a part of a collection. Returns whether there is more.
    fn tell(&mut self, collection: &mut Collection, now: bool) -> bool {
        let enough = self.ledger.stream.len() + PART;
        for read in collection.records.by_ref() {
            self.ledger.record(read);
            if self.ledger.stream.len() >= enough {
                return true;
            }
        }
        if collection.sampling.is_none() {
            // Frees the records, which may be many, before the sampling takes room.
            collection.records = Vec::new().into_iter();
            // After the records, so that each named task was spawned in the stream.
            if self.sends_polls() {
                let polls = polls::drain(collection.cutoff, self.ledger.recorded_from);
                self.ledger.stream.extend(polls);
            }
            self.refusals(collection.cutoff);
            self.ledger.drop_names();
            ring::set_bound(self.config.max_bytes.saturating_sub(self.kept_bytes()) / COLLECTED);
            let at_ns = clock::time_ns(collection.cutoff);
            if !now && at_ns < self.sample_at_ns {
                return false;
            }
            collection.sampling = Some(self.ledger.begin_to_sample(at_ns, collection.counted.take()));
        }
        collection.sampling.as_mut().is_some_and(|sampling| self.sample(sampling, enough))
    }

    /// Continues until the stream has `enough` messages. Returns whether there are more.
    fn sample(&mut self, sampling: &mut Sampling, enough: usize) -> bool {
        let start_ns = self.now_ns();
        let more = self.ledger.sample(sampling, enough);
        sampling.took_ns += self.now_ns() - start_ns;
        if !more {
            let at_ns = sampling.at_ns;
            self.tell_coverage(sampling.counted.as_deref(), at_ns);
            self.ledger.stream.push(StreamHeartbeat::new(at_ns));
            self.sample_at_ns = at_ns + (self.config.interval.as_nanos() as u64).max(sampling.took_ns * 20);
        }
        more
    }

    /// Sets the packages of the program's dependency graph in which a task can wait; `None` if the graph is unknown.
    pub fn set_packages(&mut self, facts: Option<GraphFacts>) {
        self.coverage.set_packages(facts);
    }

    /// Adds a sample's counts, and sends the coverage if it has changed. `None` if the executors were not asked.
    fn tell_coverage(&mut self, counted: Option<&[Counted]>, at_ns: u64) {
        if let Some(counted) = counted {
            // Samples are closer together only on request, or at the first of them.
            self.coverage.look(counted, at_ns, self.config.interval.as_nanos() as u64 / 2);
        }
        self.ledger.stream.extend(self.coverage.tell(&Recorder::executors(), at_ns));
    }

    /// Approximate memory of all live objects, in bytes.
    fn kept_bytes(&self) -> usize {
        let polls = if self.sends_polls() { self.config.max_bytes / POLLS_PART } else { 0 };
        // Each task waits sooner or later, and its wait is not refused, so we count room for it.
        let Ledger { stream, tasks, resources, edges, operations, .. } = &self.ledger;
        let edges = edges.len().max(tasks.len());
        let operations = operations.len() * operations::OPERATION_BYTES;
        polls
            + operations
            + stream.given_bytes()
            + tasks.len() * TASK_BYTES
            + resources.len() * RESOURCE_BYTES
            + edges * EDGE_BYTES
    }

    fn sends_polls(&self) -> bool {
        matches!(self.config.detail, Detail::Polls | Detail::Operations)
    }

    fn refusals(&mut self, cutoff: u64) {
        let polls = polls::take_lost();
        if polls > 0 {
            let reason = "polls came faster than they were collected".to_owned();
            let kinds = vec!["task.polls".to_owned()];
            let at_ns = clock::time_ns(cutoff);
            self.ledger.stream.push(with!(Gap::default(), count = polls, kinds, reason, at_ns));
        }
        let refused = ring::take_refused();
        let count: u64 = refused.iter().sum();
        let tasks = left_out::tasks();
        // The last task that was left out has ended, or is recorded by now.
        let none_any_more = tasks == 0 && self.left_out_sent > 0;
        if count == 0 && !none_any_more {
            return;
        }
        let kinds = [
            (FactKind::TaskSpawned, "task.spawned"),
            (FactKind::ResourceCreated, "resource.created"),
            (FactKind::Party, "edge.party"),
            (FactKind::Permit, "edge.hold"),
            (FactKind::Cancellable, "task.cancellers"),
            (FactKind::Operation, "task.operation"),
            // Reported facts are of several types; the worst one to miss is an edge.
            (FactKind::Reported, "edge.wait"),
        ];
        let is_named = |kind: FactKind| refused[kind as usize] > 0 || kind == FactKind::TaskSpawned && none_any_more;
        let kinds = kinds.iter().filter(|(kind, _)| is_named(*kind)).map(|(_, name)| (*name).to_owned()).collect();
        let reason = format!("there was no room within the {} bytes that insight may take", self.config.max_bytes);
        self.tasks_left_out |= refused[FactKind::TaskSpawned as usize] > 0;
        self.cancellers_left_out |= refused[FactKind::Cancellable as usize] > 0;
        self.left_out_sent = tasks;
        let (tasks, at_ns) = (Some(tasks), clock::time_ns(cutoff));
        self.ledger.stream.push(with!(Gap::default(), count, kinds, reason, tasks, at_ns));
    }
}

/// Starts to record the facts of the configured detail.
fn start_details(config: &RecorderConfig) {
    if matches!(config.detail, Detail::Polls | Detail::Operations) {
        polls::start(config.max_bytes / POLLS_PART / COLLECTED);
    }
    order::set_on(config.detail == Detail::Operations);
}

/// Stops to record single polls and operations.
fn stop_details() {
    polls::stop();
    order::set_on(false);
}

/// The time up to which a collection goes. At detail `operations` it is later than that of each record that is published by now.
fn cutoff_ticks() -> u64 {
    let now = clock::ticks();
    if order::is_on() { order::next(now) } else { now }
}

impl Drop for Recorder {
    /// Turns recording off, since nothing collects any more.
    fn drop(&mut self) {
        ids::turn_off();
        stop_details();
        panics::record(false);
        raw::turned();
    }
}
