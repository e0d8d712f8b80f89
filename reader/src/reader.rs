use crate::{Ending, Line, Lines, Outcome, Refusal};
use insight_protocol::{DecodeError, PROTOCOL_VERSION, decode};
use serde::Deserialize;

/// Bytes whose first lines hold no message are not a stream of insight.
const LINES_WITHOUT_MESSAGE: u64 = 8;
/// Maximum number of characters that are kept of the first line of such bytes.
const SAID: usize = 60;

const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const UTF8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// Of the one order of bytes and of the other.
const UTF16_MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// Divides a stream into lines, and refuses bytes that are no stream or speak another major version.
///
/// A byte order mark at the start is passed over.
#[derive(Debug, Default)]
pub struct Reader {
    /// The first bytes, until there are as many as the longest mark has.
    start: Vec<u8>,
    started: bool,
    marked: bool,
    lines: Lines,
    /// Lines that have ended.
    count: u64,
    said: String,
    /// One of the lines is a message, or a malformed one.
    seen_message: bool,
    /// The version that the header names, once it has come.
    version: Option<String>,
}

impl Reader {
    /// Takes the next bytes, however the stream is divided, and gives the lines that end in them to `each`. A line comes
    /// without its LF.
    pub fn push<E: From<Refusal>>(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.started {
            return self.take(piece, &mut each);
        }
        self.start.extend_from_slice(piece);
        if self.start.len() < ZSTANDARD.len() && !self.start.contains(&b'\n') {
            return Ok(());
        }
        self.begin(&mut each)
    }

    /// The line that is read, from 1, or the one to come.
    pub fn line(&self) -> u64 {
        self.count + 1
    }

    /// The stream begins with a byte order mark, which no message does.
    pub fn has_mark(&self) -> bool {
        self.marked
    }

    /// The version that the header names; `None` before it has come.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// There are no more bytes.
    pub fn end(mut self, ending: &Ending) -> Result<Outcome, Refusal> {
        if !self.started {
            self.begin(&mut |_| Ok::<(), Refusal>(()))?;
        }
        let in_line = self.lines.in_line();
        let why = match ending {
            Ending::BrokenOff(why) => Some(why.clone()),
            // r[file.cut-off]
            Ending::End => None,
            Ending::Stopped => return if self.count == 0 { Err(Refusal::NoLineInTime) } else { Ok(Outcome::Complete) },
        };
        match (self.count, why) {
            (0, None) if !in_line => Err(Refusal::Empty),
            (0, None) => Err(Refusal::NoLine),
            (0, Some(why)) => Err(Refusal::BrokenOff(why)),
            _ if !self.seen_message => Err(self.no_stream()),
            (_, None) if !in_line => Ok(Outcome::Complete),
            (_, why) => Ok(Outcome::Cut { line: self.count + 1, why }),
        }
    }

    /// Looks for the marks at the start, and takes the bytes after them.
    fn begin<E: From<Refusal>>(&mut self, each: &mut impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        self.started = true;
        let start = std::mem::take(&mut self.start);
        if start.starts_with(&ZSTANDARD) {
            return Err(Refusal::Zstandard.into());
        }
        if UTF16_MARKS.iter().any(|mark| start.starts_with(mark)) {
            return Err(Refusal::Utf16.into());
        }
        let rest = start.strip_prefix(&UTF8_MARK);
        self.marked = rest.is_some();
        self.take(rest.unwrap_or(&start), each)
    }

    fn take<E: From<Refusal>>(
        &mut self,
        piece: &[u8],
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Reader { lines, count, said, seen_message, version, .. } = self;
        lines.push(piece, |line| {
            *count += 1;
            let looked_at = version.is_none() && (*count <= LINES_WITHOUT_MESSAGE || starts_header(line));
            if looked_at {
                look(line, *count, said, seen_message, version)?;
            }
            each(line)
        })?;
        // Bytes without any line, such as those of /dev/zero, have no end that could be waited for.
        if let Some(start) = self.lines.too_long().filter(|_| !self.seen_message) {
            self.said = if self.count == 0 { beginning(start) } else { std::mem::take(&mut self.said) };
            return Err(self.no_stream().into());
        }
        Ok(())
    }

    fn no_stream(&self) -> Refusal {
        Refusal::NotAStream { said: self.said.clone() }
    }
}

/// Whether it may be a header that comes too late.
fn starts_header(line: Line<'_>) -> bool {
    const HEADER: &[u8] = b"stream.header";
    match line {
        Line::Whole(bytes) => bytes.get(..64).unwrap_or(bytes).windows(HEADER.len()).any(|part| part == HEADER),
        Line::TooLong(..) => false,
    }
}

fn look(
    line: Line<'_>,
    number: u64,
    said: &mut String,
    seen_message: &mut bool,
    version: &mut Option<String>,
) -> Result<(), Refusal> {
    let (Line::Whole(bytes) | Line::TooLong(bytes, _)) = line;
    let text = String::from_utf8_lossy(bytes);
    if number == 1 {
        *said = beginning(bytes);
    }
    if let Some(protocol) = protocol_of(&text) {
        let known = major(PROTOCOL_VERSION);
        if major(&protocol).is_some_and(|theirs| Some(theirs) != known) {
            return Err(Refusal::OtherVersion { protocol });
        }
        *version = Some(protocol);
    }
    *seen_message |= matches!(decode(&text), Ok(_) | Err(DecodeError::Malformed { .. }));
    if !*seen_message && number >= LINES_WITHOUT_MESSAGE {
        return Err(Refusal::NotAStream { said: std::mem::take(said) });
    }
    Ok(())
}

