//! What is known of the program, and how well: the model, the state of the link, and what was lost on the way.

use insight_model::Model;
use insight_protocol::{Decoded, Message, PROTOCOL_VERSION, decode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A connection is `stale` when nothing came for this long; a program sends at least once a second.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// A stream whose first lines hold no `stream.header` is not one of insight.
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
    /// The stream flows.
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
    /// A protocol version of another major than ours, as the program said it.
    pub other_version: Option<String>,
}

impl Picture {
    /// How long nothing has come, of a connection from which something should have.
    pub fn behind(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.last_line?);
        (self.link == Link::Connected && silent > STALE_AFTER).then_some(silent)
    }

    /// How many facts the program said it did not send.
    pub fn gap_count(&self) -> u64 {
        self.model.gaps.iter().map(|gap| gap.count).sum()
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

/// Takes the lines of one connection in.
///
/// A snapshot, the first one or one in mid-stream, is folded aside and put in the old model's place when it is complete:
/// no screen ever shows half of one.
#[derive(Debug)]
pub struct Intake {
    aside: Option<Model>,
    seen_header: bool,
    expected_seq: Option<u64>,
    /// Lines since the last message whose number could not be read.
    unnumbered: u64,
    lines: u64,
    first_line: String,
    /// Lines before the header that could not be understood: no loss of a stream that is none.
    early_bad_lines: u64,
}

/// The lines are not those of an insight stream.
#[derive(Debug, PartialEq, Eq)]
pub struct NotInsight {
    /// The first line.
    pub said: String,
}

impl Intake {
    /// Before the first line of a connection.
    pub fn new() -> Intake {
        Intake {
            aside: Some(Model::default()),
            seen_header: false,
            expected_seq: None,
            unnumbered: 0,
            lines: 0,
            first_line: String::new(),
            early_bad_lines: 0,
        }
    }

    /// Takes one line in. Lines that cannot be understood are counted, and end nothing: only a stream that does not
    /// begin as one is refused.
    pub fn line(&mut self, line: &[u8], picture: &Mutex<Picture>) -> Result<(), NotInsight> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        self.lines += 1;
        let decoded = match std::str::from_utf8(line) {
            Ok(text) => decode(text).map_err(|error| error.to_string()),
            Err(_) => Err("not UTF-8".to_owned()),
        };
        if self.lines == 1 {
            self.first_line = String::from_utf8_lossy(&line[..line.len().min(200)]).trim().to_owned();
        }
        if matches!(&decoded, Ok(Decoded::Message { message: Message::StreamHeader(_), .. })) {
            self.seen_header = true;
        } else if !self.seen_header && self.lines >= LINES_WITHOUT_HEADER {
            return Err(self.refusal());
        }
        self.fold(decoded, picture);
        Ok(())
    }

    /// The stream ended.
    pub fn end(&self) -> Result<(), NotInsight> {
        if self.seen_header { Ok(()) } else { Err(self.refusal()) }
    }

    fn refusal(&self) -> NotInsight {
        NotInsight { said: self.first_line.clone() }
    }

    fn fold(&mut self, decoded: Result<Decoded, String>, picture: &Mutex<Picture>) {
        let missing = match &decoded {
            Ok(Decoded::Message { seq, .. } | Decoded::Unknown { seq, .. }) => self.number(*seq),
            Err(_) => {
                self.unnumbered += 1;
                0
            }
        };
        // What is folded aside needs no lock.
        let mut finished = None;
        if let (Ok(Decoded::Message { message, .. }), Some(model)) = (&decoded, &mut self.aside) {
            model.apply(message);
            if model.complete {
                finished = self.aside.take();
            }
        }

        let mut picture = lock(picture);
        picture.revision += 1;
        picture.last_line = Some(Instant::now());
        picture.losses.missing_messages += missing;
        match decoded {
            Ok(Decoded::Message { message, .. }) => {
                if let Message::StreamHeader(header) = &message {
                    picture.link = Link::Connected;
                    picture.losses.bad_lines += std::mem::take(&mut self.early_bad_lines);
                    let major = |version: &str| version.split('.').next().map(str::to_owned);
                    picture.losses.other_version =
                        (major(&header.protocol) != major(PROTOCOL_VERSION)).then(|| header.protocol.clone());
                }
                match (finished, &message) {
                    (Some(mut model), _) => {
                        if picture.session() == model.header.as_ref().map(|header| header.session.as_str()) {
                            model.ended += picture.model.ended;
                            model.panicked += picture.model.panicked;
                        }
                        picture.model = model;
                    }
                    (None, Message::SnapshotBegin(_)) if self.aside.is_none() => {
                        let mut model = Model::default();
                        model.header = picture.model.header.clone();
                        model.gaps = picture.model.gaps.clone();
                        model.apply(&message);
                        self.aside = Some(model);
                    }
                    (None, _) if self.aside.is_none() => picture.model.apply(&message),
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
    }

    /// How many messages are missing before the one with this number.
    fn number(&mut self, seq: u64) -> u64 {
        let expected = self.expected_seq.replace(seq.saturating_add(1)).unwrap_or(seq);
        let unnumbered = std::mem::take(&mut self.unnumbered);
        seq.saturating_sub(expected).saturating_sub(unnumbered)
    }
}
