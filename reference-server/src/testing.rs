//! A producer that sends the messages from a test.

use crate::awaits::{Asked, Capturable};
use crate::producer::Producer;
use crate::search::{Copies, Copy, Found, FutureRange, Place, Search};
use insight_probe::{RecorderConfig, Trace, Traceable, Word};
use insight_protocol::{
    Clock, DefineLocation, DefineString, Detail, EdgeClosed, EdgeHold, EdgeId, Gap, GraphFacts, LocationId, Message,
    Process, SnapshotBegin, SnapshotEnd, SourceLocation, StreamHeader, StreamHeartbeat, StringId, TaskCancellers,
    TaskId, with,
};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) struct Script {
    begun: Instant,
    /// Its time is ahead by this much.
    ahead: Duration,
    /// An empty part makes the producer panic.
    parts: Receiver<Vec<Message>>,
    names: Vec<String>,
    config: RecorderConfig,
    holds: BTreeMap<EdgeId, EdgeHold>,
    memory: Arc<Mutex<Memory>>,
}

/// The program's memory, and the searches of it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The places of handles. All others are nowhere.
    pub(crate) handles: Vec<(Word, Place)>,
    pub(crate) cancellers: BTreeMap<TaskId, TaskCancellers>,
    /// Added to the words of guards.
    pub(crate) guards: u64,
    /// Searches do not end.
    pub(crate) slow: bool,
    /// The system allows no search.
    pub(crate) refused: bool,
    /// The words that were sought, by search, and the futures that counted as idle.
    pub(crate) sought: Vec<Vec<Word>>,
    pub(crate) idle: Vec<TaskId>,
}

/// The word of the guard of a hold.
pub(crate) fn guard_word(hold: u64) -> Word {
    Word::of(1000 + hold)
}

/// The word of the join handle of a task.
pub(crate) fn join_word(task: u64) -> Word {
    Word::of(2000 + task)
}

/// A search of the script's memory.
struct ScriptSearch {
    memory: Arc<Mutex<Memory>>,
    words: Option<Vec<Word>>,
}

impl Search for ScriptSearch {
    fn is_free(&self, _now: Instant) -> bool {
        self.words.is_none()
    }

    fn is_unavailable(&self) -> bool {
        self.memory.lock().unwrap().refused
    }

    fn begin(&mut self, words: Vec<Word>, futures: Vec<FutureRange>) {
        let mut memory = self.memory.lock().unwrap();
        memory.sought.push(words.clone());
        memory.idle = futures.iter().filter(|future| future.idle).map(|future| future.task).collect();
        self.words = Some(words);
    }

    fn found(&mut self, _now: Instant) -> Option<Found> {
        let memory = self.memory.lock().unwrap();
        if memory.slow || memory.refused {
            return None;
        }
        let copies = |word| {
            let handles = memory.handles.iter().filter(|(handle, _)| *handle == word);
            Copies { word, copies: handles.map(|(_, place)| Copy { address: 8, place: *place }).collect() }
        };
        let copies = self.words.take()?.into_iter().map(copies).collect();
        Some(Found { copies, bytes: 0, cost: Duration::ZERO })
    }
}

impl Script {
    /// The memory that it has.
    pub(crate) fn memory(&self) -> Arc<Mutex<Memory>> {
        self.memory.clone()
    }

    pub(crate) fn new() -> (Script, Sender<Vec<Message>>) {
        let (feed, parts) = mpsc::channel();
        (
            Script {
                begun: Instant::now(),
                ahead: Duration::ZERO,
                parts,
                names: Vec::new(),
                config: RecorderConfig::default(),
                holds: BTreeMap::new(),
                memory: Arc::default(),
            },
            feed,
        )
    }
}

/// A task of the script, which cannot be polled.
pub(crate) struct ScriptTask;

impl Capturable for ScriptTask {
    fn capture(&self) -> Result<Box<dyn Asked>, Trace> {
        Err(Trace::NoWaker)
    }

    fn wakes(&self) -> u64 {
        0
    }
}

impl Script {
    /// Sets its time ahead.
    pub(crate) fn set_ahead(&mut self, by: Duration) {
        self.ahead = by;
    }
}

impl Producer for Script {
    type Task = ScriptTask;

    fn header(&self) -> StreamHeader {
        let interval_ms = self.config.interval.as_millis() as u64;
        with!(header(), detail = self.config.detail.clone(), interval_ms)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from((self.begun.elapsed() + self.ahead).as_nanos()).unwrap_or(u64::MAX)
    }