/// The version in a header, also in one that is malformed otherwise.
fn protocol_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "type")]
        type_name: String,
        protocol: String,
    }
    if !text.contains("stream.header") {
        return None;
    }
    let Header { type_name, protocol } = serde_json::from_str(text).ok()?;
    (type_name == "stream.header").then_some(protocol)
}

/// The major version; `None` of a text that is no version, which is the header's fault and not another version.
fn major(version: &str) -> Option<u64> {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u64>().ok())?;
    let (major, minor) = version.split_once('.')?;
    number(minor).and(number(major))
}

fn beginning(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(4 * SAID)];
    String::from_utf8_lossy(bytes).trim().chars().take(SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"seq":1,"type":"stream.header","protocol":"1.0"}"#;
    const HEARTBEAT: &str = r#"{"seq":2,"type":"stream.heartbeat","at_ns":5}"#;

    /// The lines, and the outcome; the same for every division of the bytes in two.
    fn read(bytes: &[u8], ending: &Ending) -> (Vec<String>, Result<Outcome, Refusal>) {
        let divided = |at: usize| {
            let (mut reader, mut lines) = (Reader::default(), Vec::new());
            let mut each = |line: Line<'_>| -> Result<(), Refusal> {
                let (Line::Whole(bytes) | Line::TooLong(bytes, _)) = line;
                lines.push(String::from_utf8_lossy(bytes).into_owned());
                Ok(())
            };
            let pushed = reader.push(&bytes[..at], &mut each).and_then(|()| reader.push(&bytes[at..], &mut each));
            let outcome = pushed.and_then(|()| reader.end(ending));
            (lines, outcome)
        };
        let whole = divided(0);
        for at in 1..bytes.len().min(200) {
            assert_eq!(divided(at), whole, "divided at {at}");
        }
        whole
    }

    #[test]
    fn each_kind_of_bytes_has_one_outcome() {
        let check = |bytes: &[u8], lines: usize, expect: &str| {
            let (read, outcome) = read(bytes, &Ending::End);
            let said = match outcome {
                Ok(outcome) => outcome.cut().unwrap_or_else(|| "complete".to_owned()),
                Err(refusal) => refusal.to_string(),
            };
            assert_eq!((read.len(), said.as_str()), (lines, expect), "{}", String::from_utf8_lossy(bytes));
        };
        check(b"", 0, "it is empty: no program has written to it");
        check(b"\xef\xbb\xbf", 0, "it is empty: no program has written to it");
        check(b"x", 0, "it has no line that ends: there is nothing to read");
        check(b"\n", 1, "it is not a stream of insight: its first line is \"\"");
        check(b"\x89PNG\r\n\x1a\n", 2, "it is not a stream of insight: its first line is \"\u{fffd}PNG\"");
        check("{}\n".repeat(99).as_bytes(), 7, "it is not a stream of insight: its first line is \"{}\"");
        check(b"\xff\xfe{\0", 0, &Refusal::Utf16.to_string());
        check(b"\x28\xb5\x2f\xfd\x24", 0, &Refusal::Zstandard.to_string());
        check(format!("{HEADER}\n{HEARTBEAT}\n").as_bytes(), 2, "complete");
        check(format!("\u{feff}{HEADER}\n").as_bytes(), 1, "complete");
        check(format!("{HEADER}\n{HEARTBEAT}").as_bytes(), 1, "it is cut off in line 2");
        check(format!("not json\n{HEARTBEAT}\n{}", "x\n".repeat(20)).as_bytes(), 22, "complete");
        let other = HEADER.replace("1.0", "2.0");
        let refused =
            "it speaks version 2.0 of the protocol, and this program knows 1.0: use one that knows that version";
        check(format!("{other}\n{HEARTBEAT}\n").as_bytes(), 0, refused);
        // Also where it comes too late.
        check(format!("{}{other}\n", format!("{HEARTBEAT}\n").repeat(9)).as_bytes(), 9, refused);
        check(format!("{}\n", HEADER.replace("1.0", "one")).as_bytes(), 1, "complete");
        check(format!("{}\n", HEADER.replace("1.0", "1.7")).as_bytes(), 1, "complete");
    }

    #[test]
    fn a_break_is_a_cut_after_the_lines_that_came() {
        let broken = Ending::BrokenOff("the disk is gone".to_owned());
        let cut = |bytes: &str| read(bytes.as_bytes(), &broken).1.map(|outcome| outcome.cut().unwrap_or_default());
        assert_eq!(cut(&format!("{HEADER}\n")), Ok("it is cut off at line 2: the disk is gone".to_owned()));
        assert_eq!(cut(HEADER), Err(Refusal::BrokenOff("the disk is gone".to_owned())));
        assert_eq!(read(HEADER.as_bytes(), &Ending::Stopped).1, Err(Refusal::NoLineInTime));
        assert_eq!(read(format!("{HEADER}\n{{").as_bytes(), &Ending::Stopped).1, Ok(Outcome::Complete));
    }

    #[test]
    fn bytes_without_an_end_are_refused_before_their_end() {
        let mut reader = Reader::default();
        let piece = vec![0; 1 << 20];
        let refused = (0..100).find_map(|_| reader.push(&piece, |_| Ok::<(), Refusal>(())).err());
        assert!(matches!(refused, Some(Refusal::NotAStream { .. })), "{refused:?}");
    }
}
