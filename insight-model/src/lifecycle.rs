//! The life-cycle checker: it checks the rules of SPEC.md that a stream alone can break.
//!
//! It reads line by line. It remembers all live things and definitions, and the ids of ended things as ranges. If a
//! line breaks a rule, the earlier lines stay valid: an id that is used again keeps its first meaning.

mod ids;
mod journal;
mod live;

mod edges;
mod operations;
mod polls;
mod problems;
mod snapshot;
mod stream;
mod tasks;

use crate::lifecycle::ids::Ids;
use crate::lifecycle::journal::Operations;
use crate::lifecycle::live::{EdgeKind, LiveEdge, LiveResource, LiveTask, OpenProblem, Opening};
use insight_protocol::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Display;

/// A rule that a line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFinding {
    /// The rule's id in SPEC.md.
    pub rule: &'static str,
    /// The line, from 1. If the stream ended too soon, the number of lines plus 1.
    pub line: u64,
    /// The facts that the rule expects here.
    pub expected: String,
    /// The facts of the stream.
    pub actual: String,
}

/// Checks the lines of one stream or recording, one after another.
#[derive(Debug, Default)]
pub struct Checker {
    line: u64,
    findings: Vec<RuleFinding>,
    header: Option<StreamHeader>,
    has_message: bool,
    seq: Option<u64>,
    heartbeat_ns: u64,
    /// Number of heartbeats. If two stats of a task have the same count, they are from the same sample.
    sample: u64,
    /// Hashes of the texts. They take little memory, and the checker only compares texts.
    strings: HashMap<StringId, u64>,
    dropped_strings: Ids,
    locations: HashMap<LocationId, u64>,
    tasks: HashMap<TaskId, LiveTask>,
    resources: HashMap<ResourceId, LiveResource>,
    edges: BTreeMap<EdgeId, LiveEdge>,
    open_problems: BTreeMap<ProblemId, OpenProblem>,
    ended_tasks: Ids,
    ended_resources: Ids,
    ended_edges: Ids,
    /// The newest edges that ended because their resource was dropped.
    dropped_edges: BTreeSet<EdgeId>,
    ended_problems: Ids,
    /// Tasks that have ended since the last heartbeat and had open edges.
    just_ended: Vec<TaskId>,
    /// All tasks that have ended since the last heartbeat. The stream may still have polls of them.
    polls_may_follow: HashSet<TaskId>,
    /// The end of the last poll of each thread in the stream.
    polled_ns: HashMap<u64, u64>,
    operations: Operations,
    snapshot: Option<Opening>,
    had_snapshot: bool,
    had_coverage: bool,
    /// Facts were left out for lack of room. Each later snapshot has to be followed by a gap about them.
    left_out: bool,
    /// The last message was the end of a snapshot.
    after_snapshot: bool,
}

impl Checker {
    /// Checks the next line, without its line end. Returns the broken rules.
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

    /// Checks the end of the stream. A recording may be cut off at any byte, so only an empty stream breaks a rule.
    pub fn end(&mut self) -> Vec<RuleFinding> {
        self.line += 1;
        if !self.has_message {
            self.find("header.first", "a stream.header".into(), "the end of the stream".into());
        }
        std::mem::take(&mut self.findings)
    }

    /// Number of live tasks, resources and edges in memory.
    pub fn alive(&self) -> usize {
        self.tasks.len() + self.resources.len() + self.edges.len()
    }

    fn find(&mut self, rule: &'static str, expected: String, actual: String) {
        self.findings.push(RuleFinding { rule, line: self.line, expected, actual });
    }

    /// Adds a finding unless `holds`.
    fn expect(&mut self, holds: bool, rule: &'static str, expected: impl Display, actual: impl FnOnce() -> String) {
        if !holds {
            let actual = actual();
            self.find(rule, expected.to_string(), actual);
        }
    }

    // r[header.first]
    fn after_header(&mut self, type_name: &str) {
        let first = !std::mem::replace(&mut self.has_message, true);
        self.expect(!first, "header.first", "a stream.header", || type_name.to_owned());
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::StreamHeader(_) => self.has_message = true,
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

    fn task_updated(&mut self, update: &TaskUpdated) {
        self.0.task_updated(update);
    }

    fn task_ended(&mut self, end: &TaskEnded) {
        self.0.task_ended(end);
    }

    fn task_stats(&mut self, stats: &TaskStats) {
        self.0.task_stats(stats);
    }

    fn task_awaits(&mut self, awaits: &TaskAwaits) {
        self.0.task_awaits(awaits);
    }

    fn task_cancellers(&mut self, cancellers: &TaskCancellers) {
        self.0.task_cancellers(cancellers);
    }

    fn task_polls(&mut self, polls: &TaskPolls) {
        self.0.task_polls(polls);
    }

    fn task_operation(&mut self, operation: &TaskOperation) {
        self.0.task_operation(operation);
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

    /// `standing_gap` checks a gap, since its place in the stream matters.
    fn gap(&mut self, _: &Gap) {}
}
