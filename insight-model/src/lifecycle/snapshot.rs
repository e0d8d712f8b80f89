//! Snapshots.

use super::Checker;
use insight_protocol::*;
use std::collections::HashMap;

/// A snapshot that is being read.
#[derive(Debug)]
pub(super) struct Opening {
    begin: SnapshotBegin,
    /// Tasks, resources, edges and problems so far.
    counts: [u64; 4],
    /// The part that was reached.
    part: u8,
    /// It has a `stream.coverage`.
    coverage: bool,
    /// What was last told of the tasks that were alive before.
    pub(super) stats_before: HashMap<TaskId, TaskStats>,
}

impl Checker {
    pub(super) fn snapshot_begin(&mut self, begin: &SnapshotBegin) {
        // r[snapshot.end.pairs]
        let nested = self.snapshot.is_some();
        self.expect(!nested, "snapshot.end.pairs", "the end of the snapshot before", || "another snapshot".to_owned());
        // r[snapshot.self-contained]: nothing from before counts any more. What is alive has its id from before.
        self.strings.clear();
        self.locations.clear();
        let stats_before = self.tasks.drain().filter_map(|(id, task)| Some((id, task.stats?))).collect();
        self.just_ended.clear();
        self.polls_may_follow.clear();
        self.resources.clear();
        self.edges.clear();
        self.standing.clear();
        self.snapshot = Some(Opening { begin: *begin, counts: [0; 4], part: 0, coverage: false, stats_before });
        self.seen_snapshot = true;
    }

    pub(super) fn snapshot_end(&mut self, end: &SnapshotEnd) {
        let Some(opening) = self.snapshot.take() else {
            // r[snapshot.end.pairs]
            return self.find("snapshot.end.pairs", "a snapshot.begin before".into(), "none".into());
        };
        let Opening { begin, counts, coverage, .. } = opening;
        // r[snapshot.end.same-time]
        let same = begin.at_ns == end.at_ns;
        let actual = || end.at_ns.to_string();
        self.expect(same, "snapshot.end.same-time", format_args!("at_ns {}", begin.at_ns), actual);
        // r[coverage.in-snapshot]
        let said = coverage || !self.seen_coverage;
        let expected = format_args!("a stream.coverage, as the stream had one before");
        self.expect(said, "coverage.in-snapshot", expected, || "none".to_owned());
        // r[snapshot.counts]
        // r[snapshot.order]: of an ended task its end is told too.
        let revived = self.tasks.iter().find(|(id, task)| !task.completed && self.ended_tasks.contains(id.0));
        if let Some((id, _)) = revived {
            let actual = format!("none of task {id}");
            self.find("snapshot.order", "the task.completed of each task that has ended".into(), actual);
        }
        let told = [begin.tasks, begin.resources, begin.edges, begin.problems];
        self.expect(told == counts, "snapshot.counts", format_args!("{told:?}"), || format!("{counts:?}"));
    }

    /// r[snapshot.order], r[snapshot.only], r[file.opening]
    pub(super) fn in_snapshot(&mut self, message: &Message) {
        let Some(opening) = &mut self.snapshot else {
            let early = !self.seen_snapshot
                && !matches!(message, Message::StreamHeader(_) | Message::SnapshotBegin(_) | Message::Gap(_));
            self.expect(!early, "file.opening", "a header and then a snapshot", || message.type_name().to_owned());
            // Once is enough.
            self.seen_snapshot = self.seen_snapshot || early;
            return;
        };
        let part = match message {
            Message::DefineString(_) | Message::DefineLocation(_) => opening.part,
            Message::StreamCoverage(_) => 0,
            Message::TaskSpawned(_) | Message::TaskStats(_) => 1,
            Message::ResourceCreated(_) | Message::ResourceUpdated(_) => 2,
            Message::EdgeWait(_) | Message::EdgeHold(_) | Message::EdgeParty(_) | Message::EdgeUpdated(_) => 3,
            Message::TaskCompleted(_) => 4,
            Message::ProblemRaised(_) => 5,
            Message::SnapshotBegin(_) | Message::SnapshotEnd(_) => return,
            _ => {
                return self.find("snapshot.only", "what a snapshot has".into(), message.type_name().into());
            }
        };
        match message {
            Message::StreamCoverage(_) => opening.coverage = true,
            Message::TaskSpawned(_) => opening.counts[0] += 1,
            Message::ResourceCreated(_) => opening.counts[1] += 1,
            Message::EdgeWait(_) | Message::EdgeHold(_) | Message::EdgeParty(_) => opening.counts[2] += 1,
            Message::ProblemRaised(_) => opening.counts[3] += 1,
            _ => {}
        }
        let in_order = part >= opening.part;
        opening.part = opening.part.max(part);
        let expected = "coverage, tasks, resources, edges, ends of tasks, problems";
        self.expect(in_order, "snapshot.order", expected, || message.type_name().to_owned());
    }
}
