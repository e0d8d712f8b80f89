//! A producer that says what a test gives it.

use crate::producer::Producer;
use insight_probe::{RecorderConfig, Traceable};
use insight_protocol::{
    Clock, DefineString, Detail, Gap, GraphFacts, Message, PROTOCOL_VERSION, Process, SnapshotBegin, SnapshotEnd,
    StreamHeader, StreamHeartbeat, StringId, TaskId,
};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

pub(crate) struct Script {
    begun: Instant,
    /// An empty part is a fault of the producer's.
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
        StreamHeader { detail: self.config.detail.clone(), interval_ms, ..header() }
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
        out.push(StreamHeartbeat { at_ns: self.now_ns() }.into());
        false
    }

    fn set_on(&mut self, on: bool, out: &mut Vec<Message>) {
        let at_ns = self.now_ns();
        out.push(SnapshotBegin { at_ns, tasks: 0, resources: 0, edges: 0, problems: 0 }.into());
        out.push(SnapshotEnd { at_ns }.into());
        let gap = Gap { count: 1, kinds: Vec::new(), reason: "off".to_owned(), at_ns };
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
            out.push(DefineString { id: StringId(1000 + self.names.len() as u64), text: text.to_owned() }.into());
            self.names.len() - 1
        });
        StringId(1001 + at as u64)
    }

    fn traceable(&self, _id: TaskId) -> Option<Traceable> {
        None
    }

    /// The first three have ended.
    fn was_task(&self, id: TaskId) -> bool {
        id.0 <= 3
    }
}

pub(crate) fn header() -> StreamHeader {
    StreamHeader {
        protocol: PROTOCOL_VERSION.to_owned(),
        session: "test".to_owned(),
        process: Process { pid: 1, name: "test".to_owned(), working_directory: None },
        executors: Vec::new(),
        clock: Clock { wall_anchor_unix_ms: 0 },
        detail: Detail::Structure,
        interval_ms: 1,
        capabilities: Vec::new(),
        extensions: Vec::new(),
        at_ns: 0,
    }
}

/// A new folder that is gone at the end.
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
