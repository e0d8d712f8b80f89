//! What a stream's program suffers from, found from what the stream tells, and not from the problems that it names.

use insight_model::{Model, Watch};
use insight_protocol::{Decoded, Gap, Message, Problem, ProblemId, decode, with};
use insight_reader::{Bounds, Ending, Line, Outcome, Reader, Refusal};
use std::collections::BTreeMap;

/// Finds the problems of a stream's program as its producer does: with the same code, at each heartbeat.
///
/// ```
/// use insight_conformance::{Diagnose, Ending, Refusal};
///
/// let mut diagnose = Diagnose::new(insight_model::DEFAULT_SETTLE_NS);
/// diagnose.piece(b"{\"seq\":1,\"type\":\"stream.heartbeat\",\"at_ns\":5}\n", &mut |_| ()).unwrap();
/// // That is not to say that there is no problem.
/// assert_eq!(diagnose.end(&Ending::End, &mut |_| ()).unwrap_err(), Refusal::NoHeader);
/// ```
#[derive(Debug)]
pub struct Diagnose {
    reader: Reader,
    fold: Fold,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The problems that stood when the stream ended, the worst first.
    pub standing: Vec<Problem>,
    /// Those of the stream itself that stood then.
    pub told: Vec<Problem>,
    /// Number of lines that were no messages.
    pub unread: u64,
    /// Number of messages that are missing by their numbers.
    pub missing: u64,
    /// Number of facts that the producer has lost or left out, as it says.
    pub lost: u64,
    /// Number of names for which there was no room.
    pub left_out: u64,
    /// Number of facts for which there was no room.
    pub facts_left_out: u64,
    /// How much of the stream was read.
    pub outcome: Outcome,
}

/// All but the finding of lines.
#[derive(Debug)]
struct Fold {
    model: Model,
    watch: Watch,
    bounds: Bounds,
    told: BTreeMap<ProblemId, Problem>,
    unread: u64,
    missing: u64,
    /// Gaps that were made here, and not by the producer.
    gaps: u64,
    /// A snapshot has begun.
    begun: bool,
    /// The number that the next line should have.
    next_seq: Option<u64>,
    /// Nothing was looked at since the last snapshot.
    unseen: bool,
}

impl Diagnose {
    /// Facts must have stood for `settle_ns` to make a problem.
    pub fn new(settle_ns: u64) -> Diagnose {
        let fold = Fold {
            model: Model::default(),
            watch: Watch::new(settle_ns),
            bounds: Bounds::default(),
            told: BTreeMap::new(),
            unread: 0,
            missing: 0,
            gaps: 0,
            begun: false,
            next_seq: None,
            unseen: false,
        };
        Diagnose { reader: Reader::default(), fold }
    }

    /// Takes the next bytes of the stream; `change` gets each problem that is raised, updated or cleared.
    pub fn piece(&mut self, piece: &[u8], change: &mut impl FnMut(&Message)) -> Result<(), Refusal> {
        let fold = &mut self.fold;
        self.reader.push(piece, |line| {
            fold.line(line, change);
            Ok(())
        })
    }

    /// What stands now that the stream has ended; or why nothing can be said of its program.
    pub fn end(mut self, ending: &Ending, change: &mut impl FnMut(&Message)) -> Result<Verdict, Refusal> {
        let outcome = self.reader.end(ending)?;
        let fold = &mut self.fold;
        if fold.unseen {
            // Such as a snapshot alone: no heartbeat came after it.
            fold.look(change);
        }
        match (&fold.model.header, fold.model.complete) {
            (None, _) => return Err(Refusal::NoHeader),
            (_, false) => return Err(Refusal::NoSnapshot { cut: outcome.cut() }),
            (_, true) => {}
        }
        Ok(Verdict {
            standing: self.fold.model.problems().problems,
            told: self.fold.told.into_values().collect(),
            unread: self.fold.unread,
            missing: self.fold.missing,
            lost: self.fold.model.lost.saturating_sub(self.fold.gaps),
            left_out: self.fold.bounds.left_out(),
            facts_left_out: self.fold.bounds.facts_left_out(),
            outcome,
        })
    }
}

impl Fold {
    fn line(&mut self, line: Line<'_>, change: &mut impl FnMut(&Message)) {
        let text = match line {
            Line::Whole(bytes) => std::str::from_utf8(bytes).ok(),
            Line::TooLong(..) => None,
        };
        match text.map(decode) {
            Some(Ok(Decoded::Message { seq, mut message })) => {
                self.number(seq);
                let Model { tasks, resources, edges, .. } = &self.model;
                let things = tasks.len() + resources.len() + edges.len() + self.told.len();
                match self.bounds.admit(&mut message, things) {
                    true => self.message(message, change),
                    // A name is no fact.
                    false if matches!(message, Message::DefineString(_) | Message::DefineLocation(_)) => {}
                    false => self.gap(),
                }
            }
            // Of a later version.
            Some(Ok(Decoded::Unknown { seq, .. })) => self.number(seq),
            _ => self.not_read(),
        }
    }

    fn not_read(&mut self) {
        self.unread += 1;
        self.next_seq = self.next_seq.map(|next| next.saturating_add(1));
        self.gap();
    }

    fn number(&mut self, seq: u64) {
        let next = self.next_seq.replace(seq.saturating_add(1)).unwrap_or(seq);
        if seq > next {
            self.missing = self.missing.saturating_add(seq - next);
            self.gap();
        }
    }

    /// A message that did not come or was not understood may have had any fact. r[malformed.counted]
    fn gap(&mut self) {
        let at_ns = self.model.now_ns;
        self.gaps += 1;
        self.model.apply(&with!(Gap::default(), count = 1, reason = "lost on the way".to_owned(), at_ns).into());
    }

    fn message(&mut self, message: Message, change: &mut impl FnMut(&Message)) {
        match message {
            Message::ProblemRaised(raised) => _ = self.told.insert(raised.problem.id, raised.problem),
            Message::ProblemUpdated(updated) => _ = self.told.insert(updated.problem.id, updated.problem),
            Message::ProblemCleared(cleared) => _ = self.told.remove(&cleared.id),
            // Without its begin, nothing of the program has come.
            Message::SnapshotEnd(_) if !self.begun => {
                self.unread += 1;
                self.gap();
            }
            Message::SnapshotBegin(_) => {
                self.begun = true;
                // It begins with the problems that the producer has found; those that were found here stand on.
                self.told.clear();
                let standing = std::mem::take(&mut self.model.problems);
                self.model.apply(&message);
                self.model.problems = standing;
            }
            message => {
                self.model.apply(&message);
                match message {
                    Message::SnapshotEnd(_) => self.unseen = true,
                    Message::StreamHeartbeat(_) => self.look(change),
                    _ => {}
                }
            }
        }
    }

    fn look(&mut self, change: &mut impl FnMut(&Message)) {
        self.unseen = false;
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        for message in &found {
            self.model.apply(message);
            change(message);
        }
    }
}
