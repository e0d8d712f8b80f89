//! The life-cycle checker: whether a stream keeps the rules of SPEC.md that a stream alone can show.
//!
//! It reads line by line, and remembers what is alive and what is defined; of what has ended only the ids, as ranges.
//! Where a line breaks a rule the one before it counts: an id that is used again stays what it was.

mod ids;
mod live;

mod edges;
mod polls;
mod problems;
mod snapshot;
mod stream;
mod tasks;

use crate::lifecycle::ids::Ids;
use crate::lifecycle::live::{EdgeKind, LiveEdge, LiveResource, LiveTask, Opening, Standing};
use insight_protocol::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Display;

/// A rule that a line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFinding {
    /// The rule's id in SPEC.md.
    pub rule: &'static str,
    /// The line, from 1; one more than the last when the stream ended too soon.
    pub line: u64,
    /// What the rule expects here.
    pub expected: String,
    /// What is there.
    pub actual: String,
}

/// Checks the lines of one stream or recording, one after another.
#[derive(Debug, Default)]
pub struct Checker {
    line: u64,
    findings: Vec<RuleFinding>,
    header: Option<StreamHeader>,
    seen_message: bool,
    seq: Option<u64>,
    heartbeat_ns: u64,
    /// Counts heartbeats: two stats of a task with the same count are of the same sample.
    sample: u64,
    /// Hashes of the texts: a stream can define them without end, and all that is asked of one is if it is the same.
    strings: HashMap<StringId, u64>,
    dropped_strings: Ids,
    locations: HashMap<LocationId, u64>,
    tasks: HashMap<TaskId, LiveTask>,
    resources: HashMap<ResourceId, LiveResource>,
    edges: BTreeMap<EdgeId, LiveEdge>,
    standing: BTreeMap<ProblemId, Standing>,
    ended_tasks: Ids,
    ended_resources: Ids,
    ended_edges: Ids,
    /// Those of them that ended with their resource, the newest.
    dropped_edges: BTreeSet<EdgeId>,
    ended_problems: Ids,
    /// Tasks that have ended since the last heartbeat with edges that are open.
    just_ended: Vec<TaskId>,
    /// All tasks that have, of which polls may be told still.
    polls_may_follow: HashSet<TaskId>,
    /// When the last poll that was told of each thread ended.
    polled_ns: HashMap<u64, u64>,
    snapshot: Option<Opening>,
    seen_snapshot: bool,
    seen_coverage: bool,
    /// Facts were left out for lack of room: each later snapshot says so.
    left_out: bool,
    /// The last message was the end of a snapshot.
    after_snapshot: bool,
}

impl Checker {
    /// Checks the next line, without its end; what it breaks.
    pub fn line(&mut self, text: &str) -> Vec<RuleFinding> {
        self.line += 1;
        match decode(text) {
            Ok(Decoded::Message { seq, message, .. }) => {
                self.numbered(seq);
                self.message(&message);
            }
            Ok(Decoded::Unknown { seq, type_name, .. }) => {
                self.numbered(seq);
                self.after_header(&type_name);
                self.extension(&type_name);
            }
            Err(error) => self.undecodable(&error),
        }
        std::mem::take(&mut self.findings)
    }

    /// The stream ended; what is missing. A recording may be cut off at any byte, so that is little.
    pub fn end(&mut self) -> Vec<RuleFinding> {
        self.line += 1;
        if !self.seen_message {
            self.find("header.first", "a stream.header".into(), "the end of the stream".into());
        }
        std::mem::take(&mut self.findings)
    }

    /// How many tasks, resources and edges are remembered: those that are alive.
    pub fn alive(&self) -> usize {
        self.tasks.len() + self.resources.len() + self.edges.len()
    }

    fn find(&mut self, rule: &'static str, expected: String, actual: String) {
        self.findings.push(RuleFinding { rule, line: self.line, expected, actual });
    }

    /// A finding unless `holds`.
    fn expect(&mut self, holds: bool, rule: &'static str, expected: impl Display, actual: impl FnOnce() -> String) {
        if !holds {
            let actual = actual();
            self.find(rule, expected.to_string(), actual);
        }
    }

