//! What a stream's program suffers from, found from what the stream tells, and not from the problems that it names.

use crate::lines::{Line, Lines};
use insight_model::{Model, Watch};
use insight_protocol::{Decoded, Message, Problem, ProblemId, decode};
use std::collections::BTreeMap;

/// Finds the problems of a stream's program as its producer does: with the same code, at each heartbeat.
///
/// ```
/// use insight_conformance::Diagnose;
///
/// let mut diagnose = Diagnose::new(insight_model::DEFAULT_SETTLE_NS);
/// diagnose.piece(b"{\"seq\":1,\"type\":\"stream.heartbeat\",\"at_ns\":5}\n", &mut |_| ());
/// assert!(diagnose.end().standing.is_empty());
/// ```
#[derive(Debug)]
pub struct Diagnose {
    lines: Lines,
    model: Model,
    watch: Watch,
    told: BTreeMap<ProblemId, Problem>,
    unread: u64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The problems that stood when the stream ended.
    pub standing: Vec<Problem>,
    /// Those of the stream itself that stood then.
    pub told: Vec<Problem>,
    /// How many lines were no messages.
    pub unread: u64,
}

impl Diagnose {
    /// Facts must have stood for `settle_ns` to make a problem.
    pub fn new(settle_ns: u64) -> Diagnose {
        let (model, watch) = (Model::default(), Watch::new(settle_ns));
        Diagnose { lines: Lines::default(), model, watch, told: BTreeMap::new(), unread: 0 }
    }

    /// Takes the next bytes of the stream; `change` gets each problem that is raised, updated or cleared.
    pub fn piece(&mut self, piece: &[u8], change: &mut impl FnMut(&Message)) {
        let Diagnose { lines, model, watch, told, unread } = self;
        let taken = lines.push(piece, |line| {
            let text = match line {
                Line::Whole(bytes) => std::str::from_utf8(bytes).ok(),
                Line::TooLong(..) => None,
            };
            match text.map(decode) {
                Some(Ok(Decoded::Message { message, .. })) => fold(model, watch, told, message, change),
                // Of a later version.
                Some(Ok(_)) => {}
                _ => *unread += 1,
            }
            Ok::<(), std::convert::Infallible>(())
        });
        match taken {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// What stands now that the stream has ended.
    pub fn end(self) -> Verdict {
        Verdict {
            standing: self.model.problems.into_values().collect(),
            told: self.told.into_values().collect(),
            unread: self.unread,
        }
    }
}

fn fold(
    model: &mut Model,
    watch: &mut Watch,
    told: &mut BTreeMap<ProblemId, Problem>,
    message: Message,
    change: &mut impl FnMut(&Message),
) {
    match message {
        Message::ProblemRaised(raised) => _ = told.insert(raised.problem.id, raised.problem),
        Message::ProblemUpdated(updated) => _ = told.insert(updated.problem.id, updated.problem),
        Message::ProblemCleared(cleared) => _ = told.remove(&cleared.id),
        message => {
            if matches!(message, Message::SnapshotBegin(_)) {
                // It begins with the problems that the producer has found; those that were found here stand on.
                told.clear();
                let standing = std::mem::take(&mut model.problems);
                model.apply(&message);
                model.problems = standing;
                return;
            }
            model.apply(&message);
            if matches!(message, Message::StreamHeartbeat(_)) {
                let mut found = Vec::new();
                watch.check(model, &mut found);
                for message in &found {
                    model.apply(message);
                    change(message);
                }
            }
        }
    }
}