    fn set_packages(&mut self, _facts: Option<GraphFacts>) {}

    fn collect(&mut self, _now: bool, out: &mut Vec<Message>) -> bool {
        while let Ok(part) = self.parts.try_recv() {
            assert!(!part.is_empty(), "a fault, for the test of it");
            for message in &part {
                if let Message::EdgeHold(hold) = message {
                    self.holds.insert(hold.id, hold.clone());
                }
            }
            out.extend(part);
        }
        out.push(StreamHeartbeat::new(self.now_ns()).into());
        false
    }

    fn set_on(&mut self, on: bool, out: &mut Vec<Message>) {
        let at_ns = self.now_ns();
        out.push(with!(SnapshotBegin::default(), at_ns).into());
        out.push(SnapshotEnd::new(at_ns).into());
        let gap = with!(Gap::default(), count = 1, reason = "off".to_owned(), at_ns);
        out.extend((!on).then_some(gap.into()));
    }

    fn config(&self) -> RecorderConfig {
        self.config.clone()
    }

    fn configure(&mut self, config: RecorderConfig) {
        self.config = config;
    }

    fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId {
        let at = self.names.iter().position(|name| name == text).unwrap_or_else(|| {
            self.names.push(text.to_owned());
            out.push(DefineString::new(StringId(1000 + self.names.len() as u64), text).into());
            self.names.len() - 1
        });
        StringId(1001 + at as u64)
    }

    fn intern_function(&mut self, name: &str, out: &mut Vec<Message>) -> Option<StringId> {
        Some(self.intern(name, out))
    }

    /// The ID is the line.
    fn locate(&mut self, location: &SourceLocation, out: &mut Vec<Message>) -> Option<LocationId> {
        let SourceLocation { file, line, column, .. } = location.clone();
        let id = LocationId(line.into());
        out.push(DefineLocation::new(id, file, line, column).into());
        Some(id)
    }

    /// The locations from ID 100 on come from strings.
    fn is_compiled_in(&self, id: LocationId) -> bool {
        id.0 < 100
    }

    fn traceable(&self, _id: TaskId) -> Option<Traceable> {
        None
    }

    fn capturable(&self, _id: TaskId) -> Option<ScriptTask> {
        Some(ScriptTask)
    }

    /// Waits 1 and 2 are open, of the slots 11 and 12.
    fn open_wait(&self, _task: TaskId, edge: EdgeId) -> Option<EdgeId> {
        edge.0.checked_sub(10).filter(|edge| [1, 2].contains(edge)).map(EdgeId)
    }

    fn was_task(&self, id: TaskId) -> bool {
        id.0 <= 4
    }

    /// Tasks 1 to 3 have ended, and the fourth one has another ID.
    fn has_ended(&self, id: TaskId) -> bool {
        id.0 <= 3
    }

    fn left_out_tasks(&self) -> u64 {
        5
    }

    fn cancellers(&self, task: TaskId) -> Option<TaskCancellers> {
        self.memory.lock().unwrap().cancellers.get(&task).cloned()
    }

    fn guard_word(&self, hold: EdgeId) -> Option<Word> {
        let guards = self.memory.lock().unwrap().guards;
        self.holds.contains_key(&hold).then(|| guard_word(hold.0 + guards))
    }

    fn join_word(&self, task: TaskId) -> Word {
        join_word(task.0)
    }

    fn own_future(&self, task: TaskId) -> Option<Range<usize>> {
        let start = task.0 as usize * 100;
        Some(start..start + 100)
    }

    fn make_transferable(&mut self, hold: EdgeId, out: &mut Vec<Message>) {
        let Some(hold) = self.holds.remove(&hold) else { return };
        out.push(EdgeClosed::new(hold.id, self.now_ns()).into());
        let again = with!(hold.clone(), id = EdgeId(hold.id.0 + 100), transferable = true);
        self.holds.insert(again.id, again.clone());
        out.push(again.into());
    }

    fn start_search(&self) -> io::Result<Box<dyn Search>> {
        Ok(Box::new(ScriptSearch { memory: self.memory.clone(), words: None }))
    }
}

pub(crate) fn header() -> StreamHeader {
    with!(
        StreamHeader::new("test", Process::new(1, "test")),
        clock = Clock::new(0),
        detail = Detail::Structure,
        interval_ms = 1
    )
}

/// A new folder that is removed on drop.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("insight-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// The names of its files, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