    // r[header.first]
    fn after_header(&mut self, type_name: &str) {
        let first = !std::mem::replace(&mut self.seen_message, true);
        self.expect(!first, "header.first", "a stream.header", || type_name.to_owned());
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::StreamHeader(_) => self.seen_message = true,
            _ => self.after_header(message.type_name()),
        }
        self.in_snapshot(message);
        self.standing_gap(message);
        message.visit(&mut Rules(self));
    }
}

/// Checks the rules of each type.
struct Rules<'a>(&'a mut Checker);

impl Visit for Rules<'_> {
    type Output = ();

    fn stream_header(&mut self, header: &StreamHeader) {
        self.0.stream_header(header);
    }

    fn stream_heartbeat(&mut self, heartbeat: &StreamHeartbeat) {
        self.0.stream_heartbeat(heartbeat);
    }

    fn stream_coverage(&mut self, coverage: &StreamCoverage) {
        self.0.stream_coverage(coverage);
    }

    fn define_string(&mut self, string: &DefineString) {
        self.0.define_string(string);
    }

    fn define_location(&mut self, location: &DefineLocation) {
        self.0.define_location(location);
    }

    fn define_dropped(&mut self, dropped: &DefineDropped) {
        self.0.define_dropped(dropped);
    }

    fn task_spawned(&mut self, task: &TaskSpawned) {
        self.0.task_spawned(task);
    }

    fn task_completed(&mut self, end: &TaskCompleted) {
        self.0.task_completed(end);
    }

    fn task_stats(&mut self, stats: &TaskStats) {
        self.0.task_stats(stats);
    }

    fn task_polls(&mut self, polls: &TaskPolls) {
        self.0.task_polls(polls);
    }

    fn resource_created(&mut self, resource: &ResourceCreated) {
        self.0.resource_created(resource);
    }

    fn resource_updated(&mut self, update: &ResourceUpdated) {
        self.0.resource_updated(update);
    }

    fn resource_dropped(&mut self, end: &ResourceDropped) {
        self.0.resource_dropped(end);
    }

    fn edge_wait(&mut self, edge: &EdgeWait) {
        self.0.named(Some(edge.reason), edge.location);
        self.0.edge_opened(edge.id, edge.task, edge.resource, EdgeKind::Wait, edge.since_ns);
    }

    fn edge_hold(&mut self, edge: &EdgeHold) {
        self.0.named(None, edge.location);
        let exclusive = edge.mode == HoldMode::Exclusive;
        let kind = EdgeKind::Hold { exclusive, transferable: edge.transferable };
        self.0.edge_opened(edge.id, edge.task, edge.resource, kind, edge.since_ns);
    }

    fn edge_party(&mut self, edge: &EdgeParty) {
        let kind = EdgeKind::Party { role: edge.role.clone(), exclusive: edge.exclusive };
        self.0.edge_opened(edge.id, edge.task, edge.resource, kind, edge.since_ns);
    }

    fn edge_updated(&mut self, update: &EdgeUpdated) {
        self.0.edge_updated(update);
    }

    fn edge_closed(&mut self, end: &EdgeClosed) {
        self.0.edge_closed(end);
    }

    fn problem_raised(&mut self, raised: &ProblemRaised) {
        self.0.problem_raised(&raised.problem);
    }

    fn problem_updated(&mut self, updated: &ProblemUpdated) {
        self.0.problem_updated(&updated.problem);
    }

    fn problem_cleared(&mut self, cleared: &ProblemCleared) {
        self.0.problem_cleared(cleared.id);
    }

    fn snapshot_begin(&mut self, begin: &SnapshotBegin) {
        self.0.snapshot_begin(begin);
    }

    fn snapshot_end(&mut self, end: &SnapshotEnd) {
        self.0.snapshot_end(end);
    }

    /// `standing_gap` checks it, since a gap's place in the stream matters.
    fn gap(&mut self, _: &Gap) {}
}
