//! Finds the problems of a program in the facts of its stream, regardless of the problems that the stream itself names.

use insight_model::{Model, Watch};
use insight_protocol::{Decoded, Gap, Message, Problem, ProblemId, decode, with};
use insight_reader::{Bounds, Ending, Line, Outcome, Reader, Refusal};
use std::collections::BTreeMap;

/// Finds the problems of a program with the same code as its producer: at each heartbeat of the stream.
///
/// ```
/// use insight_conformance::{Diagnose, Ending, Refusal};
///
/// let mut diagnose = Diagnose::new(insight_model::DEFAULT_SETTLE_NS);
/// diagnose.piece(b"{\"seq\":1,\"type\":\"stream.heartbeat\",\"at_ns\":5}\n", &mut |_| ()).unwrap();
/// // Without a header, nothing is known about the program.
/// assert_eq!(diagnose.end(&Ending::End, &mut |_| ()).unwrap_err(), Refusal::NoHeader);
/// ```
#[derive(Debug)]
pub struct Diagnose {
    reader: Reader,
    fold: Fold,
}

/// The problems of a program, and how much of its stream they rest on.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The problems that were open at the end of the stream, the worst first.
    pub open: Vec<Problem>,
    /// The problems that the stream itself named and that were open at its end.
    pub named: Vec<Problem>,
    /// Number of lines that are not messages.
    pub unread: u64,
    /// Number of messages that are missing, by the gaps in `seq`.
    pub missing: u64,
    /// Number of facts that the producer reported as lost or left out.
    pub lost: u64,
    /// Number of names that were not kept for lack of room.
    pub left_out: u64,
    /// Number of facts that were not kept for lack of room.
    pub facts_left_out: u64,
    /// Whether the stream was read completely.
    pub outcome: Outcome,
}

/// The part of a diagnosis that gets whole lines.
#[derive(Debug)]
struct Fold {
    model: Model,
    watch: Watch,
    bounds: Bounds,
    /// The open problems that the stream itself names.
    named: BTreeMap<ProblemId, Problem>,
    unread: u64,
    missing: u64,
    /// Number of gaps that were added here. The producer did not send them.
    gaps: u64,
    /// Whether a snapshot has begun.
    begun: bool,
    /// The expected `seq` of the next line.
    next_seq: Option<u64>,
    /// Whether the last snapshot was not diagnosed yet.
    undiagnosed: bool,
}

impl Diagnose {
    /// Begins a diagnosis. Tasks must be stuck for `settle_ns` before they make a problem.
    pub fn new(settle_ns: u64) -> Diagnose {
        let fold = Fold {
            model: Model::default(),
            watch: Watch::new(settle_ns),
            bounds: Bounds::default(),
            named: BTreeMap::new(),
            unread: 0,
            missing: 0,
            gaps: 0,
            begun: false,
            next_seq: None,
            undiagnosed: false,
        };
        Diagnose { reader: Reader::default(), fold }
    }

    /// Takes the next bytes of the stream. `change` gets each problem that is raised, updated or cleared.
    pub fn piece(&mut self, piece: &[u8], change: &mut impl FnMut(&Message)) -> Result<(), Refusal> {
        let fold = &mut self.fold;
        self.reader.push(piece, |line| {
            fold.line(line, change);
            Ok(())
        })
    }

    /// Ends the diagnosis: the stream has no more bytes. It fails if the stream does not describe its program.
    pub fn end(mut self, ending: &Ending, change: &mut impl FnMut(&Message)) -> Result<Diagnosis, Refusal> {
        let outcome = self.reader.end(ending)?;
        let fold = &mut self.fold;
        if fold.undiagnosed {
            // No heartbeat followed the snapshot, as in the reply to a snapshot request.
            fold.diagnose(change);
        }
        match (&fold.model.header, fold.model.complete) {
            (None, _) => return Err(Refusal::NoHeader),
            (_, false) => return Err(Refusal::NoSnapshot { cut: outcome.cut() }),
            (_, true) => {}
        }
        Ok(Diagnosis {
            open: self.fold.model.problems().problems,
            named: self.fold.named.into_values().collect(),
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
                let things = tasks.len() + resources.len() + edges.len() + self.named.len();
                match self.bounds.admit(&mut message, things) {
                    true => self.message(message, change),
                    // A name is not a fact, so it leaves no gap.
                    false if matches!(message, Message::DefineString(_) | Message::DefineLocation(_)) => {}
                    false => self.gap(),
                }
            }
            // A message of a later version.
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

    /// Adds a gap: a message that did not arrive or was not understood may have had any fact. r[malformed.counted]
    fn gap(&mut self) {
        let at_ns = self.model.now_ns;
        self.gaps += 1;
        self.model.apply(&with!(Gap::default(), count = 1, reason = "lost on the way".to_owned(), at_ns).into());
    }

    fn message(&mut self, message: Message, change: &mut impl FnMut(&Message)) {
        match message {
            Message::ProblemRaised(raised) => _ = self.named.insert(raised.problem.id, raised.problem),
            Message::ProblemUpdated(updated) => _ = self.named.insert(updated.problem.id, updated.problem),
            Message::ProblemCleared(cleared) => _ = self.named.remove(&cleared.id),
            // An end without a begin: the stream has not described the program.
            Message::SnapshotEnd(_) if !self.begun => {
                self.unread += 1;
                self.gap();
            }
            Message::SnapshotBegin(_) => {
                self.begun = true;
                // The snapshot names the problems of the producer again. The problems that were found here stay open.
                self.named.clear();
                let found = std::mem::take(&mut self.model.problems);
                self.model.apply(&message);
                self.model.problems = found;
            }
            message => {
                self.model.apply(&message);
                match message {
                    Message::SnapshotEnd(_) => self.undiagnosed = true,
                    Message::StreamHeartbeat(_) => self.diagnose(change),
                    _ => {}
                }
            }
        }
    }

    fn diagnose(&mut self, change: &mut impl FnMut(&Message)) {
        self.undiagnosed = false;
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        for message in &found {
            self.model.apply(message);
            change(message);
        }
    }
}
