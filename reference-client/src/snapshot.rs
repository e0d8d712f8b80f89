//! The facts about the program, and their quality: the model, the state of the link, and the losses on the way.

use insight_model::Model;
use insight_protocol::{Decoded, Message, decode};
use insight_reader::{Bounds, Ending, Line, Outcome, Reader, Refusal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A connection without a line for this long is stale. A program sends at least once a second.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// We refuse a stream without a `stream.header` in so many first lines.
const LINES_WITHOUT_HEADER: u64 = 8;

/// The facts about the program.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The program, from the last complete snapshot and the messages after it.
    pub model: Model,
    /// The state of the connection.
    pub link: Link,
    /// The facts that we cannot show.
    pub losses: Losses,
    /// The time of the last line.
    pub last_line: Option<Instant>,
    /// The number of changes.
    pub revision: u64,
}

/// The connection to the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing has come yet.
    #[default]
    Connecting,
    /// A stream or a snapshot has begun, and the snapshot is not complete: the model is from before.
    Reading {
        /// The time of the first message.
        since: Instant,
    },
    /// The stream is open, and the model is up to date.
    Connected,
    /// The program does not answer, or no longer.
    Gone {
        /// The time of the first failure.
        since: Instant,
        /// The reason, usually in the words of the operating system.
        why: String,
    },
    /// Another server answers.
    NotInsight {
        /// The beginning of its answer.
        sent: String,
    },
    /// The program speaks another major version. r[version.major.refused]
    OtherVersion {
        /// The version.
        protocol: String,
    },
}

/// The facts that came and that we cannot show, or that did not come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The number of lines that are no messages, or malformed messages.
    pub bad_lines: u64,
    /// The error in the last bad line.
    pub last_bad_line: String,
    /// The number of messages of unknown types.
    pub unknown_messages: u64,
    /// The number of messages that are missing by their sequence numbers.
    pub missing_messages: u64,
    /// The number of names for which there was no room.
    pub names: u64,
    /// The number of facts for which there was no room.
    pub facts: u64,
    /// The line at which a recording is cut off, and the reason.
    pub cut: Option<String>,
}

impl Snapshot {
    /// The time since the last line of an open connection; `None` if that is usual.
    pub fn behind(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.last_line?);
        let open = matches!(self.link, Link::Connected | Link::Reading { .. });
        (open && silent > STALE_AFTER).then_some(silent)
    }

    /// The number of facts that the program has not sent, by its own count.
    pub fn gap_count(&self) -> u64 {
        self.model.lost
    }

    /// A copy to draw from, while the reader changes the original.
    pub fn view(&self) -> Snapshot {
        Snapshot { model: self.model.view(), link: self.link.clone(), losses: self.losses.clone(), ..*self }
    }

    /// The session of the program's run in the model.
    pub fn session(&self) -> Option<&str> {
        self.model.header.as_ref().map(|header| header.session.as_str())
    }
}

/// Locks a snapshot. A panic of another thread does not make its facts less true.
pub fn lock(snapshot: &Mutex<Snapshot>) -> MutexGuard<'_, Snapshot> {
    snapshot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the bytes of one connection or file in.
///
/// Each snapshot of the stream is folded into a model aside, which replaces the old model when it is complete. So no screen ever
/// shows half a snapshot.
#[derive(Debug, Default)]
pub struct Intake {
    reader: Reader,
    fold: Fold,
}

/// Folds lines into a model.
#[derive(Debug)]
struct Fold {
    aside: Option<Model>,
    bounds: Bounds,
    /// The number of tasks, resources, edges and problems in the model that gets the next message.
    things: usize,
    /// A snapshot has begun.
    begun: bool,
    seen_header: bool,
    expected_seq: Option<u64>,
    /// The number of lines since the last numbered message.
    unnumbered: u64,
    lines: u64,
    /// The number of malformed lines before the header. Without a header they are no loss: there is no stream.
    early_bad_lines: u64,
}

impl Default for Fold {
    fn default() -> Fold {
        Fold {
            aside: Some(Model::default()),
            bounds: Bounds::default(),
            things: 0,
            begun: false,
            seen_header: false,
            expected_seq: None,
            unnumbered: 0,
            lines: 0,
            early_bad_lines: 0,
        }
    }
}

impl Intake {
    /// Takes in the next bytes. It counts malformed lines, and refuses only bytes that are no stream, and another major
    /// version.
    pub fn push(&mut self, piece: &[u8], snapshot: &Mutex<Snapshot>) -> Result<(), Refusal> {
        let fold = &mut self.fold;
        self.reader.push(piece, |line| fold.line(line, snapshot))
    }

    /// Takes the end of the stream.
    pub fn end(self, ending: &Ending) -> Result<Outcome, Refusal> {
        let outcome = self.reader.end(ending)?;
        if self.fold.seen_header { Ok(outcome) } else { Err(Refusal::NoHeader) }
    }
}

