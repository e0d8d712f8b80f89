//! Snapshots.

use super::Checker;
use super::ids::Ids;
use super::live::Opening;
use insight_protocol::*;
use std::collections::HashSet;

impl Checker {
    pub(super) fn snapshot_begin(&mut self, begin: &SnapshotBegin) {
        // r[snapshot.end.pairs]
        let nested = self.snapshot.is_some();
        self.expect(!nested, "snapshot.end.pairs", "the end of the snapshot before", || "another snapshot".to_owned());
        // r[snapshot.self-contained]: a snapshot replaces all earlier facts. Live things keep their ids.
        self.strings.clear();
        self.dropped_strings = Ids::default();
        self.locations.clear();
        let stats_before = self.tasks.drain().filter_map(|(id, task)| Some((id, task.stats?))).collect();
        self.just_ended.clear();
        self.polls_may_follow.clear();
        self.resources.clear();
        self.edges.clear();
        self.open_problems.clear();
        self.operations.snapshot(begin);
        self.snapshot = Some(Opening {
            begin: *begin,
            counts: [0; 4],
            part: 0,
            coverage: false,
            stats_before,
            ended: HashSet::new(),
            groups: [0; 2],
        });
        self.had_snapshot = true;
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
        let has_coverage = coverage || !self.had_coverage;
        let expected = format_args!("a stream.coverage, since the stream had one earlier");
        self.expect(has_coverage, "coverage.in-snapshot", expected, || "none".to_owned());
        // r[snapshot.counts]
        // r[snapshot.order]: the snapshot has to send the end of an ended task, too.
        let revived = self.tasks.iter().find(|(id, task)| !task.completed && self.ended_tasks.contains(id.0));
        if let Some((id, _)) = revived {
            let actual = format!("none of task {id}");
            self.find("snapshot.order", "the task.completed of each task that has ended".into(), actual);
        }
        let announced = [begin.tasks, begin.resources, begin.edges, begin.problems];
        self.expect(announced == counts, "snapshot.counts", format_args!("{announced:?}"), || format!("{counts:?}"));
    }

    /// r[gap.standing]
    pub(super) fn standing_gap(&mut self, message: &Message) {
        let after_snapshot = std::mem::replace(&mut self.after_snapshot, matches!(message, Message::SnapshotEnd(_)));
        match message {
            Message::Gap(gap) if gap.standing => {
                self.expect(after_snapshot, "gap.standing", "the end of a snapshot before", || "none".to_owned());
                self.left_out = true;
            }
            // r[gap.off]: the recording so far has ended for the reader.
            Message::Gap(gap) if after_snapshot && gap.kinds.is_empty() => self.left_out = false,
            _ if after_snapshot && self.left_out => {
                let expected = "a gap with `standing`, since facts were left out earlier".to_owned();
                self.find("gap.standing", expected, message.type_name().to_owned());
            }
            Message::Gap(gap) => self.left_out |= gap.tasks.is_some(),
            _ => {}
        }
    }

    /// r[snapshot.order], r[snapshot.only], r[file.opening]
    pub(super) fn in_snapshot(&mut self, message: &Message) {
        let Some(opening) = &mut self.snapshot else {
            let early = !self.had_snapshot
                && !matches!(message, Message::StreamHeader(_) | Message::SnapshotBegin(_) | Message::Gap(_));
            self.expect(!early, "file.opening", "a header and then a snapshot", || message.type_name().to_owned());
            // One finding is enough.
            self.had_snapshot = self.had_snapshot || early;
            return;
        };
        let part = match message.visit(&mut Places) {
            Place::Definition => opening.part,
            Place::Part(part) => part,
            Place::Counted(part, counter) => {
                opening.counts[counter] += 1;
                part
            }
            Place::Bracket => return,
            Place::Never => {
                return self.find(
                    "snapshot.only",
                    "a message that a snapshot may have".into(),
                    message.type_name().into(),
                );
            }
        };
        opening.coverage |= matches!(message, Message::StreamCoverage(_));
        let in_order = part >= opening.part;
        opening.part = opening.part.max(part);
        let expected = "coverage, tasks, resources, edges, awaits, cancellers, ends of tasks, ended tasks, problems";
        self.expect(in_order, "snapshot.order", expected, || message.type_name().to_owned());
    }
}

