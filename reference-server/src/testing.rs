//! A producer that sends the messages from a test.

use crate::producer::Producer;
use insight_probe::{RecorderConfig, Traceable};
use insight_protocol::{
    Clock, DefineString, Detail, Gap, GraphFacts, LocationId, Message, Process, SnapshotBegin, SnapshotEnd,
    StreamHeader, StreamHeartbeat, StringId, TaskId, with,
};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

pub(crate) struct Script {
    begun: Instant,
    /// An empty part makes the producer panic.
    parts: Receiver<Vec<Message>>,
    names: Vec<String>,
    config: RecorderConfig,
}

impl Script {
    pub(crate) fn new() -> (Script, Sender<Vec<Message>>) {
        let (feed, parts) = mpsc::channel();
        (Script { begun: Instant::now(), parts, names: Vec::new(), config: RecorderConfig::default() }, feed)
    }
}

impl Producer for Script {
    fn header(&self) -> StreamHeader {
        let interval_ms = self.config.interval.as_millis() as u64;
        with!(header(), detail = self.config.detail.clone(), interval_ms)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn set_packages(&mut self, _facts: Option<GraphFacts>) {}

    fn collect(&mut self, _now: bool, out: &mut Vec<Message>) -> bool {
        while let Ok(part) = self.parts.try_recv() {
            assert!(!part.is_empty(), "a fault, for the test of it");
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

    /// The locations from ID 100 on come from strings.
    fn is_compiled_in(&self, id: LocationId) -> bool {
        id.0 < 100
    }

    fn traceable(&self, _id: TaskId) -> Option<Traceable> {
        None
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
