use crate::{Ending, Line, Lines, Outcome, Refusal};
use insight_protocol::{DecodeError, PROTOCOL_VERSION, decode};
use serde::Deserialize;

/// Number of lines without a message after which the input is refused.
const LINES_WITHOUT_MESSAGE: u64 = 8;
/// Maximum number of characters that are kept of the first line, for a refusal.
const SAID: usize = 60;

const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const UTF8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// The byte order marks of little endian and big endian.
const UTF16_MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// Divides a stream into lines. Refuses input that is not a stream, or has another major version.
///
/// A byte order mark at the start is skipped.
#[derive(Debug, Default)]
pub struct Reader {
    /// The first bytes, until they are enough to contain the longest mark.
    start: Vec<u8>,
    started: bool,
    marked: bool,
    lines: Lines,
    /// Number of complete lines.
    count: u64,
    said: String,
    /// Whether a line was a message, or a malformed one.
    found_message: bool,
    /// The version in the header, after the header has arrived.
    version: Option<String>,
}

impl Reader {
    /// Takes the next bytes, divided in any way, and gives the lines that end in them to `each`. A line has no LF.
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

    /// The number of the present line, from 1.
    pub fn line(&self) -> u64 {
        self.count + 1
    }

    /// Whether the stream begins with a byte order mark, although no message does.
    pub fn has_mark(&self) -> bool {
        self.marked
    }

    /// The version in the header. `None` before the header has arrived.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Ends the reading: the input has no more bytes.
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
            _ if !self.found_message => Err(self.no_stream()),
            (_, None) if !in_line => Ok(Outcome::Complete),
            (_, why) => Ok(Outcome::Cut { line: self.count + 1, why }),
        }
    }

    /// Skips a mark at the start, and takes the bytes after it.
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
        let Reader { lines, count, said, found_message, version, .. } = self;
        lines.push(piece, |line| {
            *count += 1;
            let is_inspected = version.is_none() && (*count <= LINES_WITHOUT_MESSAGE || starts_header(line));
            if is_inspected {
                inspect(line, *count, said, found_message, version)?;
            }
            each(line)
        })?;
        // Input without any line, such as /dev/zero, may never end.
        if let Some(start) = self.lines.too_long().filter(|_| !self.found_message) {
            self.said = if self.count == 0 { beginning(start) } else { std::mem::take(&mut self.said) };
            return Err(self.no_stream().into());
        }
        Ok(())
    }

    fn no_stream(&self) -> Refusal {
        Refusal::NotAStream { said: self.said.clone() }
    }
}

/// Whether the line may be a header, though it comes too late.
fn starts_header(line: Line<'_>) -> bool {
    const HEADER: &[u8] = b"stream.header";
    match line {
        Line::Whole(bytes) => bytes.get(..64).unwrap_or(bytes).windows(HEADER.len()).any(|part| part == HEADER),
        Line::TooLong(..) => false,
    }
}

fn inspect(
    line: Line<'_>,
    number: u64,
    said: &mut String,
    found_message: &mut bool,
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
    *found_message |= matches!(decode(&text), Ok(_) | Err(DecodeError::Malformed { .. }));
    if !*found_message && number >= LINES_WITHOUT_MESSAGE {
        return Err(Refusal::NotAStream { said: std::mem::take(said) });
    }
    Ok(())
}

/// The version in a header, even if the rest of it is malformed.
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

/// The major version. `None` if the text is not a version, which is an error in the header and not another version.
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

    /// The lines and the outcome. They are the same for every division of the bytes in two.
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
            let text = match outcome {
                Ok(outcome) => outcome.cut().unwrap_or_else(|| "complete".to_owned()),
                Err(refusal) => refusal.to_string(),
            };
            assert_eq!((read.len(), text.as_str()), (lines, expect), "{}", String::from_utf8_lossy(bytes));
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
        // The same for a header that comes too late.
        check(format!("{}{other}\n", format!("{HEARTBEAT}\n").repeat(9)).as_bytes(), 9, refused);
        check(format!("{}\n", HEADER.replace("1.0", "one")).as_bytes(), 1, "complete");
        check(format!("{}\n", HEADER.replace("1.0", "1.7")).as_bytes(), 1, "complete");
    }

    #[test]
    fn break_is_a_cut_after_the_complete_lines() {
        let broken = Ending::BrokenOff("the disk is gone".to_owned());
        let cut = |bytes: &str| read(bytes.as_bytes(), &broken).1.map(|outcome| outcome.cut().unwrap_or_default());
        assert_eq!(cut(&format!("{HEADER}\n")), Ok("it is cut off at line 2: the disk is gone".to_owned()));
        assert_eq!(cut(HEADER), Err(Refusal::BrokenOff("the disk is gone".to_owned())));
        assert_eq!(read(HEADER.as_bytes(), &Ending::Stopped).1, Err(Refusal::NoLineInTime));
        assert_eq!(read(format!("{HEADER}\n{{").as_bytes(), &Ending::Stopped).1, Ok(Outcome::Complete));
    }

    #[test]
    fn endless_bytes_without_a_line_are_refused() {
        let mut reader = Reader::default();
        let piece = vec![0; 1 << 20];
        let refused = (0..100).find_map(|_| reader.push(&piece, |_| Ok::<(), Refusal>(())).err());
        assert!(matches!(refused, Some(Refusal::NotAStream { .. })), "{refused:?}");
    }
}