/// The place of each type in a snapshot.
enum Place {
    /// Before the first message that names it, in any part.
    Definition,
    /// In the part of this number.
    Part(u8),
    /// In the part of this number. `snapshot.begin` has the count, in `Opening::counts` at this index.
    Counted(u8, usize),
    /// The begin or the end.
    Bracket,
    /// Never in a snapshot.
    Never,
}

struct Places;

impl Visit for Places {
    type Output = Place;

    fn stream_header(&mut self, _: &StreamHeader) -> Place {
        Place::Never
    }

    fn stream_heartbeat(&mut self, _: &StreamHeartbeat) -> Place {
        Place::Never
    }

    fn stream_coverage(&mut self, _: &StreamCoverage) -> Place {
        Place::Part(0)
    }

    fn define_string(&mut self, _: &DefineString) -> Place {
        Place::Definition
    }

    fn define_location(&mut self, _: &DefineLocation) -> Place {
        Place::Definition
    }

    fn define_dropped(&mut self, _: &DefineDropped) -> Place {
        Place::Never
    }

    fn task_spawned(&mut self, _: &TaskSpawned) -> Place {
        Place::Counted(1, 0)
    }

    fn task_updated(&mut self, _: &TaskUpdated) -> Place {
        Place::Never
    }

    fn task_completed(&mut self, _: &TaskCompleted) -> Place {
        Place::Part(6)
    }

    fn task_awaits(&mut self, _: &TaskAwaits) -> Place {
        Place::Part(4)
    }

    fn task_cancellers(&mut self, _: &TaskCancellers) -> Place {
        Place::Part(5)
    }

    fn task_ended(&mut self, _: &TaskEnded) -> Place {
        Place::Part(7)
    }

    fn task_stats(&mut self, _: &TaskStats) -> Place {
        Place::Part(1)
    }

    fn task_polls(&mut self, _: &TaskPolls) -> Place {
        Place::Never
    }

    fn task_operation(&mut self, _: &TaskOperation) -> Place {
        Place::Never
    }

    fn resource_created(&mut self, _: &ResourceCreated) -> Place {
        Place::Counted(2, 1)
    }

    fn resource_updated(&mut self, _: &ResourceUpdated) -> Place {
        Place::Part(2)
    }

    fn resource_dropped(&mut self, _: &ResourceDropped) -> Place {
        Place::Never
    }

    fn edge_wait(&mut self, _: &EdgeWait) -> Place {
        Place::Counted(3, 2)
    }

    fn edge_hold(&mut self, _: &EdgeHold) -> Place {
        Place::Counted(3, 2)
    }

    fn edge_party(&mut self, _: &EdgeParty) -> Place {
        Place::Counted(3, 2)
    }

    fn edge_updated(&mut self, _: &EdgeUpdated) -> Place {
        Place::Part(3)
    }

    fn edge_closed(&mut self, _: &EdgeClosed) -> Place {
        Place::Never
    }

    fn problem_raised(&mut self, _: &ProblemRaised) -> Place {
        Place::Counted(8, 3)
    }

    fn problem_updated(&mut self, _: &ProblemUpdated) -> Place {
        Place::Never
    }

    fn problem_cleared(&mut self, _: &ProblemCleared) -> Place {
        Place::Never
    }

    fn snapshot_begin(&mut self, _: &SnapshotBegin) -> Place {
        Place::Bracket
    }

    fn snapshot_end(&mut self, _: &SnapshotEnd) -> Place {
        Place::Bracket
    }

    fn gap(&mut self, _: &Gap) -> Place {
        Place::Never
    }
}
