//! What is known of the program, and how well: the model, the state of the link, and what was lost on the way.

use insight_model::Model;
use insight_protocol::{Decoded, Message, decode};
use insight_reader::{Bounds, Ending, Line, Outcome, Reader, Refusal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A connection is `stale` when nothing came for this long; a program sends at least once a second.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// A stream without a `stream.header` in its first lines is refused.
const LINES_WITHOUT_HEADER: u64 = 8;

/// What is known of the program.
#[derive(Debug, Default)]
pub struct Picture {
    /// The program, as of the last complete snapshot and what followed it.
    pub model: Model,
    /// Whether something comes.
    pub link: Link,
    /// What could not be shown.
    pub losses: Losses,
    /// When the last line came.
    pub last_line: Option<Instant>,
    /// Grows with every change.
    pub revision: u64,
}

/// The connection to the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing is known yet.
    #[default]
    Connecting,
    /// A stream has begun, or begins anew: its snapshot is not complete, and the picture is that of before.
    Reading {
        /// Since when.
        since: Instant,
    },
    /// The stream flows, and the picture is that of the program.
    Connected,
    /// The program does not answer, or no longer.
    Gone {
        /// Since when.
        since: Instant,
        /// What the operating system said.
        why: String,
    },
    /// Something answers, and it is not insight.
    NotInsight {
        /// Its words.
        said: String,
    },
    /// The program speaks another major version. r[version.major.refused]
    OtherVersion {
        /// The version.
        protocol: String,
    },
}

/// What came and could not be shown, or did not come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Lines that are no messages, or malformed ones.
    pub bad_lines: u64,
    /// What was wrong with the last of them.
    pub last_bad_line: String,
    /// Messages of types that this version does not know.
    pub unknown_messages: u64,
    /// Messages that are missing by their numbers.
    pub missing_messages: u64,
    /// Names for which there was no room.
    pub names: u64,
    /// Facts for which there was no room.
    pub facts: u64,
    /// Where a recording is cut off, and why.
    pub cut: Option<String>,
}

impl Picture {
    /// How long nothing has come, of a connection from which something should have.
    pub fn behind(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.last_line?);
        let open = matches!(self.link, Link::Connected | Link::Reading { .. });
        (open && silent > STALE_AFTER).then_some(silent)
    }

    /// How many facts the program said it did not send.
    pub fn gap_count(&self) -> u64 {
        self.model.lost
    }

    /// A copy to draw from while the reader goes on.
    pub fn view(&self) -> Picture {
        Picture { model: self.model.view(), link: self.link.clone(), losses: self.losses.clone(), ..*self }
    }

    /// The run of the program that the model shows.
    pub fn session(&self) -> Option<&str> {
        self.model.header.as_ref().map(|header| header.session.as_str())
    }
}

/// Locks a picture. A panic elsewhere does not make what is in it less true.
pub fn lock(picture: &Mutex<Picture>) -> MutexGuard<'_, Picture> {
    picture.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the bytes of one connection or file in.
///
/// A snapshot, the first one or one in mid-stream, is folded aside and put in the old model's place when it is complete:
/// no screen ever shows half of one.
#[derive(Debug, Default)]
pub struct Intake {
    reader: Reader,
    fold: Fold,
}

/// All but the finding of lines.
#[derive(Debug)]
struct Fold {
    aside: Option<Model>,
    bounds: Bounds,
    /// The tasks, resources, edges and problems of the model that the next message goes to.
    things: usize,
    /// A snapshot has begun.
    begun: bool,
    seen_header: bool,
    expected_seq: Option<u64>,
    /// Lines since the last message whose number could not be read.
    unnumbered: u64,
    lines: u64,
    /// Lines before the header that could not be understood: no loss of a stream that is none.
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
    /// Takes the next bytes in. Lines that cannot be understood are counted, and end nothing: only bytes that are no
    /// stream, and another major version, are refused.
    pub fn push(&mut self, piece: &[u8], picture: &Mutex<Picture>) -> Result<(), Refusal> {
        let fold = &mut self.fold;
        self.reader.push(piece, |line| fold.line(line, picture))
    }

    /// The stream ended.
    pub fn end(self, ending: &Ending) -> Result<Outcome, Refusal> {
        let outcome = self.reader.end(ending)?;
        if self.fold.seen_header { Ok(outcome) } else { Err(Refusal::NoHeader) }
    }
}

impl Fold {
    fn line(&mut self, line: Line<'_>, picture: &Mutex<Picture>) -> Result<(), Refusal> {
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
        self.fold(decoded, picture);
        Ok(())
    }

    fn fold(&mut self, mut decoded: Result<Decoded, String>, picture: &Mutex<Picture>) {
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
        // What is folded aside needs no lock.
        let mut finished = None;
        if let (Ok(Decoded::Message { message, .. }), Some(model), true) = (&decoded, &mut self.aside, admitted) {
            model.apply(message);
            if model.complete {
                finished = self.aside.take();
            }
        }

        // Memory is not given back under the lock either.
        let mut replaced = Model::default();
        let mut locked = lock(picture);
        let picture = &mut *locked;
        picture.revision += 1;
        picture.last_line = Some(Instant::now());
        picture.losses.missing_messages += missing;
        picture.losses.names = self.bounds.left_out();
        picture.losses.facts = self.bounds.facts_left_out();
        match decoded {
            Ok(Decoded::Message { message, .. }) => {
                if let Message::StreamHeader(_) = &message {
                    picture.link = Link::Reading { since: Instant::now() };
                    picture.losses.bad_lines += std::mem::take(&mut self.early_bad_lines);
                }
                match (finished, &message) {
                    (Some(mut model), _) => {
                        if picture.session() == model.header.as_ref().map(|header| header.session.as_str()) {
                            model.ended += picture.model.ended;
                            model.panicked += picture.model.panicked;
                        }
                        replaced = std::mem::replace(&mut picture.model, model);
                        picture.link = Link::Connected;
                    }
                    (None, Message::SnapshotBegin(_)) if self.aside.is_none() => {
                        let mut model = Model::default();
                        model.header = picture.model.header.clone();
                        model.gaps = picture.model.gaps.clone();
                        model.lost = picture.model.lost;
                        model.apply(&message);
                        self.aside = Some(model);
                        picture.link = Link::Reading { since: Instant::now() };
                    }
                    (None, _) if self.aside.is_none() && admitted => picture.model.apply(&message),
                    (None, _) => {}
                }
            }
            Ok(Decoded::Unknown { .. }) => picture.losses.unknown_messages += 1,
            Err(reason) => {
                let bad_lines =
                    if self.seen_header { &mut picture.losses.bad_lines } else { &mut self.early_bad_lines };
                *bad_lines += 1;
                picture.losses.last_bad_line = reason;
            }
        }
        let Model { tasks, resources, edges, problems, .. } = self.aside.as_ref().unwrap_or(&picture.model);
        self.things = tasks.len() + resources.len() + edges.len() + problems.len();
        drop(locked);
        drop(replaced);
    }

    /// How many messages are missing before the one with this number.
    fn number(&mut self, seq: u64) -> u64 {
        let expected = self.expected_seq.replace(seq.saturating_add(1)).unwrap_or(seq);
        let unnumbered = std::mem::take(&mut self.unnumbered);
        seq.saturating_sub(expected).saturating_sub(unnumbered)
    }
}