impl Fold {
    fn line(&mut self, line: Line<'_>, snapshot: &Mutex<Snapshot>) -> Result<(), Refusal> {
        let decoded = match line {
            Line::Whole(line) if line.trim_ascii().is_empty() => return Ok(()),
            Line::Whole(line) => match std::str::from_utf8(line) {
                Ok(text) => decode(text).map_err(|error| error.to_string()),
                Err(_) => Err("not UTF-8".to_owned()),
            },
            Line::TooLong(_, length) => Err(format!("a line of {length} bytes is too long")),
        };
        self.lines += 1;
        if matches!(&decoded, Ok(Decoded::Message { message: Message::StreamHeader(_), .. })) {
            self.seen_header = true;
        } else if !self.seen_header && self.lines >= LINES_WITHOUT_HEADER {
            return Err(Refusal::NoHeader);
        }
        self.fold(decoded, snapshot);
        Ok(())
    }

    fn fold(&mut self, mut decoded: Result<Decoded, String>, snapshot: &Mutex<Snapshot>) {
        let missing = match &decoded {
            Ok(Decoded::Message { seq, .. } | Decoded::Unknown { seq, .. }) => self.number(*seq),
            Err(_) => {
                self.unnumbered += 1;
                0
            }
        };
        match &mut decoded {
            Ok(Decoded::Message { message: Message::SnapshotBegin(_), .. }) => self.begun = true,
            // Without its begin, nothing of the program has come.
            Ok(Decoded::Message { message: Message::SnapshotEnd(_), .. }) if !self.begun => {
                decoded = Err("the end of a snapshot that has not begun".to_owned());
            }
            _ => {}
        }
        let mut admitted = true;
        if let Ok(Decoded::Message { message, .. }) = &mut decoded {
            admitted = self.bounds.admit(message, self.things);
        }
        // The model aside needs no lock.
        let mut finished = None;
        if let (Ok(Decoded::Message { message, .. }), Some(model), true) = (&decoded, &mut self.aside, admitted) {
            model.apply(message);
            if model.complete {
                finished = self.aside.take();
            }
        }

        // The old model is dropped after the lock.
        let mut replaced = Model::default();
        let mut locked = lock(snapshot);
        let snapshot = &mut *locked;
        snapshot.revision += 1;
        snapshot.last_line = Some(Instant::now());
        snapshot.losses.missing_messages += missing;
        snapshot.losses.names = self.bounds.left_out();
        snapshot.losses.facts = self.bounds.facts_left_out();
        match decoded {
            Ok(Decoded::Message { message, .. }) => {
                if let Message::StreamHeader(_) = &message {
                    snapshot.link = Link::Reading { since: Instant::now() };
                    snapshot.losses.bad_lines += std::mem::take(&mut self.early_bad_lines);
                }
                match (finished, &message) {
                    (Some(mut model), _) => {
                        if snapshot.session() == model.header.as_ref().map(|header| header.session.as_str()) {
                            model.ended += snapshot.model.ended;
                            model.panicked += snapshot.model.panicked;
                        }
                        replaced = std::mem::replace(&mut snapshot.model, model);
                        snapshot.link = Link::Connected;
                    }
                    (None, Message::SnapshotBegin(_)) if self.aside.is_none() => {
                        let mut model = Model::default();
                        model.header = snapshot.model.header.clone();
                        model.gaps = snapshot.model.gaps.clone();
                        model.lost = snapshot.model.lost;
                        model.apply(&message);
                        self.aside = Some(model);
                        snapshot.link = Link::Reading { since: Instant::now() };
                    }
                    (None, _) if self.aside.is_none() && admitted => snapshot.model.apply(&message),
                    (None, _) => {}
                }
            }
            Ok(Decoded::Unknown { .. }) => snapshot.losses.unknown_messages += 1,
            Err(reason) => {
                let bad_lines =
                    if self.seen_header { &mut snapshot.losses.bad_lines } else { &mut self.early_bad_lines };
                *bad_lines += 1;
                snapshot.losses.last_bad_line = reason;
            }
        }
        let Model { tasks, resources, edges, problems, .. } = self.aside.as_ref().unwrap_or(&snapshot.model);
        self.things = tasks.len() + resources.len() + edges.len() + problems.len();
        drop(locked);
        drop(replaced);
    }

    /// The number of missing messages before the message with this number.
    fn number(&mut self, seq: u64) -> u64 {
        let expected = self.expected_seq.replace(seq.saturating_add(1)).unwrap_or(seq);
        let unnumbered = std::mem::take(&mut self.unnumbered);
        seq.saturating_sub(expected).saturating_sub(unnumbered)
    }
}
